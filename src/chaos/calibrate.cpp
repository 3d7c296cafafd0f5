#include "chaos/calibrate.h"

#include "chaos/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace hadeploy::chaos {

namespace {
constexpr int kMostTried = 1000; ///< reads per second, regardless of the settings
}

std::string Calibration::text() const {
    const auto of_each = [](int rate) {
        return fmt::format("{} {} and {} {} a second", rate, rate == 1 ? "read" : "reads", rate,
                           rate == 1 ? "write" : "writes");
    };
    if (carried == 0)
        return fmt::format("the app cannot sustain even {} ({}); the drill uses this rate",
                           of_each(used), limit);
    return fmt::format("the app sustains {} ({}); the drill uses {} ({})", of_each(carried),
                       limit.empty() ? "higher rates were not tried" : "above that: " + limit,
                       of_each(used), capped ? "the setting `rate`" : fmt::format("{} %", share));
}

std::string overload(const Measurement& m, Us most_p99) {
    for (const auto& [name, s] : {std::pair{"reads", &m.reads}, {"writes", &m.writes}}) {
        if (s->failed > 0) return fmt::format("{} of {} {} failed", s->failed, s->sent, name);
        if (s->p99 > most_p99)
            return fmt::format("p99 of {} {} (limit: {})", name, show_time(s->p99),
                               show_time(most_p99));
    }
    return "";
}

Calibration calibrate(int rate, int share, Us most_p99,
                      const std::function<Measurement(int rate)>& probe) {
    const int most = std::min((rate * 100 + share - 1) / share, kMostTried);
    Calibration out{.share = share};
    const auto try_rate = [&](int tried) {
        const std::string problem = overload(probe(tried), most_p99);
        if (problem.empty())
            out.carried = tried;
        else
            out.limit = problem;
        return problem.empty();
    };
    int tried = std::max(most / 4, 1);
    if (try_rate(tried)) {
        while (tried < most && try_rate(std::min(tried * 2, most))) tried = out.carried;
    } else {
        while (tried > 1 && !try_rate(tried / 2)) tried /= 2;
    }
    if (out.carried == 0) {
        out.used = 1;
        return out;
    }
    const int wanted = std::max(out.carried * share / 100, 1);
    out.used = std::min(wanted, rate);
    out.capped = out.used < wanted || (out.limit.empty() && out.used == rate);
    return out;
}

} // namespace hadeploy::chaos
