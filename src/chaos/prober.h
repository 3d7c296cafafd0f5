#pragma once

#include "chaos/measure.h"

#include <filesystem>
#include <memory>
#include <stop_token>

namespace hadeploy::chaos {

struct ProberSettings {
    std::vector<std::string> urls;           ///< asked in turn
    std::string read_path;                   ///< GET
    std::string write_path;                  ///< POST of `body`
    std::string body;                        ///< `$ID` in it becomes the write's own id
    int rate = 10;                           ///< reads a second, and as many writes
    std::chrono::milliseconds timeout{5000}; ///< of one request, from its sending
    /// Each write is noted in this file before it is sent, and how it ended after; "" for none.
    std::filesystem::path log = {};
};

struct ProberResult {
    std::vector<Sample> samples;
    Writes writes;
    Us length{0}; ///< from the first request that was due until stop() was called
};

/// Measures an app from outside, on a thread of its own, from construction to stop(). Open loop:
/// requests leave at a constant rate whatever became of those before, as users do not wait for each
/// other.
class Prober {
  public:
    explicit Prober(ProberSettings settings);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    [[nodiscard]] Us now() const;
    /// What the ids of this prober's writes begin with; no other prober's do.
    [[nodiscard]] const std::string& prefix() const;

    struct Live {
        std::size_t ok = 0, failed = 0; ///< requests that ended so far
        Us last_failure{0};             ///< when the last one failed; 0: none has
        /// The app answers: within the window reads and writes succeeded, nothing failed, and
        /// nothing is waited for since the window's first half.
        bool clean = false;
        bool broken = false; ///< nothing is sent any more: the log can't be written
    };
    [[nodiscard]] Live live(Us window) const;

    /// Sends nothing more, waits for what is under way, and returns everything.
    /// @throws Error(failed) when the log could not be written: sending ended there
    ProberResult stop();

  private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

/// The ids of all writes that the app knows, in the end. `path` answers a JSON list of ids or of
/// objects with an `id`, or `{"writes": that list, "next": N}`, where a `next` that is not null
/// asks for the same path with `after=N`. Every URL is tried until `patience` is over.
/// @throws Error(unreachable) with what each URL said; Interrupted
std::set<std::string> read_writes(const std::vector<std::string>& urls, const std::string& path,
                                  std::chrono::milliseconds timeout,
                                  std::chrono::milliseconds patience, const std::stop_token& stop);

} // namespace hadeploy::chaos
