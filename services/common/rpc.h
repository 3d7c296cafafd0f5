#pragma once

#include "common/json.h"
#include "common/server.h"

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace hadeploy::svc {

/// The protocol between the services: frames of a four-byte length, most significant byte first,
/// and that many bytes of JSON. A request is an object with "op"; a response has "ok" and, if that
/// is false, "code" and "message".
constexpr std::size_t kMostFrameBytes = 1024 * 1024;

void write_frame(Socket& socket, const Json& message, Deadline deadline);
/// nullopt if the peer closed between two frames. Throws NetworkError on malformed data.
std::optional<Json> read_frame(Socket& socket, Deadline deadline);

/// An error response. `code` is for programs, what() for people.
class RpcError : public std::runtime_error {
  public:
    RpcError(std::string code, const std::string& message)
        : std::runtime_error(message), code_(std::move(code)) {}
    const std::string& code() const { return code_; }
    /// Whether an automatic retry is useful: the peer is not ready yet, or could not finish.
    bool is_transient() const;

  private:
    std::string code_;
};

/// Answers frames until the peer closes; an RpcError from `answer` becomes an error response.
ConnectionServer::Handler rpc_handler(std::function<Json(const Json&)> answer);

/// For `--healthcheck`: whether the service on this port of this container answers a ping.
bool rpc_ping(std::uint16_t port);

/// Calls one service over pooled connections, from any number of threads. A request is retried
/// after its connection failed, so it must be idempotent. It waits for a slow peer, because a retry
/// would only add to the peer's load. If the service's name has several addresses, those that
/// failed or stand by ("standby") are tried last.
class RpcClient {
  public:
    /// The last argument lists the addresses to try last, as in connect_tcp().
    using Connect =
        std::function<Socket(const Endpoint&, Deadline, const std::vector<std::uint32_t>&)>;

    explicit RpcClient(Endpoint endpoint, Connect connect = connect_tcp)
        : endpoint_(std::move(endpoint)), connect_(std::move(connect)) {}

    /// The response. Throws RpcError from the service, or NetworkError if the deadline passes.
    Json call(const Json& request, Deadline deadline);
    /// As above, with a single attempt, for callers with their own retry loop.
    Json call_once(const Json& request, Deadline deadline);

  private:
    Socket take();
    void give_back(Socket socket);
    Socket connect(Deadline deadline);
    std::vector<std::uint32_t> postponed();
    /// Makes the next connection lead to a different peer.
    void postpone(std::uint32_t peer);

    Endpoint endpoint_;
    Connect connect_;
    std::mutex mutex_;
    std::vector<Socket> idle_;
    std::vector<std::uint32_t> postponed_; ///< the most recent last
    std::timed_mutex connecting_;          ///< held while connecting; guards the next two
    Deadline not_before_{};                ///< after a failure: time of the next attempt
    std::string failure_ = "no connection in time";
};

} // namespace hadeploy::svc
