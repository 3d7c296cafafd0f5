#pragma once

#include "provider_api/runs_scripts.h"
#include "providers/ssh/pool.h"

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace hadeploy::ssh {

/// Separates the standard output of scripts/run_script.sh from what the start-up files of a shell
/// print before it. Passes the output on immediately, except a possible beginning of a mark.
class ScriptStream {
  public:
    ScriptStream(std::string boundary, std::function<void(std::string_view)> take)
        : boundary_(std::move(boundary)), take_(std::move(take)) {}
    void feed(std::string_view piece);
    /// Whether the script has begun.
    [[nodiscard]] bool started() const { return started_; }
    /// The exit status; empty while the script runs.
    [[nodiscard]] std::optional<int> status() const { return status_; }

  private:
    void pass(std::size_t size);

    const std::string boundary_;
    const std::function<void(std::string_view)> take_;
    std::string buffer_;
    bool started_ = false;
    std::optional<int> status_;
};

/// See RunsScripts::run_script().
int run_script(Pool& pool, const Login& login, const std::string& script,
               const RunsScripts::Take& take, const std::stop_token& stop);

} // namespace hadeploy::ssh
