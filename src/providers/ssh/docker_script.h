#pragma once

#include "provider_api/schema.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What the docker.* types share: shell functions for their scripts, and the reading of what the
/// Docker API answered.
namespace hadeploy::ssh::docker {

/// Shell functions, to stand before a script that uses them, beside those of shell_functions.h:
/// - `docker_up`: succeeds when the daemon runs. Never asks the socket: systemd would start a
///   stopped daemon for anyone who connects, and a look must not change what it looks at.
/// - `docker_get PATH...`: prints the API's answer to each GET, see parse_replies(). One small perl
///   (part of every Debian and Ubuntu) in the place of one docker command line a question: that is
///   a large program, and its start is what a probe would spend its time on.
/// - `docker_post PATH`: posts standard input, prints the answer in the same form.
/// - `docker_again COMMAND...`: runs a command that changes the swarm's objects, without input or
///   output, again for up to three minutes while Docker says that its managers did not agree in
///   time or that somebody else changed the object. Docker may have done it all the same, so the
///   command has to come to the same result when it runs twice.
/// - `$docker_perl`: the beginning of a perl program that asks more: the sub `ask`.
std::string functions();

struct Reply {
    int status = 0;      ///< of HTTP
    std::string server;  ///< "Docker/20.10.24+dfsg1 (linux)"
    nlohmann::json body; ///< null when it is not JSON
    /// What the daemon says went wrong: its "message".
    [[nodiscard]] std::string message() const;
};

/// The answers printed by docker_get, in the order of the questions; fewer when the daemon stopped
/// answering on the way. Text before the first answer is not looked at.
std::vector<Reply> parse_replies(std::string_view out);

/// `filters=...` of a list request, percent-encoded: {"label": ["a=b"]}.
std::string filter(std::string_view name, std::string_view value);

/// Where a node keeps the identity of the swarm membership that we made. Written before the node
/// joins, so that a half-made membership can be told from somebody else's.
inline constexpr std::string_view kNodeMarker = "/var/lib/hadeploy/docker.node";

/// The first of the lines that begins with `prefix`, without it; "" when there is none.
std::string line_after(std::string_view text, std::string_view prefix);

/// The addresses of a map of connections, in key order, without the one with address `except`.
std::vector<Value> connections(const Value& map, std::string_view except = "");

} // namespace hadeploy::ssh::docker
