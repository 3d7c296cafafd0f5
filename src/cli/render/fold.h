#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// Something that is said of one address: a step of a plan, the result of one.
struct Said {
    std::string address;
    std::vector<std::string> lines; ///< all that is said, beside the address
};

/// The same, of as many instances as it is true of.
struct Folded {
    std::string address; ///< `web[0..49]`, `web["a", "b", "c"]`
    std::vector<std::string> lines;
    std::vector<std::size_t> members; ///< places in what was given, sorted
};

/// Folds instances of one block, or of one module, of which the same is said: word for word, or
/// with the instance's key in the same places (`/srv/{key}`), or with numbers that go up with its
/// index (`/srv/{0..49}`). Fewer than three stay apart. In the order of the first of each.
std::vector<Folded> fold(const std::vector<Said>& all);
/// All of them apart.
std::vector<Folded> unfolded(const std::vector<Said>& all);

/// The address without the keys of instances: `module.site["a"].web[0]` is in `module.site.web`.
std::string block_address(std::string_view address);

} // namespace hadeploy::cli
