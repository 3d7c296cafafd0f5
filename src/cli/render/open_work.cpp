#include "cli/render/open_work.h"

#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kMost = 20;
constexpr std::size_t kAddressColumns = 60;
constexpr std::size_t kProgressColumns = 80;

/// One line a step, what began first at the top.
std::string list_of(std::vector<OpenStep> open, std::int64_t now_ms) {
    std::stable_sort(open.begin(), open.end(),
                     [](const OpenStep& a, const OpenStep& b) { return a.since_ms < b.since_ms; });
    const std::size_t shown = open.size() <= kMost ? open.size() : kMost - 1;
    std::size_t width = 0;
    for (std::size_t i = 0; i < shown; ++i)
        width = std::max(width, columns_of(printable(open[i].address)));
    width = std::min(width, kAddressColumns);
    std::string out;
    for (std::size_t i = 0; i < shown; ++i) {
        const OpenStep& step = open[i];
        const std::string at =
            step.progress.empty() ? "" : ": " + fit(printable(step.progress), kProgressColumns);
        out += fmt::format("    {}  {}{}, {}\n", pad(printable(step.address), width),
                           printable(step.doing), at, show_elapsed(now_ms - step.since_ms));
    }
    if (shown < open.size()) out += fmt::format("    and {} more\n", open.size() - shown);
    return out;
}
} // namespace

std::string stopping_text(const std::vector<OpenStep>& open, std::int64_t now_ms) {
    if (open.empty())
        return "stopping: nothing is under way, and nothing more is begun (Ctrl-C again leaves at "
               "once)\n";
    return "stopping: what runs is finished first, nothing more is begun (Ctrl-C again leaves at "
           "once):\n" +
           list_of(open, now_ms);
}

std::string left_text(const std::vector<OpenStep>& open, std::int64_t now_ms) {
    if (open.empty())
        return "left at once: no step was under way; the next plan or apply goes on from here\n";
    return "left at once: what was under way may be half done, and goes on where it does not need "
           "hadeploy:\n" +
           list_of(open, now_ms) +
           fmt::format(
               "The state says that {} open: the next plan or apply looks at {} and goes on "
               "from there.\n",
               open.size() == 1 ? "this step is" : "these steps are",
               open.size() == 1 ? "it" : "them");
}

} // namespace hadeploy::cli
