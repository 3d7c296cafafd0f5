#pragma once

#include "chaos/measure.h"

#include <functional>
#include <string>

/// Finds the load that the app sustains, so that a drill measures the failure and not an
/// overload that the drill itself causes.
namespace hadeploy::chaos {

/// A rate is a number of reads per second, and of writes per second.
struct Calibration {
    int carried = 0;     ///< the highest rate that was tried and sustained; 0: none
    std::string limit;   ///< why the next rate was not sustained; "": no higher one was tried
    int used = 0;        ///< the rate of the drill
    int share = 0;       ///< percentage of `carried` that was asked for
    bool capped = false; ///< `used` is less than that share, because of the setting `rate`

    /// "the app sustains 20 reads and 20 writes a second (higher rates were not tried); ..."
    [[nodiscard]] std::string text() const;
};

/// Why the app does not sustain the load of this measurement: a request failed, or the p99 of
/// reads or of writes exceeds the limit. "" if it does.
std::string overload(const Measurement& m, Us most_p99);

/// Doubles the rate in short steps until the app no longer sustains it, or until `share` percent of
/// it is at least `rate`. Halves the rate if the app does not sustain the first rate.
/// @param share  percentage, 1 to 100
/// @param probe  measures the app at a rate
Calibration calibrate(int rate, int share, Us most_p99,
                      const std::function<Measurement(int rate)>& probe);

} // namespace hadeploy::chaos
