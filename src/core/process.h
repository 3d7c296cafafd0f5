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

/// A child process to run. No shell is involved: `argv` is passed unchanged.
struct ProcessSpec {
    std::vector<std::string> argv;        ///< argv[0] is looked up in PATH
    std::string input = {};               ///< standard input
    std::filesystem::path directory = {}; ///< empty: the working directory of this process
    /// Added to the environment of this process.
    std::vector<std::pair<std::string, std::string>> environment = {};
    /// Called for each line of both streams as it arrives, without the newline.
    std::function<void(std::string_view)> on_line = {};
    int kept = -1; ///< descriptor that the child inherits as 3; -1: none
    std::stop_token stop = {};
    std::chrono::milliseconds timeout{0}; ///< 0: no limit
    /// Time between SIGTERM and SIGKILL, in which the child can clean up.
    std::chrono::milliseconds grace{5'000};
};

struct ProcessResult {
    int status = 0; ///< exit status, or 128 + signal number as in a shell
    std::string out, err;
};

/// Runs a child and waits for it to end. The child has its own process group, and no open
/// descriptors except the standard ones and `kept`. Does not wait for output of processes that the
/// child leaves behind.
/// @throws Error(failed) when the child cannot be started or takes longer than `timeout`
/// @throws Interrupted when `stop` was requested
ProcessResult run_process(const ProcessSpec& spec);

/// Like run_process(), but an exit status other than 0 is an error.
/// @throws Error(failed) with the last lines of its output
ProcessResult run_checked(const ProcessSpec& spec);

/// The last `count` lines of an output, without the final newline.
std::string end_of_output(std::string_view text, int count);

} // namespace hadeploy
