#pragma once

#include "cli/render/terminal.h"
#include "core/error.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// The exit code that goes with an error; of several with different codes it is 1.
int exit_code(ErrorKind kind);
int exit_code(const std::vector<Error>& errors);
/// "spec", "unreachable", ...: for JSON.
std::string_view kind_name(ErrorKind kind);

/// As they are told: by place, what has none last and by its resource; each once.
std::vector<const Error*> in_order(const std::vector<Error>& errors);

/// All errors for people, in order: where, what, the line with a caret, notes, what to do
/// next. Resources that fail for one cause, a host that does not answer, are one error. Ends with
/// a line end; more than one error end with their number.
std::string render_errors(const std::vector<Error>& errors, const Sources& sources,
                          const Style& style);

/// The same for what stops nothing.
std::string render_warnings(const std::vector<Error>& warnings, const Sources& sources,
                            const Style& style);

/// All of them, in order, each as error_json().
nlohmann::json errors_json(const std::vector<Error>& errors, const Sources& sources);

/// One error as an object: kind, message, address, file, line, column, hint, notes.
nlohmann::json error_json(const Error& error, const Sources& sources);

} // namespace hadeploy::cli
