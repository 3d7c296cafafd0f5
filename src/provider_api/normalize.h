#pragma once

#include "core/error.h"
#include "provider_api/schema.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace hadeploy {

/// A local path in canonical form: lexically normal, without a trailing slash.
std::string without_last_slash(const std::filesystem::path& path);

/// The canonical form of a path to an object on this machine. Links in its existing directories are
/// also resolved, so that two paths to one object are equal. A link in the last component is not
/// resolved: the object would replace it.
std::string real_place(const std::filesystem::path& path);

/// Returns the directory that relative local paths refer to: the directory of the file that
/// contains `loc`. It is called for absolute paths too. `written`: the path is written in the spec,
/// and is not a schema's default.
using BaseDirectory = std::function<std::filesystem::path(Loc loc, bool written)>;

/// Checks `config` against the schema and returns it in canonical form with defaults. Unknown
/// values are accepted. `what` names the owner in messages: `host.file "motd"`. All errors are
/// added to `diagnostics`, none is thrown; the result is valid only if none was added.
Value normalize(const Schema& schema, const Value& config, std::string_view what, Loc owner,
                const BaseDirectory& base, Diagnostics& diagnostics);
/// As above, for a single value, for example of a variable. `what` is the start of paths in
/// messages: `var.hosts` in `var.hosts["a"].port`.
Value normalize(const Attribute& attribute, const Value& value, std::string_view what,
                const BaseDirectory& base, Diagnostics& diagnostics);

} // namespace hadeploy
