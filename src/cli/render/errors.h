#pragma once

#include "cli/render/terminal.h"
#include "core/error.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// The exit code for an error; 1 for several errors with different codes.
int exit_code(ErrorKind kind);
int exit_code(const std::vector<Error>& errors);
/// "spec", "unreachable", ..., for JSON.
std::string_view kind_name(ErrorKind kind);

/// The errors in the order of output, without duplicates. They are sorted by place; errors without
/// a place come last, sorted by resource.
std::vector<const Error*> in_order(const std::vector<Error>& errors);

/// Renders the first 20 errors in order: place, message, source line with a caret, notes, hint.
/// Errors with the same cause, such as a silent host or a block whose instances all have the error,
/// are merged. Several errors are followed by their number.
std::string render_errors(const std::vector<Error>& errors, const Sources& sources,
                          const Style& style);

/// Renders warnings in the same way.
std::string render_warnings(const std::vector<Error>& warnings, const Sources& sources,
                            const Style& style);

/// All errors in order, each as error_json().
nlohmann::json errors_json(const std::vector<Error>& errors, const Sources& sources);

/// One error as an object: kind, message, address, file, line, column, hint, notes.
nlohmann::json error_json(const Error& error, const Sources& sources);

} // namespace hadeploy::cli
