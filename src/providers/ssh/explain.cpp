#include "providers/ssh/explain.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <initializer_list>
#include <vector>

namespace hadeploy::ssh {

namespace {
struct Cause {
    std::string_view sign; ///< a part of the tool's output
    std::string_view what; ///< is put before the tool's line in the message; may be empty
    std::string_view hint;
};

constexpr std::string_view kBash =
    "scripts run with `sh`; for bash set `shell: bash` on the host.command";

constexpr std::string_view kNoAccount =
    "check `owner` and `group`, or create them with a host.user or host.group that this resource "
    "depends on";

constexpr std::array kCauses{
    Cause{"Could not get lock", "",
          "another package manager is running on the host (unattended upgrades?); wait until it "
          "has finished, then apply again"},
    Cause{"No space left on device", "the disk is full",
          "free up space on the host (`df -h`), then apply again"},
    Cause{"Disk quota exceeded", "the disk quota is used up", "free up space, then apply again"},
    Cause{"Read-only file system", "the file system is read-only",
          "find the cause with `dmesg` on the host (a disk error?) and mount it read-write"},
    Cause{"is not valid yet", "", // apt, about the signature of a repository
          "the host's clock is behind; set it (`date`) and enable time synchronization "
          "(`timedatectl`)"},
    Cause{"has expired or is not yet valid", "", // Docker, about a certificate
          "compare `date` on the hosts: their clocks must agree (`timedatectl`)"},
    Cause{"Unable to locate package", "",
          "check the name of the package, and that the apt sources of the host have it"},
    Cause{"has no installation candidate", "",
          "check the name of the package, and that the apt sources of the host have it"},
    Cause{"E: Version '", "",
          "`apt-cache madison PACKAGE` on the host lists the versions that its apt sources have"},
    Cause{"apt-get update took longer", "",
          "check that the mirrors of the host respond (`apt-get update` on the host)"},
    Cause{"apt-get install took longer", "", "set a longer `timeout`, then apply again"},
    Cause{"Temporary failure resolving", "", "the host cannot resolve names; check its DNS"},
    Cause{"Failed to connect to bus", "systemd does not respond on the host",
          "services need a host that was booted with systemd"},
    Cause{"System has not been booted with systemd", "systemd does not run on the host",
          "services need a host that was booted with systemd"},
    Cause{"Illegal option -o pipefail", "", kBash},
    Cause{"[[: not found", "", kBash},
    Cause{"source: not found", "", kBash},
    Cause{"shopt: not found", "", kBash},
    Cause{"declare: not found", "", kBash},
    Cause{"Bad substitution", "", kBash},
    Cause{"Directory not empty", "",
          "set `force: true` to remove it with its contents, or `keep: true` to leave it there"},
    Cause{"something is mounted on", "", "unmount it first; it is not part of the directory"},
    Cause{"is larger than 1 MiB", "", "check its contents, and shorten or remove it"},
    Cause{"Directory nonexistent", "its parent directory does not exist", // message of the shell
          "create it with a host.directory that this resource depends on"},
    Cause{"dpkg was interrupted", "",
          "an earlier installation was interrupted; run `dpkg --configure -a` on the host"},
    Cause{"is currently used by process", "the user still has processes", // message of userdel
          "end them (`pkill -u USER` on the host), then apply again; with `force: true` hadeploy "
          "kills them"},
    Cause{"invalid user: ", "", kNoAccount}, // chown
    Cause{"invalid group: ", "", kNoAccount},
    Cause{"unknown user/group", "", kNoAccount}, // chown of BusyBox
    Cause{"the host has no time zone", "",
          "check the name (`timedatectl list-timezones` on the host); zones come with the package "
          "tzdata, which a host.package can install"},
    Cause{" was rolled back", "", // docker_stack_wait.sh
          "its previous version runs again; correct the new version and apply again, or return the "
          "whole project to its previous state: hadeploy rollback"},
    Cause{" tasks run after ", "", // docker_stack_wait.sh
          "`docker service logs SERVICE` and `docker service ps --no-trunc SERVICE` on a manager "
          "show more; correct the cause, or set a longer `wait`, then apply again"},
    Cause{"the swarm paused the update", "",
          "correct the new version and apply again; `docker service ps --no-trunc SERVICE` on a "
          "manager shows its tasks"},
    Cause{"a task that is not restarted has failed", "",
          "`docker service logs SERVICE` on a manager shows what it printed"},
    Cause{"is not healthy after", "", // docker_container_functions.sh
          "the end of its output is in the notes; correct the cause, or set a longer `wait`, then "
          "apply again"},
    Cause{"something is still attached to the network", "", // docker_object_change.sh
          "`docker network inspect NAME` on the host lists what is attached; remove or disconnect "
          "it, or let its resource follow the network (`replace_triggered_by`), then apply again"},
    Cause{"a container still uses the volume", "",
          "`docker ps -a --filter volume=NAME` on the host lists the containers; remove them, then "
          "apply again"},
    Cause{"a service still uses the", "",
          "let the service use `full_name` of the resource, or remove the service; the next apply "
          "removes the old object"},
    Cause{"the host has no network", "",
          "create it with a docker.network that this resource depends on (`${NETWORK.name}`)"},
    Cause{"the content that the registry sent does not have its digest", "", // docker_registry_*
          "the registry or a proxy in front of it is broken or lies; nothing was installed. Check "
          "the digest with the publisher of the image"},
    Cause{"the certificate of the registry is not trusted", "",
          "set `ca` of a docker.registry_login for this server to the certificate of its CA"},
    Cause{"the certificate of the registry is not valid", "",
          "compare the name and the dates of the certificate with the server and its clock: "
          "openssl s_client -connect HOST:PORT"},
    Cause{"the registry does not use TLS", "",
          "give it a certificate; or list it under `insecure-registries` in `settings` of the "
          "docker.engine"},
    Cause{"the registry refuses the access", "",
          "check `username` and `password` of the docker.registry_login for this server, on which "
          "this resource depends, and what the user may read there"},
    Cause{"the registry does not have it", "",
          "check the name, and the tag or digest; was the image pushed?"},
    Cause{"the registry cannot be reached", "",
          "check the name and port of the registry, and its firewall, from the host"},
    Cause{"the image cannot be read from", "", // docker_image_fetch.sh
          "the host must reach the SSH server of the other one at the address of its connection, "
          "and that user needs sudo without a password or root; without `from` the image is sent "
          "from this machine"},
    Cause{"requires BuildKit", "", // docker build
          "install docker-buildx on the host (a host.package that this resource depends on), or "
          "change the Dockerfile"},
    Cause{"pull access denied for", "",
          "FROM needs an image that the host has (a docker.image that this resource depends on), "
          "or that it can pull"},
    Cause{"that this resource did not create", "",
          "choose a different name, or remove that object yourself"},
    Cause{"no other server of the backend", "", // haproxy_server_leave.sh
          "repair the servers that are down, so that requests are answered during the change; or "
          "set `force: true` on the haproxy.server"},
    Cause{"the running configuration of HAProxy has no server", "",
          "add it to the configuration with a host.file, and reload HAProxy before this resource "
          "(`depends_on`)"},
    Cause{"Operation not permitted", "",
          "is the file immutable (`lsattr`), or is the host a container without that capability?"},
};

/// Prefix of a line in which one of our scripts reports the cause.
constexpr std::string_view kOwnWords = "hadeploy: ";
/// The number of lines of each stream in the notes of an error.
constexpr std::size_t kShownLines = 15;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        if (line.find_first_not_of(" \t") != std::string_view::npos) lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> signs) {
    return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) {
        return text.find(sign) != std::string_view::npos;
    });
}

std::string trimmed(std::string_view line) {
    return std::string(line.substr(std::min(line.find_first_not_of(" \t"), line.size())));
}

/// Advice and summaries that tools print after the error itself.
bool is_afterword(std::string_view line) {
    return contains_any(line, {"Did you mean", "See '", "for more information", "--help",
                               "E: Sub-process ", "Errors were encountered while processing",
                               "dmesg(1) may have more information"}) ||
           line.starts_with("Usage:") || line.starts_with("usage:") || line.starts_with("hint:");
}

bool speaks_of_an_error(std::string_view line) {
    std::string small(line);
    std::transform(small.begin(), small.end(), small.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return contains_any(small, {"error", "fail", "fatal", "cannot", "can't", "could not", "unable",
                                "denied", "refused", "not found", "no such", "invalid",
                                "not permitted", "unknown", "not recognized"});
}

/// "sh: 12: docker: not found" -> "docker"
std::string_view missing_program(std::string_view line) {
    for (const std::string_view sign : {": not found", ": command not found"}) {
        if (!line.ends_with(sign)) continue;
        line.remove_suffix(sign.size());
        const std::size_t colon = line.rfind(": ");
        return colon == std::string_view::npos ? line : line.substr(colon + 2);
    }
    return {};
}
} // namespace

std::string tail(std::string_view text, std::size_t count) {
    const std::vector<std::string_view> lines = lines_of(text);
    const std::size_t first = lines.size() - std::min(lines.size(), count);
    return fmt::format(
        "{}", fmt::join(lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end(), "\n"));
}

std::string cause_in(std::string_view err) {
    const std::vector<std::string_view> lines = lines_of(err);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (line->starts_with(kOwnWords)) return std::string(line->substr(kOwnWords.size()));
    for (const std::string_view line : lines) // apt: errors after the first one are consequences
        if (line.starts_with("E: ") && !is_afterword(line)) return trimmed(line);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (!is_afterword(*line) && speaks_of_an_error(*line)) return trimmed(*line);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (!is_afterword(*line)) return trimmed(*line);
    return lines.empty() ? "" : trimmed(lines.back());
}

namespace {
/// Adds the end of a stream as a note; nothing if the stream is empty.
void add_stream(Error& error, std::string_view what, std::string_view text) {
    const std::size_t count = lines_of(text).size();
    if (count == 0) return;
    error.with_note(count <= kShownLines
                        ? fmt::format("{}:\n{}", what, tail(text, count))
                        : fmt::format("{}, the last {} of {} lines:\n{}", what, kShownLines, count,
                                      tail(text, kShownLines)));
}
} // namespace

Error explain_failure(std::string_view host, std::string_view step, int status,
                      std::string_view err, std::string_view out) {
    const std::vector<std::string_view> lines = lines_of(err);
    const std::string ended = status > 128 ? fmt::format("killed by signal {}", status - 128)
                                           : fmt::format("exit status {}", status);
    std::string cause = cause_in(err);
    std::string hint;
    if (status == 127 && !lines.empty()) {
        const std::string_view program = missing_program(lines.back());
        if (!program.empty()) {
            cause = fmt::format("the program `{}` is not installed on the host", program);
            hint = "install it with a host.package that this resource depends on";
        }
    }
    const bool own_words = std::any_of(lines.begin(), lines.end(), [](std::string_view line) {
        return line.starts_with(kOwnWords);
    });
    for (const Cause& known : kCauses) {
        if (err.find(known.sign) == std::string_view::npos) continue;
        hint = known.hint;
        if (own_words) break;
        for (const std::string_view line : lines)
            if (line.find(known.sign) != std::string_view::npos) cause = line;
        if (!known.what.empty()) cause = fmt::format("{}: {}", known.what, cause);
        break;
    }
    Error error(ErrorKind::failed,
                fmt::format("{} failed on {}: {}", step.empty() ? "the change" : step, host,
                            cause.empty() ? ended : fmt::format("{} ({})", cause, ended)));
    error.hint = std::move(hint);
    if (lines.size() > 1) add_stream(error, "standard error", err);
    add_stream(error, "standard output", out);
    return error;
}

Error explain_no_answer(std::string_view host, bool started, std::string_view stray) {
    if (started)
        return Error(ErrorKind::unreachable,
                     fmt::format("the shell on {} ended while a step was running", host))
            .with_hint("the shell was killed, or the host went down; the result of the step is "
                       "not known, and the next plan reads the current state");
    const auto has = [&](std::string_view sign) {
        return stray.find(sign) != std::string_view::npos;
    };
    if (has("must have a tty"))
        return Error(ErrorKind::unreachable, fmt::format("sudo requires a terminal on {}", host))
            .with_hint("allow the user to run sudo without a terminal: `Defaults:USER "
                       "!requiretty` in /etc/sudoers.d");
    if (has("incorrect password") || has("Sorry, try again"))
        return Error(ErrorKind::unreachable,
                     fmt::format("sudo does not accept the password on {}", host))
            .with_hint("correct `become_password` of the ssh.host or under providers: ssh");
    if (has("password is required") || has("a terminal is required"))
        return Error(ErrorKind::unreachable, fmt::format("sudo requires a password on {}", host))
            .with_hint("set `become_password` of the ssh.host or under providers: ssh, log in as "
                       "root, or allow the user to run sudo without a password: `USER ALL=(ALL) "
                       "NOPASSWD: ALL` in /etc/sudoers.d");
    if (has("not in the sudoers") || has("is not allowed to"))
        return Error(ErrorKind::unreachable, fmt::format("the user may not use sudo on {}", host))
            .with_hint("log in as root, or add `USER ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d");
    if (has("sudo") && has("not found"))
        return Error(ErrorKind::unreachable, fmt::format("sudo is not installed on {}", host))
            .with_hint("log in as root, or install sudo on the host");
    const std::string said = tail(stray, 1);
    Error error(ErrorKind::unreachable, fmt::format("{} does not run shell scripts: {}", host,
                                                    said.empty() ? "no output" : said));
    if (const std::string all = tail(stray, 10); all != said) error.with_note(all);
    return error.with_hint("check that the login shell of the user runs commands");
}

std::string explain_wait(std::string_view process) {
    return fmt::format("waiting for commands of an earlier run on the host (process {})", process);
}

Error explain_busy(std::string_view host, std::string_view process) {
    return Error(ErrorKind::failed,
                 fmt::format("commands of an earlier run are still running on {} (process {})",
                             host, process))
        .with_hint(fmt::format("wait for them, then try again; or stop them with `kill {}` on the "
                               "host, and check what they have changed",
                               process));
}

Error explain_no_result(std::string_view host) {
    return Error(ErrorKind::unreachable,
                 fmt::format(
                     "the connection to {} broke, and the result that the host had stored is gone",
                     host))
        .with_hint("was /run/hadeploy emptied on the host?");
}

} // namespace hadeploy::ssh
