#include "cli/render/line_diff.h"

#include <algorithm>
#include <cstdint>

namespace hadeploy::cli {

namespace {
using Lines = std::vector<std::string>;

/// Maximum size of the table of common lines; above it the middle part is shown as replaced.
constexpr std::size_t kMostCells = 4'000'000;

/// The full diff of `a` and `b` by a longest common subsequence.
class LineComparison {
  public:
    LineComparison(const Lines& a, const Lines& b) : a_(a), b_(b) {
        while (front_ < shorter() && a_[front_] == b_[front_]) ++front_;
        while (back_ < shorter() - front_ && a_[a_.size() - 1 - back_] == b_[b_.size() - 1 - back_])
            ++back_;
        rows_ = a_.size() - front_ - back_;
        columns_ = b_.size() - front_ - back_;
        if (rows_ * columns_ <= kMostCells) fill();
    }

    std::vector<LineChange> path() const {
        std::vector<LineChange> out;
        for (std::size_t i = 0; i < front_; ++i) out.push_back({' ', a_[i]});
        std::size_t i = 0, j = 0;
        while (i < rows_ || j < columns_) {
            const bool both = i < rows_ && j < columns_;
            if (both && !table_.empty() && a_[front_ + i] == b_[front_ + j]) {
                out.push_back({' ', a_[front_ + i]});
                ++i, ++j;
            } else if (i < rows_ &&
                       (!both || table_.empty() || common(i + 1, j) >= common(i, j + 1))) {
                out.push_back({'-', a_[front_ + i++]});
            } else {
                out.push_back({'+', b_[front_ + j++]});
            }
        }
        for (std::size_t k = a_.size() - back_; k < a_.size(); ++k) out.push_back({' ', a_[k]});
        return out;
    }

  private:
    std::size_t shorter() const { return std::min(a_.size(), b_.size()); }
    /// Length of the longest common subsequence from (i, j) on.
    std::uint32_t common(std::size_t i, std::size_t j) const {
        return table_[i * (columns_ + 1) + j];
    }

    void fill() {
        table_.assign((rows_ + 1) * (columns_ + 1), 0);
        for (std::size_t i = rows_; i-- > 0;)
            for (std::size_t j = columns_; j-- > 0;)
                table_[i * (columns_ + 1) + j] = a_[front_ + i] == b_[front_ + j]
                                                     ? common(i + 1, j + 1) + 1
                                                     : std::max(common(i + 1, j), common(i, j + 1));
    }

    const Lines& a_;
    const Lines& b_;
    std::size_t front_ = 0, back_ = 0, rows_ = 0, columns_ = 0;
    std::vector<std::uint32_t> table_;
};
} // namespace

std::vector<LineChange> diff_lines(const Lines& before, const Lines& after) {
    if (before == after) return {};
    const std::vector<LineChange> all = LineComparison(before, after).path();
    std::vector<LineChange> out;
    bool gap = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool near = all[i].sign != ' ' || (i > 0 && all[i - 1].sign != ' ') ||
                          (i + 1 < all.size() && all[i + 1].sign != ' ');
        if (near)
            out.push_back(all[i]);
        else if (!gap)
            out.push_back({' ', "..."});
        gap = !near;
    }
    return out;
}

} // namespace hadeploy::cli
