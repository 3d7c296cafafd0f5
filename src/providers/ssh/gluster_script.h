#pragma once

#include "providers/ssh/ssh_type.h"

#include <string>
#include <string_view>
#include <vector>

/// What the gluster.* types share: shell functions for their scripts, reading of glusterd's files.
namespace hadeploy::ssh::gluster {

/// Shell functions, to stand before a script that uses them:
/// - `gluster_up`: succeeds when glusterd runs; no process is started.
/// - `show FILE`: prints a file with builtins alone.
/// - `gl ARGS...`: the gluster command line. The cluster makes one change at a time and refuses
///   others meanwhile ("Another transaction is in progress"): those are tried again for a while.
std::string functions();

/// `key=value` lines.
std::vector<std::pair<std::string, std::string>> pairs(std::string_view text);

/// The part of `text` after the line `== NAME` and before the next `== `; "" when there is none.
std::string section(std::string_view text, std::string_view name);

/// The items of "a,b,c".
Value list_of_names(std::string_view text);

/// The contents of the elements <tag> of what `gluster --xml` prints, in their order.
std::vector<std::string> elements(std::string_view xml, std::string_view tag);

/// The hosts of a map of connections, in key order.
struct Host {
    std::string name;
    Value connection;
    [[nodiscard]] std::string address() const { return connection.text("address"); }
};
std::vector<Host> hosts_of(const Value& map);

/// The attribute `hosts` of a resource that can be reached through any of them.
Attribute hosts_attribute(std::string doc);
/// Options go onto command lines, which every user of a host can read.
/// @throws Error(failed) when a secret is among them
void refuse_secrets(const Value& options);
/// The same, while the spec is checked.
void refuse_secrets(const Value& options, Diagnostics& diagnostics);

} // namespace hadeploy::ssh::gluster
