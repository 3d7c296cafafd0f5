#pragma once

#include "provider_api/schema.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The kind of a type that is written as a single word; nullopt for an unknown word.
std::optional<TypeKind> type_kind(std::string_view word);
/// All such words.
std::vector<std::string> type_words();

/// A type in the syntax of a spec, for messages and docs: "list(string)".
std::string type_name(const Type& type);

} // namespace hadeploy
