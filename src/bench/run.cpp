#include "bench/run.h"

#include "core/process.h"

namespace hadeploy::bench {

namespace {
constexpr auto kMostBefore = std::chrono::minutes(10);
}

Row run_row(const Load& load, const std::filesystem::path& directory, const std::stop_token& stop,
            const std::function<void(std::size_t)>& progress) {
    Row row{.load = load};
    try {
        if (!load.before.empty())
            run_checked({.argv = load.before,
                         .directory = directory,
                         .stop = stop,
                         .timeout = kMostBefore});
    } catch (const Interrupted&) {
        row.interrupted = true;
        return row;
    } catch (const Error& error) {
        row.problem = error.message;
        return row;
    }
    chaos::MachineWatch machine;
    const Recording recording = generate(load, stop, progress);
    row.machine = chaos::use_of(machine.stop());
    std::vector<Us> delays;
    for (const Sample& s : recording.samples) delays.push_back(s.sent - s.intended);
    chaos::add_delays(row.machine, std::move(delays));
    row.doubts = chaos::doubts_about(row.machine);
    row.figures = figures_of(recording);
    row.interrupted = recording.interrupted;
    row.cut_off = recording.cut_off;
    row.thresholds = judge(row);
    return row;
}

} // namespace hadeploy::bench
