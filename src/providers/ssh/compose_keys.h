#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <yaml-cpp/yaml.h>

/// The keys that a compose file of version 3 may have, and the allowed values of each.
namespace hadeploy::ssh::docker {

/// `is` lists alternatives, separated by |:
/// - a scalar: `text` or a form of text (compose_scalar.h), `flag`, `null`, numbers (`whole`;
///   `integer`: 1.0 too; `count`: not negative; `number`; `amount`: not negative; `target`: a
///   port), `value` (a string, a number or nothing, converted to a string) and `option` (a `value`,
///   but not nothing). With a trailing `!` Docker accepts no variable there.
/// - `[X]`, a list of X; `[!X]`, without duplicates
/// - `{shape}`, a map with the keys whose `in` is that shape; `{*X}`, a map from any names to X;
///   `{+X}`, a map from names that contain only letters, digits and ._- to X
/// - `any`
struct Key {
    std::string_view in, name, is;
    int since = 0; ///< N of the version 3.N of the format that introduced it
};

/// The key of a shape; null if there is none. `x-...` keys and, in an open shape, all other keys
/// are found under the names "x-" and "*".
const Key* find_key(std::string_view shape, std::string_view name);
/// The key names of a shape, for "did you mean".
std::vector<std::string> key_names(std::string_view shape);
/// The replacement for a key that only Docker Compose supports; "" if none is known.
std::string_view remedy(std::string_view shape, std::string_view name);

/// Splits Key::is into alternatives.
std::vector<std::string_view> alternatives(std::string_view is);
/// The text between the brackets of an alternative.
std::string_view inside(std::string_view alternative);

/// N of the lowest version 3.N of the format that has all keys of the file.
int needed_version(const YAML::Node& root);

} // namespace hadeploy::ssh::docker
