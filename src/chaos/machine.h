#pragma once

#include "chaos/measure.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How busy the measuring machine is. A busy machine delays requests and responses, and the
/// figures then say nothing about the app.
namespace hadeploy::chaos {

/// The state of the processors at one time.
struct MachineSample {
    Us at{0};
    double total = 0, stolen = 0; ///< time of all processors since the boot, in ticks
    std::optional<Us> waiting;    ///< time in which some process waited for a processor (PSI)
    double load = 0;              ///< 1-minute load average, divided by the processors
};

/// @param stat, pressure, loadavg  the contents of /proc/stat, /proc/pressure/cpu ("" if the kernel
/// has none) and /proc/loadavg
MachineSample parse_machine(Us at, std::string_view stat, std::string_view pressure,
                            std::string_view loadavg);

/// The busiest part of a measurement.
struct MachineUse {
    /// Share of the processors' time that the hypervisor gave to other machines, 0 to 1, in the
    /// worst ten seconds.
    double steal = 0;
    /// Share of the time in which some process waited for a processor, 0 to 1, in the worst ten
    /// seconds; none if the kernel does not measure it.
    std::optional<double> waiting;
    double load = 0; ///< highest 1-minute load average per processor
    /// Delay between the time when requests were due and the time when the drill sent them.
    Us late_p99{0}, late_max{0};
};

/// @param samples  by time
MachineUse use_of(const std::vector<MachineSample>& samples);
/// Adds the delays of sending.
/// @param delays  of all requests, in any order
void add_delays(MachineUse& use, std::vector<Us> delays);
void add_delays(MachineUse& use, const std::vector<Sample>& samples);

/// Limits above which the figures are not trusted.
inline constexpr double kMostSteal = 0.10;
inline constexpr double kMostWaiting = 0.50;
inline constexpr double kMostLoad = 2.0; ///< only without PSI
inline constexpr Us kMostLateP99 = std::chrono::milliseconds(100);
inline constexpr Us kMostLate = std::chrono::seconds(1);

/// Why the figures cannot be trusted, one reason per line, for display; empty if they can.
std::vector<std::string> doubts_about(const MachineUse& use);

/// Samples the machine each second on its own thread, from construction to stop().
class MachineWatch {
  public:
    /// Reads one of the three files; "" if there is none.
    using Read = std::function<std::string(const std::string& path)>;

    explicit MachineWatch(Read read = {}); ///< without `read`: the real files
    ~MachineWatch();
    MachineWatch(const MachineWatch&) = delete;
    MachineWatch& operator=(const MachineWatch&) = delete;
    std::vector<MachineSample> stop();

  private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

} // namespace hadeploy::chaos
