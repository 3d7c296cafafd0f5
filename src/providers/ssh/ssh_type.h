#pragma once

#include "provider_api/provider.h"

#include <chrono>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// Default time limit of a command.
inline constexpr std::chrono::milliseconds kStepTimeout{std::chrono::minutes(30)};

/// One command of a change: a POSIX sh script, run as root with `set -eu`. It is plain data, so
/// that tests can compare it.
struct Command {
    std::string script;
    /// Standard input. It never appears on a command line, so it may contain secrets.
    std::string input = {};
    /// Instead of `input`: a local file that is streamed.
    std::filesystem::path input_file = {};
    /// Called right before the command runs; returns its `input_file`, which it may build in the
    /// cache directory. `carried` is the output of the previous command if that has `on`.
    std::function<std::filesystem::path(const std::filesystem::path& cache, const Notice& progress,
                                        const std::string& carried)>
        build_input = {};
    /// Run on the first of these connections where the script succeeds, instead of on the
    /// resource's own host. Its output becomes the standard input of the next command.
    std::vector<Value> on = {};
    /// With `on`: if every host responded and the script succeeded on none, the next command gets
    /// empty input. Without this flag, that is a failure. The flag does not apply if a host cannot
    /// be reached.
    bool none_is_empty = false;
    /// With `on`: the hosts may no longer exist, and the command only tidies up there. If none of
    /// them can be reached, this is not a failure.
    bool may_be_gone = false;
    std::string step = {}; ///< progress message: "joining the swarm"
    /// Time limit. The script has to enforce the limit itself, so that no process is left on the
    /// host; hadeploy stops waiting shortly after the limit.
    std::chrono::milliseconds limit{kStepTimeout};
    /// Time after which the script is killed on the host; 0: the script enforces `limit` itself.
    /// (For types that are `bounded`, both are derived from `timeout`.)
    std::chrono::milliseconds ends_after{0};
    /// Intended waiting time in addition to `timeout`, for tasks to run or to end.
    std::chrono::milliseconds waits{0};
};

/// Whether the input is sent as part of the script: then it arrives complete, or the script does
/// not start. Larger or binary inputs are streamed in an exec of their own.
inline bool travels_in_script(std::string_view input) {
    return input.size() <= 64 * 1024 && input.find('\0') == std::string_view::npos;
}

/// The result of a probe script.
struct ProbeResult {
    int status = 0; ///< exit status of the script
    std::string out, err;
};

/// A type that is read and changed by shell scripts on a host. All members are pure: they return
/// the script that reads an object, the meaning of the script's output, and the commands of a
/// change.
class SshType : public ResourceType {
  public:
    SshType() { provider = "ssh"; }
    /// A removal reverts our changes. This may leave an object that existed before (a package, a
    /// user), so the presence of the object after a removal is not an error.
    bool remove_may_leave = false;
    /// Attributes that are read back and compared after a create.
    std::vector<std::string> verified = {};
    /// Each command is killed on the host after the attribute `timeout`.
    bool bounded = false;
    /// A POSIX sh script (run as root, without `set -e`) that prints the state of the object; "" if
    /// there is nothing to read. All probes of a host share one exec. A probe must not read
    /// standard input; it runs in a subshell, so its variables and working directory do not affect
    /// other probes.
    virtual std::string probe(const ReadRequest& request) const = 0;
    /// Pure. A missing tool means "absent" only if the object cannot exist without it.
    virtual Observation parse(const ReadRequest& request, const ProbeResult& result) const = 0;
    /// Pure, except that it reads the local files that the config names. After the commands the
    /// probe runs again in the same exec, and its result becomes the attributes of the resource. It
    /// is an error if the object is then absent (for a remove: present) or still differs in
    /// `changed`. A remove without commands leaves the object as it is.
    virtual std::vector<Command> commands(const Change& change) const = 0;

  protected:
    /// Adds the attribute `timeout` and sets `bounded`.
    void bound_steps(std::chrono::milliseconds timeout = kStepTimeout);
};

/// Quotes `text` as one word of a POSIX shell command line.
/// @throws Error if it contains a NUL byte
std::string shell_quote(std::string_view text);

/// The attribute `host` of every type whose objects are on one machine.
Attribute host_attribute();

} // namespace hadeploy::ssh
