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
/// debug. The line has the status, the duration, and the URL without user, password and query.
namespace hadeploy::http {

struct Header {
    std::string name, value;
    bool secret = false; ///< sent only to the first origin, like Authorization, Cookie and Host
};

struct Request {
    std::string url;         ///< http or https
    bool secret_url = false; ///< the log does not show the URL
    std::string method = "GET";
    std::vector<Header> headers = {};
    std::optional<std::string> body = {};
    bool secret_body = false; ///< a different origin receives an empty body
    /// Time limit from the first request to the end of the last response; 0: no limit.
    std::chrono::milliseconds timeout{0};
    /// Time limit to establish a connection; 0: only `timeout` applies.
    std::chrono::milliseconds connect_timeout{0};
    /// Longest time without received data; 0: no limit.
    std::chrono::seconds most_silence{0};
    /// 0: redirects are not followed, but returned like any other response.
    int most_redirects = 0;
    std::size_t most_bytes = 16u << 20; ///< limit for a body that is not passed to `sink`
    bool proxy = true;                  ///< use the proxy in the environment
    std::string ca_cert_pem = {};       ///< trusted authorities; "": the system's authorities
    bool insecure = false;              ///< trust any certificate
    /// With Transfers: use an open connection of an earlier such request if there is one, and leave
    /// the connection open.
    bool keep_alive = false;
    /// Receives the body of a 2xx response in pieces, and returns whether to continue; `total` is 0
    /// if the size is not known. Up to `most_bytes` of any other response are read and dropped.
    std::function<bool(std::string_view piece, std::int64_t total)> sink = {};
    std::stop_token stop = {};
};

struct Answer {
    enum class End {
        complete,
        timeout,
        too_large,      ///< the body is larger than `most_bytes`
        sink_refused,   ///< the sink ended the transfer
        redirected_off, ///< there were more than `most_redirects`
        broken,         ///< see `problem`
    };
    End end = End::complete;
    std::string problem; ///< libcurl's message, if the response is not complete
    bool connected = false;
    bool reused = false; ///< sent over a connection of an earlier request
    long status = 0;     ///< 0: no response
    /// Headers of the last response in the order received: name in lower case, and value. Repeated
    /// headers are joined with ", ".
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::string url; ///< URL of the last request
};

/// Sends a request over its own connection. Follows redirects as browsers do: after 307 and 308 the
/// same request is sent again, after other redirects a GET. Credentials and secrets are sent only
/// to the origin (scheme, host and port) of the first request.
/// @throws Interrupted; Error(failed) for a request that libcurl cannot make
Answer send(const Request& request);

/// Sends requests concurrently, each over its own connection unless Request::keep_alive is set.
/// Does not follow redirects. May be used by one thread only, except for wake().
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
    /// Waits until there is work, wake() is called, or the time has elapsed.
    void wait(std::chrono::milliseconds longest);
    /// The same with a time at which the wait ends, exact to a fraction of a millisecond.
    /// @throws Error(failed) if the process cannot open a timer
    void wait_until(std::chrono::steady_clock::time_point end);
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
