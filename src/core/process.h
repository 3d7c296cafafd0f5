#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy {

/// A child process to run. No shell: `argv` is handed over as it is.
struct ProcessSpec {
    std::vector<std::string> argv;        ///< argv[0] is looked for in PATH
    std::string input = {};               ///< its standard input
    std::filesystem::path directory = {}; ///< "": ours
    std::vector<std::pair<std::string, std::string>> environment = {}; ///< on top of ours
    /// Called for each line of both streams as it comes, without its line end.
    std::function<void(std::string_view)> on_line = {};
    int kept = -1; ///< a descriptor of ours that the child has as its 3; -1: none
    std::stop_token stop = {};
    std::chrono::milliseconds timeout{0}; ///< 0: none
    /// How long the child may clean up after SIGTERM before SIGKILL.
    std::chrono::milliseconds grace{5'000};
};

struct ProcessResult {
    int status = 0; ///< exit status; 128 + signal when a signal ended it, as a shell says it
    std::string out, err;
};

/// Runs the child to its end. It is a process group of its own, has no descriptor but its three
/// standard ones and `kept`, and is always waited for. Output of processes that it leaves behind is
/// not waited for.
/// @throws Error(failed) when it cannot be started or takes longer than `timeout`
/// @throws Interrupted when `stop` was requested
ProcessResult run_process(const ProcessSpec& spec);

/// The same, where a status other than 0 is a failure.
/// @throws Error(failed) with the last lines of what it printed
ProcessResult run_checked(const ProcessSpec& spec);

} // namespace hadeploy
