#pragma once

#include "provider_api/schema.h"
#include "providers/ssh/ssh_type.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Shared by the docker.* types: shell functions for their scripts, and parsing of Docker API
/// responses.
namespace hadeploy::ssh::docker {

/// Shell functions that precede a script, in addition to those of shell_functions.h:
/// - `docker_up`: succeeds if the daemon runs. Never connects to the socket: systemd would start a
///   stopped daemon, and reading must not change the host.
/// - `docker_get PATH...`: prints the API's response to each GET, see parse_replies(). Uses one
///   small perl program for all requests (perl is part of every Debian and Ubuntu); starting the
///   docker command for each would dominate the time of a probe.
/// - `docker_read PATH...`: the same, but fails with Docker's message if a response is an error.
/// For
///   scripts that look for something in the response: an error must not pass for its absence.
/// - `docker_post PATH`: posts standard input and prints the response in the same form.
/// - `docker_again COMMAND...`: runs a command that changes objects of the swarm, without input or
///   output. Retries it for up to three minutes while Docker reports that its managers did not
///   agree in time, or that the object was changed by another client. Docker may have made the
///   change despite the error, so running the command twice must have the same result.
/// - `$docker_perl`: the beginning of a perl program that sends other requests with the sub `ask`.
std::string functions();

/// Default of the longest time that a drain waits for the services that move first, in
/// milliseconds.
inline constexpr std::int64_t kHandoverTimeout = 300'000;

struct Reply {
    int status = 0;      ///< HTTP status
    std::string server;  ///< "Docker/20.10.24+dfsg1 (linux)"
    nlohmann::json body; ///< null if it is not JSON
    /// The error message of the daemon: its "message".
    [[nodiscard]] std::string message() const;
};

/// The responses printed by docker_get, in request order; fewer if the daemon stopped responding.
/// Text before the first response is ignored.
std::vector<Reply> parse_replies(std::string_view out);

/// Parses the responses of a probe into `replies`. Returns why they do not show the state of an
/// object: there are fewer than `count`, or one is an error. The status 404 is no error: Docker has
/// no such object.
std::optional<Error> unusable(const ProbeResult& result, std::size_t count,
                              std::vector<Reply>& replies);

/// `filters=...` of a list request, percent-encoded: {"label": ["a=b"]}.
std::string filter(std::string_view name, std::string_view value);

/// File on a node with the identity of the swarm membership that hadeploy created. Written before
/// the node joins, so that an incomplete membership of ours is not mistaken for a foreign one.
inline constexpr std::string_view kNodeMarker = "/var/lib/hadeploy/docker.node";

/// The rest of the first line that begins with `prefix`; "" if there is none.
std::string line_after(std::string_view text, std::string_view prefix);

/// The connections of a map in key order, except the one whose address is `except`.
std::vector<Value> connections(const Value& map, std::string_view except = "");

} // namespace hadeploy::ssh::docker
