#pragma once

#include <string>
#include <string_view>
#include <yaml-cpp/yaml.h>

/// How Docker reads the scalars of a compose file, and the formats of strings. Docker before 28
/// reads scalars by YAML 1.1, newer versions mostly by 1.2. The version on the host is not known
/// here, so only values that both read in the same way are accepted.
namespace hadeploy::ssh::docker {

enum class Scalar {
    null,
    flag,
    word, ///< yes, no, on, off, y, n: `true` or `false` before Docker 28, a string since then
    integer,
    number,
    date,
    text
};

struct Reading {
    Scalar type = Scalar::text;
    std::string text; ///< the string to which Docker converts it: "1.5" for 1.50
};

/// Reads a scalar by style, tag and text: "80" in quotes is a string, 80 is an integer.
Reading read_scalar(const YAML::Node& node);
/// Reads a scalar without quotes.
Reading read_plain(const std::string& text);

/// Whether a string has the form: "duration", "size", "cpus", "port", "mount", "command",
/// "restart", "version", or one of the words in "=a,b,c". Any string has the form "text".
bool has_form(std::string_view form, const std::string& text);
/// "a duration such as 30s", for messages.
std::string name_of_form(std::string_view form);

} // namespace hadeploy::ssh::docker
