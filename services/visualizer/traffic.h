#pragma once

#include "common/json.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::svc {

/// What a container of the web service has counted since its start.
struct Counts {
    std::string container;
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
};

/// Computes rates of requests from the counts of the web service's containers, poll by poll. It
/// uses neither a clock nor a socket.
class Traffic {
  public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds kStep{2};
    static constexpr std::chrono::seconds kSpan{60};
    static constexpr std::chrono::seconds kRecent{10}; ///< for the rate

    /// The counts of all containers that have answered. The first counts of a container are only
    /// the base of its next ones, because it may have counted for long.
    void update(const std::vector<Counts>& counts, Time now);

    /// Null before the first answer. {"rate": requests per second in the last ten seconds,
    /// "errors": number in the last minute, "containers": the rate of each that answers, "series":
    /// for each two seconds of the last minute, oldest first, the requests and the errors per
    /// second}
    Json to_json() const;

  private:
    struct Known {
        Time at{};
        Counts counts;
    };
    /// Requests that a container got at some time between two polls.
    struct Part {
        std::string container;
        Time begin{}, end{};
        double requests = 0, errors = 0;
    };
    /// The requests of this time, of all containers or of one.
    Part sum(Time begin, Time end, const std::string& container = {}) const;

    std::map<std::string, Known> known_;
    std::deque<Part> parts_;
    std::optional<Time> first_; ///< of the first answer
    Time last_{};
};

} // namespace hadeploy::svc
