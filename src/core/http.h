#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The HTTP client. Each request and each redirect is one line of the diagnostic log, at level
/// debug: the URL without user, password and query, the status, and the duration.
namespace hadeploy::http {

struct Header {
    std::string name, value;
    bool secret = false; ///< only for the first origin, like Authorization, Cookie and Host
};

struct Request {
    std::string url;         ///< http or https
    bool secret_url = false; ///< the log does not show it
    std::string method = "GET";
    std::vector<Header> headers = {};
    std::optional<std::string> body = {};
    bool secret_body = false; ///< another origin gets an empty body
    /// From the first request to the end of the last response; 0: no limit.
    std::chrono::milliseconds timeout{0};
    /// To establish a connection; 0: `timeout` alone.
    std::chrono::milliseconds connect_timeout{0};
    /// Longest time in which nothing arrives; 0: no limit.
    std::chrono::seconds most_silence{0};
    /// With 0 a redirect is an answer like any other.
    int most_redirects = 0;
    std::size_t most_bytes = 16u << 20; ///< of a body that `sink` does not take
    bool proxy = true;                  ///< use the proxy in the environment
    std::string ca_cert_pem = {};       ///< trusted authorities; "": those of the system
    bool insecure = false;              ///< trust any certificate
    /// Takes the body of a 2xx response in pieces, and returns whether to continue; `total` is 0
    /// if it is not known. Of any other response, up to `most_bytes` are read and dropped.
    std::function<bool(std::string_view piece, std::int64_t total)> sink = {};
    std::stop_token stop = {};
};

struct Answer {
    enum class End {
        complete,
        timeout,
        too_large,      ///< more than `most_bytes`
        sink_refused,   ///< the sink ended the transfer
        redirected_off, ///< more than `most_redirects`
        broken,         ///< see `problem`
    };
    End end = End::complete;
    std::string problem; ///< libcurl's text, if the answer is not complete
    bool connected = false;
    long status = 0; ///< 0: no response
    /// Of the last response, in the order received: the lower-case name, and the value; repeated
    /// headers are joined with ", ".
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::string url; ///< of the last request
};

/// Sends a request over its own connection. Follows redirects as browsers do: 307 and 308 repeat
/// the request, others change it to GET. Credentials and secrets are sent to the origin of the
/// request only, that is its scheme, host and port.
/// @throws Interrupted; Error(failed) for a request that libcurl cannot make
Answer send(const Request& request);

/// Sends requests side by side, each over its own connection. Follows no redirects. One thread uses
/// it; only wake() may be called by another one.
class Transfers {
  public:
    using Done = std::function<void(Answer)>;

    Transfers();
    ~Transfers();
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    /// `done` is called by work().
    void add(Request request, Done done);
    [[nodiscard]] std::size_t pending() const;
    /// Sends and receives as much as possible without waiting.
    void work();
    /// Waits until there is work, wake() is called, or the time is over.
    void wait(std::chrono::milliseconds longest);
    void wake();

  private:
    struct Multi;
    std::unique_ptr<Multi> multi_;
};

/// "host:port" of a URL, without user and password.
std::string authority_of(std::string_view url);

/// The host of a URL, without the brackets of an IPv6 address.
std::string host_of(std::string_view url);

/// A URL for the log: without user, password, query and fragment.
std::string without_parameters(std::string_view url);

} // namespace hadeploy::http
