#pragma once

#include "cli/render/terminal.h"
#include "provider_api/schema.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// A value on one line: sizes and durations with units, connections as the machine they lead to,
/// maps and lists in YAML flow style. `type` can be nullptr (any).
std::string value_text(const Type* type, const Value& value);

/// The type of a member of a map, list or object; nullptr if it is not known.
const Type* member_type(const Type* type, std::string_view key);

/// An attribute and its value: `name: value`, on several lines if needed. Lines are indented by
/// `indent` and have no newlines.
std::vector<std::string> value_lines(std::string_view name, const Type* type, const Value& value,
                                     std::size_t indent);

/// The difference of two values: `name: before -> after`, added, removed and changed members of
/// maps and items of lists, and changed lines of long texts.
std::vector<std::string> change_lines(std::string_view name, const Type* type, const Value& before,
                                      const Value& after, std::size_t indent, const Style& style);

/// Marks the attributes that the schema declares secret.
Value mark_secrets(const Schema& schema, const Value& attributes);

} // namespace hadeploy::cli
