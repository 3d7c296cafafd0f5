#pragma once

#include "provider_api/schema.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The kind of a type that is written as one word.
std::optional<TypeKind> type_kind(std::string_view word);
/// All such words.
std::vector<std::string> type_words();

/// A type as a spec writes it, for messages and docs: "list(string)".
std::string type_name(const Type& type);

} // namespace hadeploy
