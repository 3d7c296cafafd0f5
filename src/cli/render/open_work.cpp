#include "cli/render/open_work.h"

#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kMost = 20;
constexpr std::size_t kOpenAddressColumns = 60;
constexpr std::size_t kProgressColumns = 80;

/// One line per step, earliest first.
std::string open_steps_text(std::vector<OpenStep> open, std::int64_t now_ms) {
    std::stable_sort(open.begin(), open.end(),
                     [](const OpenStep& a, const OpenStep& b) { return a.since_ms < b.since_ms; });
    const std::size_t shown = open.size() <= kMost ? open.size() : kMost - 1;
    std::size_t width = 0;
    for (std::size_t i = 0; i < shown; ++i)
        width = std::max(width, columns_of(printable(open[i].address)));
    width = std::min(width, kOpenAddressColumns);
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
        return "stopping: nothing is running, and nothing new is started (press Ctrl-C again to "
               "exit immediately)\n";
    return "stopping: running steps are finished, nothing new is started (press Ctrl-C again to "
           "exit immediately):\n" +
           open_steps_text(open, now_ms);
}

std::string left_text(const std::vector<OpenStep>& open, std::int64_t now_ms) {
    if (open.empty())
        return "exited immediately: no step was running; the next plan or apply continues from "
               "here\n";
    return "exited immediately: these steps can be incomplete, and continue if they do not need "
           "hadeploy:\n" +
           open_steps_text(open, now_ms) +
           fmt::format(
               "The state records that {} open: the next plan or apply reads {} and continues "
               "from there.\n",
               open.size() == 1 ? "this step is" : "these steps are",
               open.size() == 1 ? "it" : "them");
}

} // namespace hadeploy::cli
