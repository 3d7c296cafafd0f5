#include "common/rpc.h"

#include "common/log.h"

#include <algorithm>
#include <array>
#include <thread>

namespace hadeploy::svc {
namespace {

constexpr auto kRpcIdleTimeout = std::chrono::minutes(5);
constexpr auto kFrameTimeout = std::chrono::seconds(10);
constexpr auto kAnswerTimeout = std::chrono::seconds(10);
constexpr auto kRpcPingTimeout = std::chrono::seconds(4);
constexpr auto kPause = std::chrono::milliseconds(150);
constexpr auto kLongestPause = std::chrono::milliseconds(1200);
constexpr auto kStandbyPause = std::chrono::milliseconds(50);
constexpr auto kBetweenConnects = std::chrono::milliseconds(500);
constexpr std::size_t kMostIdle = 32;
constexpr std::size_t kMostPostponed = 16;
constexpr std::size_t kChunk = 64 * 1024;

Json refusal(const std::string& code, const std::string& message) {
    return {{"ok", false}, {"code", code}, {"message", message}};
}

/// Reads the frame that starts with this byte.
Json read_rest(Socket& socket, char first, Deadline deadline) {
    std::array<char, 4> head{first};
    socket.read_exact(head.data() + 1, head.size() - 1, deadline);
    std::uint32_t size = 0;
    for (const char byte : head) size = (size << 8) | static_cast<unsigned char>(byte);
    if (size > kMostFrameBytes)
        throw NetworkError("a frame of " + std::to_string(size) + " bytes is too long");
    std::string body; // grows with the received data, not with the announced length
    while (body.size() < size) {
        const std::size_t have = body.size();
        body.resize(std::min<std::size_t>(size, have + kChunk));
        socket.read_exact(body.data() + have, body.size() - have, deadline);
    }
    Json message = parse_json(body);
    if (!message.is_object()) throw NetworkError("a frame does not contain a JSON object");
    return message;
}

} // namespace

void write_frame(Socket& socket, const Json& message, Deadline deadline) {
    const std::string body = message.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (body.size() > kMostFrameBytes)
        throw NetworkError("a message of " + std::to_string(body.size()) + " bytes is too long");
    const auto size = static_cast<std::uint32_t>(body.size());
    std::string frame;
    for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>((size >> shift) & 0xFF);
    socket.write_all(frame + body, deadline);
}

std::optional<Json> read_frame(Socket& socket, Deadline deadline) {
    char first = 0;
    if (socket.read_some(&first, 1, deadline) == 0) return std::nullopt;
    return read_rest(socket, first, deadline);
}

bool RpcError::is_transient() const {
    return code_ == "starting" || code_ == "standby" || code_ == "busy" || code_ == "unavailable";
}

ConnectionServer::Handler rpc_handler(std::function<Json(const Json&)> answer) {
    return [answer = std::move(answer)](Connection& connection) {
        Socket& socket = connection.socket();
        // The first request is due soon after the connection; between requests a pause is allowed.
        for (Deadline begin = Clock::now() + kFrameTimeout; !connection.stopping();
             begin = Clock::now() + kRpcIdleTimeout) {
            char first = 0;
            if (socket.read_some(&first, 1, begin) == 0) return;
            const Json request = read_rest(socket, first, Clock::now() + kFrameTimeout);
            const Connection::Answering answering(connection);
            Json reply;
            try {
                reply = answer(request);
            } catch (const RpcError& error) {
                reply = refusal(error.code(), error.what());
            } catch (const Json::exception&) {
                reply =
                    refusal("invalid", "the request has a missing field or one of a wrong type");
            }
            write_frame(socket, reply, Clock::now() + kAnswerTimeout);
        }
    };
}

bool rpc_ping(std::uint16_t port) {
    const Deadline deadline = Clock::now() + kRpcPingTimeout;
    Socket socket = connect_tcp({"127.0.0.1", port}, deadline);
    write_frame(socket, {{"op", "ping"}}, deadline);
    const auto reply = read_frame(socket, deadline);
    return reply && reply->value("ok", false);
}

Socket RpcClient::take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return Socket();
    Socket socket = std::move(idle_.back());
    idle_.pop_back();
    return socket;
}

void RpcClient::give_back(Socket socket) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(socket));
}

std::vector<std::uint32_t> RpcClient::postponed() {
    const std::lock_guard lock(mutex_);
    return postponed_;
}

void RpcClient::postpone(std::uint32_t peer) {
    const std::lock_guard lock(mutex_);
    idle_.clear(); // other pooled connections probably lead to the same peer
    std::erase(postponed_, peer);
    if (postponed_.size() == kMostPostponed) postponed_.erase(postponed_.begin());
    postponed_.push_back(peer);
}

// One connection attempt at a time, with a pause after a failure. While the service moves to
// another node, each request of each client needs a new connection; a lookup for each would keep
// Docker's resolver so busy that its node no longer answers the swarm.
Socket RpcClient::connect(Deadline deadline) {
    const std::unique_lock turn(connecting_, deadline);
    if (!turn.owns_lock()) throw NetworkError(endpoint_.text() + ": no connection in time");
    std::this_thread::sleep_until(std::min(not_before_, deadline));
    if (Socket returned = take(); returned.is_open()) return returned;
    if (Clock::now() >= deadline) throw NetworkError(failure_);
    try {
        return connect_(endpoint_, deadline, postponed());
    } catch (const NetworkError& error) {
        not_before_ = Clock::now() + kBetweenConnects;
        failure_ = error.what();
        throw;
    }
}

Json RpcClient::call_once(const Json& request, Deadline deadline) {
    Socket socket = take();
    if (!socket.is_open()) socket = connect(deadline);
    const std::uint32_t peer = socket.peer_address();
    std::optional<Json> reply;
    try {
        write_frame(socket, request, deadline);
        reply = read_frame(socket, deadline);
        if (!reply) throw NetworkError(endpoint_.text() + ": closed without a response");
    } catch (const NetworkError&) {
        postpone(peer);
        throw;
    }
    const bool ok = reply->value("ok", false);
    if (!ok && reply->value("code", "") == "standby")
        postpone(peer);
    else
        give_back(std::move(socket));
    if (!ok)
        throw RpcError(reply->value("code", "invalid"), reply->value("message", "no reason given"));
    return std::move(*reply);
}

Json RpcClient::call(const Json& request, Deadline deadline) {
    for (auto pause = kPause;;) {
        auto now = pause;
        pause = std::min(2 * pause, kLongestPause);
        try {
            return call_once(request, deadline);
        } catch (const NetworkError&) {
            if (Clock::now() + now >= deadline) throw;
        } catch (const RpcError& error) {
            if (error.code() ==
                "standby") { // try the next address, and try again after a database has taken over
                now = kStandbyPause;
                pause = kPause;
            }
            if (!error.is_transient() || Clock::now() + now >= deadline) throw;
        }
        std::this_thread::sleep_for(now);
    }
}

} // namespace hadeploy::svc
