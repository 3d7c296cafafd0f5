#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace hadeploy::svc {

using LogField = std::pair<std::string_view, std::string>;

/// Logs one event as one line on standard output: `TIME info EVENT key="value" …`. Thread-safe;
/// values are quoted, so that outside data cannot forge a line.
void log_info(std::string_view event, std::initializer_list<LogField> fields = {});
void log_error(std::string_view event, std::initializer_list<LogField> fields = {});

} // namespace hadeploy::svc
