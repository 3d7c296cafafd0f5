#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadeploy::svc {

/// What may be stored. Web and database apply the same rules; each is empty when the value is
/// fine and otherwise says what is wrong and what is allowed.
constexpr std::size_t kMostNameLength = 64; ///< code points
constexpr std::int64_t kMostQuantity = 1'000'000'000;
constexpr std::size_t kMostIdLength = 64; ///< bytes

std::string name_problem(std::string_view name);
std::string quantity_problem(std::int64_t quantity);
std::string id_problem(std::string_view id);

} // namespace hadeploy::svc
