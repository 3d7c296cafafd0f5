#pragma once

#include "providers/ssh/ssh_type.h"

#include <string>
#include <string_view>
#include <vector>

/// Shared by the gluster.* types: shell functions for their scripts, and parsing of glusterd files.
namespace hadeploy::ssh::gluster {

/// Shell functions that precede a script:
/// - `gluster_up`: succeeds if glusterd runs; starts no process.
/// - `show FILE`: prints a file with builtins only.
/// - `gl ARGS...`: the gluster command line. The cluster makes one change at a time and rejects
///   others in the meantime ("Another transaction is in progress"). Rejected commands are retried
///   for a while.
std::string functions();

/// Parses `key=value` lines.
std::vector<std::pair<std::string, std::string>> pairs(std::string_view text);

/// The part of `text` between the line `== NAME` and the next `== `; "" if there is none.
std::string section(std::string_view text, std::string_view name);

/// The items of "a,b,c".
Value list_of_names(std::string_view text);

/// The contents of the <tag> elements in the output of `gluster --xml`, in order.
std::vector<std::string> elements(std::string_view xml, std::string_view tag);

/// The hosts of a map of connections, in key order.
struct Host {
    std::string name;
    Value connection;
    [[nodiscard]] std::string address() const { return connection.text("address"); }
};
std::vector<Host> hosts_of(const Value& map);

/// The attribute `hosts` of a resource that can be managed through any of them.
Attribute hosts_attribute(std::string doc);
/// Options are passed on command lines, which every user of a host can read.
/// @throws Error(failed) if an option is a secret
void refuse_secrets(const Value& options);
/// As above, but reports diagnostics of the spec.
void refuse_secrets(const Value& options, Diagnostics& diagnostics);

} // namespace hadeploy::ssh::gluster
