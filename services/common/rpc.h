#pragma once

#include "common/json.h"
#include "common/server.h"

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace hadeploy::svc {

/// The services talk in frames: four bytes of length, most significant first, then that many
/// bytes of JSON. A request is an object with "op"; an answer has "ok", and when that is false
/// "code" and "message".
constexpr std::size_t kMostFrameBytes = 1024 * 1024;

void write_frame(Socket& socket, const Json& message, Deadline deadline);
/// Nothing when the peer closed between two frames; throws NetworkError on anything malformed.
std::optional<Json> read_frame(Socket& socket, Deadline deadline);

/// An answer that says no. `code` is for programs, what() for people.
class RpcError : public std::runtime_error {
  public:
    RpcError(std::string code, const std::string& message)
        : std::runtime_error(message), code_(std::move(code)) {}
    const std::string& code() const { return code_; }
    /// Worth asking again by itself: the other side is not ready yet, or could not finish.
    bool is_transient() const;

  private:
    std::string code_;
};

/// Answers frames until the peer leaves; an RpcError thrown by `answer` becomes the answer.
ConnectionServer::Handler rpc_handler(std::function<Json(const Json&)> answer);

/// For `--healthcheck`: whether the service on this port of this container answers a ping.
bool rpc_ping(std::uint16_t port);

/// Calls one service over connections that are kept and reused, from any number of threads.
/// A request is sent again when its connection failed, so each must be harmless to repeat. A peer
/// that is merely slow is waited for: asking it again would only add to its work.
class RpcClient {
  public:
    using Connect = std::function<Socket(const Endpoint&, Deadline)>;

    explicit RpcClient(Endpoint endpoint, Connect connect = connect_tcp)
        : endpoint_(std::move(endpoint)), connect_(std::move(connect)) {}

    /// The answer, or: RpcError as the service gave it; NetworkError when the deadline passed
    /// without an answer.
    Json call(const Json& request, Deadline deadline);
    /// The same with one try, for callers that have a loop of their own.
    Json call_once(const Json& request, Deadline deadline);

  private:
    Socket take();
    void give_back(Socket socket);
    Socket connect(Deadline deadline);

    Endpoint endpoint_;
    Connect connect_;
    std::mutex mutex_;
    std::vector<Socket> idle_;
    std::timed_mutex connecting_; ///< guards the next two, and is held while it connects
    Deadline not_before_{};       ///< after a failure: when to try next
    std::string failure_ = "no connection in time";
};

} // namespace hadeploy::svc
