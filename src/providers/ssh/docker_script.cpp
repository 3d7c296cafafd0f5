#include "providers/ssh/docker_script.h"
#include "embedded/scripts.h"

#include "providers/ssh/shell_functions.h"

#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {

constexpr std::string_view kReply = "reply ";

} // namespace

std::string functions() {
    return std::string(scripts::seconds) + std::string(scripts::docker_functions);
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
        if (length > out.size() - at) break; // truncated: not a response
        Reply reply{status, line.substr(static_cast<std::size_t>(used)), nullptr};
        reply.body = nlohmann::json::parse(out.substr(at, length), nullptr, false);
        if (reply.body.is_discarded()) reply.body = nullptr;
        replies.push_back(std::move(reply));
        at += length;
    }
    return replies;
}

std::optional<Error> unusable(const ProbeResult& result, std::size_t count,
                              std::vector<Reply>& replies) {
    replies = parse_replies(result.out);
    if (replies.size() < count)
        return Error(ErrorKind::failed, "Docker did not answer: " + result.err);
    for (const Reply& reply : replies) {
        if (reply.status != 200 && reply.status != 404)
            return Error(ErrorKind::failed, reply.message());
        if (reply.body.is_null())
            return Error(ErrorKind::failed, "Docker answered with something other than JSON");
    }
    return std::nullopt;
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
