#pragma once

#include "common/server.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace hadeploy::svc {

using Json = nlohmann::json;

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
/// Requests are sent again after a failure, so each must be harmless to repeat.
class RpcClient {
  public:
    /// `attempt` bounds one try: a dead peer is given up in time for another try.
    RpcClient(Endpoint endpoint, std::chrono::milliseconds attempt)
        : endpoint_(std::move(endpoint)), attempt_(attempt) {}

    /// The answer, or: RpcError as the service gave it; NetworkError when the deadline passed
    /// without an answer.
    Json call(const Json& request, Deadline deadline);
    /// The same with one try, for callers that have a loop of their own.
    Json call_once(const Json& request, Deadline deadline);

  private:
    Socket take();
    void give_back(Socket socket);

    Endpoint endpoint_;
    std::chrono::milliseconds attempt_;
    std::mutex mutex_;
    std::vector<Socket> idle_;
};

} // namespace hadeploy::svc
