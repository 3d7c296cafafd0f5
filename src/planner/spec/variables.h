#pragma once

#include "planner/spec/load_spec.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy {

/// Reads the declaration of a variable: the entries of the block except `validate`.
void read_declaration(const Value& body, Attribute& variable, const BaseDirectory& base,
                      Diagnostics& diagnostics);

/// Values from the command line and the environment, by variable name.
using VariableValues = std::map<std::string, Value>;

/// Reads a `--var-file`: a YAML map of values. Adds the file to the sources of the spec, where the
/// values of secret variables are hidden. If there are secret variables and the file is not valid
/// YAML, all of its contents are hidden.
VariableValues load_variable_file(const std::filesystem::path& file, const FileReader& read,
                                  Spec& spec);
/// Converts the text of `--var NAME=TEXT` to a value of the variable's type: a string is used
/// unchanged, any other type is read as YAML. `from` names the source in messages: "--var NAME".
Value parse_variable_text(const Variable& variable, const std::string& text,
                          const std::string& from, Sources& sources);

/// The value of every variable of the root module, given or default, checked and normalized.
/// @param missing  receives the names of required variables without a value, which become unknown;
///         nullptr: a missing value is an error
/// @throws Error if a variable is missing or unknown, or a value has a wrong type or is out of
///         range
Value resolve_variables(const Spec& spec, const VariableValues& given,
                        std::vector<std::string>* missing = nullptr);

} // namespace hadeploy
