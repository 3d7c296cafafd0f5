#pragma once

#include "cli/render/terminal.h"
#include "provider_api/schema.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// One value on one line, for people: sizes and durations with their units, connections as the
/// machine they lead to, maps and lists as YAML writes them in a line. `type` may be nullptr (any).
std::string value_text(const Type* type, const Value& value);

/// The type of a map's, list's or object's member; nullptr where nothing is known of it.
const Type* member_type(const Type* type, std::string_view key);

/// An attribute and its value: `name: value`, or over several lines where one is too little. Lines
/// are indented by `indent`, and have no line ends.
std::vector<std::string> value_lines(std::string_view name, const Type* type, const Value& value,
                                     std::size_t indent);

/// The same value before and after, only what differs: `name: before -> after`, members of maps and
/// items of lists that came, went or changed, and the changed lines of long texts.
std::vector<std::string> change_lines(std::string_view name, const Type* type, const Value& before,
                                      const Value& after, std::size_t indent, const Style& style);

/// The attributes with everything marked as secret that the schema says is secret.
Value mark_secrets(const Schema& schema, const Value& attributes);

} // namespace hadeploy::cli
