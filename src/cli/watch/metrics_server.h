#pragma once

#include "cli/watch/listen_address.h"
#include "core/file.h"

#include <functional>
#include <string>
#include <thread>

namespace hadeploy::cli {

/// Serves `GET /metrics` over HTTP/1.1 from a thread. Connections that send nothing do not delay
/// others; if there are many, the oldest is closed. (cpp-httplib is not used for this, because each
/// start of hadeploy would load it, with OpenSSL's libssl and Brotli.)
class MetricsServer {
  public:
    /// @param text  returns the body; called by the thread
    /// @throws Error(failed) when the address cannot be bound
    MetricsServer(ListenAddress address, std::function<std::string()> text);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    /// The address, with the port that was chosen if the given port was 0.
    [[nodiscard]] const ListenAddress& address() const { return address_; }

  private:
    struct Request;
    void serve(const std::stop_token& stop);
    /// Reads the bytes that have arrived, and responds to a complete request.
    /// @return whether the connection can be closed
    bool is_done(Request& request) const;
    void answer(const Fd& client, std::string_view line) const;

    ListenAddress address_;
    std::function<std::string()> text_;
    Fd listener_;
    std::jthread thread_; ///< last, so that it ends first
};

} // namespace hadeploy::cli
