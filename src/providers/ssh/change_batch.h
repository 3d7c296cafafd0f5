#pragma once

#include "providers/ssh/provider.h"

namespace hadeploy::ssh {

/// Applies a batch of changes: decides which commands share an exec, passes output from one command
/// to the next, and records failures.
class Application {
  public:
    Application(Pool& pool, const Login& login, std::stop_token stop,
                const std::filesystem::path& cache_dir, std::span<const Change> changes,
                ChangeSink& sink);
    void run();

  private:
    enum class Work {
        command,
        look,    ///< read the object back after the change
        nothing, ///< a remove that leaves the object as it is
        refuse,  ///< commands() failed for the change; it is the last item
    };
    struct Item {
        std::size_t change = 0;
        Work work = Work::look;
        Command command = {};
    };

    void collect();
    void run_command(Item& item);
    /// Calls Command::build_input. @returns false if it failed, and so the change
    bool build_input(Item& item);
    void run_together();
    void run_alone(const Item& item);
    void run_elsewhere(const Item& item);
    bool shares_an_exec(const Item& item) const;
    void announce(std::size_t at);
    /// A callback that reports progress of the current change.
    std::function<void(std::string_view)> notice();
    /// The section of the item `at` has ended.
    void section_ended(std::size_t at, SectionResult result);
    void verify(std::size_t change, const ProbeResult& result);
    void finish_exec(const Outcome& outcome, std::size_t first, std::size_t count);
    void fail(std::size_t change, Error error);
    void fail_rest();

    Pool& pool_;
    const Login& login_;
    std::stop_token stop_;
    const std::filesystem::path& cache_dir_;
    std::span<const Change> changes_;
    ChangeSink& sink_;

    std::vector<Item> items_;
    std::size_t next_ = 0; ///< the first item not yet run
    std::optional<std::string> carried_ =
        {}; ///< output of a command on a different host, input of the next command
    std::vector<bool> ended_;                    ///< by change: it was reported
    std::optional<std::size_t> stopped_by_ = {}; ///< the first change that failed
    bool unreachable_ = false;                   ///< that failure was an unreachable host
    std::optional<Error> refused_ = {};          ///< the error of Work::refuse
};

/// The attributes of the resource after the change: the config and earlier values that cannot be
/// read, overridden by the values that were read. Pure.
Value attributes_after(const Change& change, const Value& seen);
/// The error if the observation after the change does not match the desired state. Pure.
std::optional<Error> conflict_with(const Change& change, const Observation& seen);

} // namespace hadeploy::ssh
