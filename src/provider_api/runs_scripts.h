#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace hadeploy {

/// An OpenEndpoint that can run a shell script on its machine and pass on the output while the
/// script runs, for example `docker service logs --follow`.
class RunsScripts {
  public:
    /// Receives a piece of standard output, or (`err`) of standard error.
    using Take = std::function<void(bool err, std::string_view piece)>;
    virtual ~RunsScripts() = default;
    /// Runs a POSIX shell script as root, with empty standard input, until it ends. If the
    /// connection ends first, for example because a stop is requested, the script is terminated.
    /// @returns its exit status
    /// @throws Error(unreachable) if the connection cannot be made, or breaks; Interrupted
    virtual int run_script(const std::string& script, const Take& take) = 0;
};

} // namespace hadeploy
