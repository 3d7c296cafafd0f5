#include "core/did_you_mean.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace hadeploy {

namespace {
/// Optimal string alignment distance, ignoring case: the number of letters that have to be changed,
/// inserted, deleted or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const auto same = [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    };
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = std::exchange(last, row);
    }
    return last[b.size()];
}
} // namespace

std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongest = 256; // a longer text is not a mistyped name
    if (word.empty() || word.size() > kLongest) return std::nullopt;
    const std::size_t close_enough = std::max<std::size_t>(1, word.size() / 3);
    std::optional<std::string> best;
    std::size_t least = close_enough + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > word.size() + close_enough ||
            word.size() > candidate.size() + close_enough)
            continue;
        const std::size_t distance = edit_distance(word, candidate);
        // A candidate that differs in every letter is not a likely correction.
        if (distance >= least || distance >= std::max(word.size(), candidate.size())) continue;
        least = distance;
        best = candidate;
    }
    return best;
}

} // namespace hadeploy
