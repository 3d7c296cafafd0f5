#pragma once

#include "provider_api/provider.h"

#include <chrono>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// How long a command may take by default.
inline constexpr std::chrono::milliseconds kStepTimeout{std::chrono::minutes(30)};

/// One command of a change: a POSIX sh script, run as root with `set -eu`. Data, so that tests
/// compare it and nothing can happen behind a plan's back.
struct Command {
    std::string script;
    /// Standard input; never on a command line, so that secrets may travel here.
    std::string input = {};
    /// In the place of `input`: a file of this machine, streamed.
    std::filesystem::path input_file = {};
    /// Run on the first of these connections where the script succeeds, instead of on the
    /// resource's own host. Its output is the standard input of the next command.
    std::vector<Value> on = {};
    /// With `on`: when every host answered and none succeeded the next command gets an empty input.
    /// Otherwise, and always when a host could not be asked, that is a failure.
    bool none_is_empty = false;
    std::string step = {}; ///< what people see meanwhile: "joining the swarm"
    /// How long it may take. The script itself has to keep to that, so that nothing is left at work
    /// on the host; a little later it is given up from here.
    std::chrono::milliseconds limit{kStepTimeout};
    /// When it is ended on the host; 0: the script keeps to the limit by itself. (Of the types that
    /// are `bounded` both follow from `timeout`.)
    std::chrono::milliseconds ends_after{0};
    /// How long it may wait on purpose, on top of `timeout`: for tasks to run, or to end.
    std::chrono::milliseconds waits{0};
};

/// Whether the input travels inside the script: it then arrives whole, or the script is not begun.
/// Larger inputs, and those that are not text, are streamed in an exec of their own.
inline bool travels_in_script(std::string_view input) {
    return input.size() <= 64 * 1024 && input.find('\0') == std::string_view::npos;
}

/// What a probe's script printed on the resource's host.
struct ProbeResult {
    int status = 0; ///< exit status of the script
    std::string out, err;
};

/// A type that is read and changed by shell scripts on a host. Everything here is pure: which
/// script looks, what its output means, which commands make a change.
class SshType : public ResourceType {
  public:
    SshType() { provider = "ssh"; }
    /// A remove takes back what we did, and that may leave an object behind (a package or a user
    /// that was there before us): then its presence afterwards is no failure.
    bool remove_may_leave = false;
    /// Attributes that are looked at after a create: the commands are not believed.
    std::vector<std::string> verified = {};
    /// Each of its commands is ended on the host after the attribute `timeout`.
    bool bounded = false;
    /// A POSIX sh script (run as root, without `set -e`) that prints what read() needs; "" if there
    /// is nothing to look at. All probes of a host travel in one exec, so it must not read standard
    /// input, and must leave no variable that matters, no changed directory (it runs in a
    /// subshell).
    virtual std::string probe(const ReadRequest& request) const = 0;
    /// Pure. A tool that is missing means "absent" only where its absence implies the object's.
    virtual Observation parse(const ReadRequest& request, const ProbeResult& result) const = 0;
    /// Pure, but for the local files that the config names. After the commands the probe runs again
    /// in the same exec: what it sees becomes the resource's attributes, and an object that is then
    /// absent (present, for a remove) or still differs in `changed` is a failure. A remove without
    /// commands leaves the object as it is.
    virtual std::vector<Command> commands(const Change& change) const = 0;

  protected:
    /// Gives the type the attribute `timeout`, and makes it `bounded`.
    void bound_steps(std::chrono::milliseconds timeout = kStepTimeout);
};

/// `text` as one word of a POSIX shell command line.
/// @throws Error when it contains a NUL
std::string shell_quote(std::string_view text);

/// The attribute `host` of every type that lives on one machine.
Attribute host_attribute();

} // namespace hadeploy::ssh
