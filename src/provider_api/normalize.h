#pragma once

#include "core/error.h"
#include "provider_api/schema.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace hadeploy {

/// A local path in its one spelling: lexically normal, without a slash at its end.
std::string without_last_slash(const std::filesystem::path& path);

/// The directory that a relative local path refers to: that of the file that `loc` is in. Asked for
/// absolute paths too when they are `written` in the spec, not a schema's default.
using BaseDirectory = std::function<std::filesystem::path(Loc loc, bool written)>;

/// Checks `config` against the schema and returns it in canonical form with defaults filled in.
/// Unknown values pass. `what` names the owner in messages: `host.file "motd"`. Every problem is
/// added, none is thrown; the result is only of use when none was added.
Value normalize(const Schema& schema, const Value& config, std::string_view what, Loc owner,
                const BaseDirectory& base, Diagnostics& diagnostics);
/// The same for one value of one type, e.g. a variable's. `what` is where paths in messages begin:
/// `var.hosts` of `var.hosts["a"].port`.
Value normalize(const Attribute& attribute, const Value& value, std::string_view what,
                const BaseDirectory& base, Diagnostics& diagnostics);

} // namespace hadeploy
