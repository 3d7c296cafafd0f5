#pragma once

#include <string>
#include <string_view>
#include <yaml-cpp/yaml.h>

/// How Docker reads the scalars of a compose file, and the forms of texts in it. Docker before 28
/// reads them by YAML 1.1, newer ones mostly by 1.2: what the host has is not known here, so only
/// what both read alike is taken.
namespace hadeploy::ssh::docker {

enum class Scalar {
    null,
    flag,
    word, ///< yes, no, on, off, y, n: `true` or `false` to Docker before 28, text to newer ones
    integer,
    number,
    date,
    text
};

struct Reading {
    Scalar type = Scalar::text;
    std::string text; ///< what Docker makes of it where it needs text: "1.5" of 1.50
};

/// A scalar by its style, its tag and its text: "80" in quotes is text, 80 is an integer.
Reading read_scalar(const YAML::Node& node);
/// What stands without quotes.
Reading read_plain(const std::string& text);

/// Whether a text has the form: "duration", "size", "cpus", "port", "mount", "command", "restart",
/// "version", or one of the words of "=a,b,c". Any text is "text".
bool has_form(std::string_view form, const std::string& text);
/// "a duration such as 30s", for messages.
std::string name_of_form(std::string_view form);

} // namespace hadeploy::ssh::docker
