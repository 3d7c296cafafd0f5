#pragma once

#include "chaos/calibrate.h"
#include "chaos/events.h"
#include "chaos/prober.h"
#include "chaos/settings.h"

#include <optional>

namespace hadeploy::chaos {

/// Sleeps; false if stopped.
bool pause(Ms length, const std::stop_token& stop);

/// Measures the app of a drill: finds the load, waits for a healthy app, and probes it from then
/// on.
class Meter {
  public:
    Meter(const Settings& settings, std::filesystem::path log, DrillEvents& events,
          const std::stop_token& stop);

    /// Finds the rate of the drill, unless the settings switch this off.
    /// @throws Interrupted
    std::optional<Calibration> calibrate();
    /// Measures a baseline, repeatedly until it has no failure, so that later failures are caused
    /// by the fault. Tries this for at most Settings::patience, because the app can be slow, or
    /// just deployed.
    /// @param what  for the error: "drain of node2"
    /// @throws Error(failed), Interrupted
    void await_well_app(const std::string& what);

    // after await_well_app()
    [[nodiscard]] int rate() const { return rate_; }
    [[nodiscard]] Us now() const { return prober_->now(); }
    /// The health of the app in the latest `window_`, the time for which it has to be healthy.
    [[nodiscard]] Prober::Live live() const { return prober_->live(window_); }
    [[nodiscard]] std::string prefix() const { return prober_->prefix(); }
    /// @throws Error(failed)
    ProberResult stop() { return prober_->stop(); }

  private:
    [[nodiscard]] ProberSettings probing(int rate) const;
    Measurement measure_at(int rate);
    bool baseline();
    Error unwell(const std::string& what, const std::string& failed, const Measurement& m) const;

    const Settings& settings_;
    const std::filesystem::path log_;
    DrillEvents& events_;
    const std::stop_token& stop_;
    int rate_;
    Us window_{0};
    std::optional<Prober> prober_;
};

} // namespace hadeploy::chaos
