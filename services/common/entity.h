#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadeploy::svc {

/// Validation of stored values, shared by web and database. Each function returns "" for a valid
/// value, otherwise the problem and the limits.
constexpr std::size_t kMostNameLength = 64; ///< code points
constexpr std::int64_t kMostQuantity = 1'000'000'000;
constexpr std::size_t kMostIdLength = 64; ///< bytes

std::string name_problem(std::string_view name);
std::string quantity_problem(std::int64_t quantity);
std::string id_problem(std::string_view id);

} // namespace hadeploy::svc
