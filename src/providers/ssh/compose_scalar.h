#pragma once

#include <string>
#include <string_view>
#include <yaml-cpp/yaml.h>

/// How Docker reads the scalars of a compose file (by YAML 1.1), and the forms of texts in it.
namespace hadeploy::ssh::docker {

enum class Scalar { null, flag, integer, number, date, text };

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
