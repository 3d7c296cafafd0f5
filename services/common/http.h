#pragma once

#include "common/server.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace hadeploy::svc {

/// The part of HTTP/1.1 that the services need: bodies with a Content-Length, persistent
/// connections, and streamed responses (server-sent events).
struct HttpRequest {
    std::string method;
    std::string target;                         ///< as sent: encoded path and query
    std::string path;                           ///< decoded
    std::map<std::string, std::string> query;   ///< decoded; the last value of a repeated name
    std::map<std::string, std::string> headers; ///< by lower-case name
    std::string body;
    bool may_keep = true; ///< the peer uses HTTP/1.1 and did not ask to close the connection

    std::string header(const std::string& name) const;
};

struct HttpResponse {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
    std::map<std::string, std::string> headers;
    /// If set, this function writes the body until it returns or the connection fails; the
    /// connection is then closed.
    std::function<void(Socket&, const std::atomic<bool>& stopping)> stream;

    static HttpResponse text(int status, std::string body);
    static HttpResponse json(int status, std::string body);
    static HttpResponse html(int status, std::string body);
    static HttpResponse file(std::string type, std::string_view body);
    static HttpResponse redirect(const std::string& location);
};

constexpr std::size_t kMostHeadBytes = 16 * 1024;
constexpr std::size_t kMostBodyBytes = 64 * 1024;

/// Decodes `a=1&b=2`; pairs with a malformed escape are ignored.
std::map<std::string, std::string> parse_form(std::string_view text);

/// Serves HTTP. Every response forbids caching, content sniffing, framing and foreign content. An
/// exception from `handle` becomes a 500 response without the exception's message.
ConnectionServer::Handler http_handler(std::function<HttpResponse(const HttpRequest&)> handle);

/// Sends one GET over a new connection, which the peer closes after the response. The response has
/// at most `most_bytes`. Throws NetworkError; any status is a normal result.
HttpResponse http_get(Socket socket, const std::string& host, const std::string& target,
                      std::size_t most_bytes, Deadline deadline);

/// For `--healthcheck`: whether the service on this port of this container responds with 200.
bool http_answers(std::uint16_t port, const std::string& path);

} // namespace hadeploy::svc
