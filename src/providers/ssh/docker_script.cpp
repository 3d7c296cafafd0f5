#include "providers/ssh/docker_script.h"

#include "providers/ssh/shell_functions.h"

#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {

// The perl program must not contain single quotes, because it is itself in single quotes. HTTP/1.0,
// so that the daemon closes the connection and does not use chunked encoding.
constexpr std::string_view kFunctions = R"sh(docker_up() {
    pid= comm=
    { read -r pid </run/docker.pid || [ -n "$pid" ]; } 2>/dev/null || return 1
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null || return 1
    [ "$comm" = dockerd ]
}
docker_perl='use strict; use Socket;
    # Sends METHOD, path, body; returns status, server and body of the answer.
    sub ask {
        my ($method, $path, $body) = @_;
        $SIG{ALRM} = sub { die "Docker did not answer in time\n" };
        alarm 120;
        my $s;
        socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un("/run/docker.sock"))
            or die "cannot reach Docker at /run/docker.sock: $!\n";
        my $length = length $body;
        my $type = $length ? "Content-Type: application/json\r\nContent-Length: $length\r\n" : "";
        syswrite $s, "$method $path HTTP/1.0\r\nHost: docker\r\n$type\r\n$body";
        my ($head, $answer) = split /\r\n\r\n/, do { local $/; <$s> }, 2;
        alarm 0;
        my ($status) = $head =~ /^HTTP\S+ (\d+)/ or die "Docker did not answer $path\n";
        my ($server) = $head =~ /^Server: *([^\r]*)/m;
        return ($status, $server, $answer);
    }'
docker_http() {
    perl -e "$docker_perl"'
        my $method = shift;
        my $body = $method eq "POST" ? do { local $/; <STDIN> } : "";
        for my $path (@ARGV) {
            my ($status, $server, $answer) = ask($method, $path, $body);
            printf "reply %d %d %s\n%s\n", $status, length $answer, $server, $answer;
        }' "$@"
}
docker_get() { docker_http GET "$@" </dev/null; }
docker_post() { docker_http POST "$@"; }
docker_again() {
    began_again=$(seconds)
    until said=$("$@" 2>&1 >/dev/null </dev/null); do
        case $said in
        *DeadlineExceeded*|*'deadline exceeded'*|*'out of sequence'*|*'code = Unavailable'*|*'does not have a leader'*) ;;
        *) printf '%s\n' "$said" >&2; return 1;;
        esac
        ! late "$began_again" 180 || { printf '%s\n' "$said" >&2; return 1; }
        sleep 2
    done
    [ -z "$said" ] || printf '%s\n' "$said" >&2
}
)sh";

constexpr std::string_view kReply = "reply ";

} // namespace

std::string functions() {
    return std::string(kSeconds) + std::string(kFunctions);
}

std::string Reply::message() const {
    if (body.is_object() && body.contains("message") && body["message"].is_string())
        return body["message"].get<std::string>();
    return fmt::format("HTTP status {}", status);
}

std::vector<Reply> parse_replies(std::string_view out) {
    std::vector<Reply> replies;
    std::size_t at = 0;
    while (at < out.size()) {
        const std::size_t end = out.find('\n', at);
        if (end == std::string_view::npos) break;
        const std::string line(out.substr(at, end - at));
        at = end + 1;
        int status = 0, used = 0;
        std::size_t length = 0;
        if (!line.starts_with(kReply)) continue;
        if (std::sscanf(line.c_str(), "reply %d %zu %n", &status, &length, &used) != 2) break;
        if (length > out.size() - at) break; // truncated: not an answer
        Reply reply{status, line.substr(static_cast<std::size_t>(used)), nullptr};
        reply.body = nlohmann::json::parse(out.substr(at, length), nullptr, false);
        if (reply.body.is_discarded()) reply.body = nullptr;
        replies.push_back(std::move(reply));
        at += length;
    }
    return replies;
}

std::string filter(std::string_view name, std::string_view value) {
    const nlohmann::json json = {{name, {value}}};
    std::string out = "filters=";
    for (const char c : json.dump()) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string line_after(std::string_view text, std::string_view prefix) {
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = text.find('\n', at);
        if (end == std::string_view::npos) end = text.size();
        const std::string_view line = text.substr(at, end - at);
        if (line.starts_with(prefix)) return std::string(line.substr(prefix.size()));
        at = end + 1;
    }
    return "";
}

std::vector<Value> connections(const Value& map, std::string_view except) {
    std::vector<Value> out;
    if (!map.is_map()) return out;
    for (const Entry& e : map.as_map())
        if (e.value.text("address") != except) out.push_back(e.value);
    return out;
}

} // namespace hadeploy::ssh::docker
