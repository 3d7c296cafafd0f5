#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// Text about one address: a step of a plan, or its result.
struct Said {
    std::string address;
    std::vector<std::string> lines; ///< everything except the address
};

/// Text about several instances.
struct Folded {
    std::string address; ///< `web[0..49]`, `web["a", "b", "c"]`
    std::vector<std::string> lines;
    std::vector<std::size_t> members; ///< sorted indexes into the input
};

/// Folds instances of one block or module whose texts are identical, differ only by the instance's
/// key in the same places (`/srv/{key}`), or differ only by numbers that grow with the instance's
/// index (`/srv/{0..49}`). Fewer than three instances are not folded. The results are in the order
/// of their first members.
std::vector<Folded> fold(const std::vector<Said>& all);
/// One entry for each instance, without folding.
std::vector<Folded> unfolded(const std::vector<Said>& all);

/// The address without keys: `module.site.web` for `module.site["a"].web[0]`.
std::string block_address(std::string_view address);

} // namespace hadeploy::cli
