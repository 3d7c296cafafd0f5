#pragma once

#include "providers/ssh/provider.h"

namespace hadeploy::ssh {

/// One batch of changes on its way: which of them share an exec, what is passed from one command
/// to the next, and who failed.
class Application {
  public:
    Application(Pool& pool, const Login& login, std::stop_token stop,
                std::span<const Change> changes, ChangeSink& sink);
    void run();

  private:
    enum class Work {
        command,
        look,    ///< read back what the change has made
        nothing, ///< a remove that leaves the object as it is
        refuse,  ///< the change has no commands, but an error; nothing comes after it
    };
    struct Item {
        std::size_t change = 0;
        Work work = Work::look;
        Command command = {};
    };

    void collect();
    void run_command(Item& item);
    void run_together();
    void run_alone(const Item& item);
    void run_elsewhere(const Item& item);
    bool shares_an_exec(const Item& item) const;
    void announce(std::size_t at);
    /// Tells what happens on the way, for the change that is being made.
    std::function<void(std::string_view)> notice();
    /// A section of the exec that began with item `first` has ended.
    void section_ended(std::size_t at, SectionResult result);
    void verify(std::size_t change, const ProbeResult& result);
    void finish_exec(const Outcome& outcome, std::size_t first, std::size_t count);
    void fail(std::size_t change, Error error);
    void fail_rest();

    Pool& pool_;
    const Login& login_;
    std::stop_token stop_;
    std::span<const Change> changes_;
    ChangeSink& sink_;

    std::vector<Item> items_;
    std::size_t next_ = 0;                    ///< the first item not yet run
    std::optional<std::string> carried_ = {}; ///< output of a command elsewhere, for the next one
    std::vector<bool> ended_;                 ///< changes that were reported
    std::optional<std::size_t> stopped_by_ = {}; ///< the first change that failed
    bool unreachable_ = false;                   ///< what failed there was the host
    std::optional<Error> refused_ = {};          ///< the error of Work::refuse
};

/// What is now true of the resource: the config, what was known before and cannot be seen, and over
/// both what was seen. Pure.
Value attributes_after(const Change& change, const Value& seen);
/// Why the change is not what was wanted, by what was seen after it. Pure.
std::optional<Error> conflict_with(const Change& change, const Observation& seen);

} // namespace hadeploy::ssh
