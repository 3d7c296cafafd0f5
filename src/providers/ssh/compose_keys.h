#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <yaml-cpp/yaml.h>

/// The keys that a compose file of version 3 may have, and what each may be.
namespace hadeploy::ssh::docker {

/// `is` are alternatives, with | between them:
/// - a scalar: `text` or a form of text (compose_scalar.h), `flag`, `null`, numbers (`whole`,
///   `integer`: 1.0 too, `count`: not negative, `number`, `amount`: not negative, `target`: of a
///   port), `value` (text, number or nothing, which becomes text) and `option` (the same without
///   nothing). With a `!` behind it Docker takes no variable there.
/// - `[X]`, a list of X; `[!X]` where nothing may be there twice
/// - `{shape}`, a map with the keys `in` that shape; `{*X}` and `{+X}`, a map of any names to X,
/// the
///   latter with letters, digits and ._- alone
/// - `any`
struct Key {
    std::string_view in, name, is;
    int since = 0; ///< the version 3.N of the format that it came with
};

/// The key of a shape; nothing when there is none. `x-...` and, in a shape that is open, any other
/// key too are found under the names "x-" and "*".
const Key* find_key(std::string_view shape, std::string_view name);
/// The names of the keys of a shape, for "did you mean".
std::vector<std::string> key_names(std::string_view shape);
/// What to write in the place of what only Docker Compose knows; "" when nothing is known of it.
std::string_view remedy(std::string_view shape, std::string_view name);

/// The alternatives of Key::is.
std::vector<std::string_view> alternatives(std::string_view is);
/// What is between the brackets of an alternative.
std::string_view inside(std::string_view alternative);

/// The N of the lowest version 3.N of the format that has all keys of the file.
int needed_version(const YAML::Node& root);

} // namespace hadeploy::ssh::docker
