#pragma once

#include "chaos/measure.h"

#include <filesystem>
#include <memory>
#include <stop_token>

namespace hadeploy::chaos {

struct ProberSettings {
    std::vector<std::string> urls;           ///< requested in turn
    std::string read_path;                   ///< for GET
    std::string write_path;                  ///< for POST of `body`
    std::string body;                        ///< `$ID` is replaced with the write's own ID
    int rate = 10;                           ///< reads per second, and as many writes
    std::chrono::milliseconds timeout{5000}; ///< of one request, counted from its sending
    /// File to which each write is logged before it is sent, and its outcome later; "": no log.
    std::filesystem::path log = {};
    bool failover = false; ///< if a connection cannot be opened, the next URL is requested
};

struct ProberResult {
    std::vector<Sample> samples;
    Writes writes;
    Us length{0}; ///< from the first due request until stop()
};

/// Measures an app from outside, on its own thread, from construction to stop(). It is an open-loop
/// load generator: it sends at a constant rate and does not wait for earlier responses, because
/// users do not wait for each other.
class Prober {
  public:
    explicit Prober(ProberSettings settings);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    [[nodiscard]] Us now() const;
    /// The unique prefix of this prober's write IDs.
    [[nodiscard]] const std::string& prefix() const;

    struct Live {
        std::size_t ok = 0, failed = 0; ///< finished requests so far
        Us last_failure{0};             ///< time of the last failure; 0: none
        /// The app is healthy: within the window reads and writes succeeded and none failed, and no
        /// request has been pending since the window's first half.
        bool clean = false;
        bool broken = false; ///< sending has stopped: the log cannot be written
    };
    [[nodiscard]] Live live(Us window) const;

    /// Stops sending, waits for pending requests and returns the results.
    /// @throws Error(failed) if the log could not be written; no request was sent after that
    ProberResult stop();

  private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

} // namespace hadeploy::chaos
