#include "common/http.h"

#include "common/log.h"
#include "common/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace hadeploy::svc {
namespace {

constexpr auto kHttpIdleTimeout = std::chrono::seconds(20);
constexpr auto kRequestTimeout = std::chrono::seconds(10);
constexpr auto kHttpPingTimeout = std::chrono::seconds(4);
constexpr auto kWriteTimeout = std::chrono::seconds(10);

/// Refuses a request with this response, after which the connection closes.
struct Refused {
    int status;
    std::string reason;
};

const char* reason_phrase(int status) {
    switch (status) {
    case 200: return "OK";
    case 303: return "See Other";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 422: return "Unprocessable Content";
    case 431: return "Request Header Fields Too Large";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    default: return status < 500 ? "Error" : "Internal Server Error";
    }
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Parses header lines up to the empty one. Folded lines and names with spaces are refused.
std::map<std::string, std::string> parse_headers(std::string_view text) {
    std::map<std::string, std::string> headers;
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        if (colon == std::string_view::npos || name.empty() ||
            name.find_first_of(" \t") != std::string_view::npos)
            throw Refused{400, "malformed header"};
        const auto [place, is_new] =
            headers.emplace(lower(name), std::string(trim(line.substr(colon + 1))));
        if (!is_new && (place->first == "content-length" || place->first == "host"))
            throw Refused{400, "repeated header"};
    }
    return headers;
}

HttpRequest parse_head(std::string_view head) {
    HttpRequest request;
    const std::size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last ||
        !line.substr(last + 1).starts_with("HTTP/1."))
        throw Refused{400, "malformed request line"};
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, last - first - 1);
    const std::size_t mark = request.target.find('?');
    const auto path = url_decode(request.target.substr(0, mark), false);
    if (!path || path->empty() || path->front() != '/') throw Refused{400, "malformed path"};
    request.path = *path;
    if (mark != std::string::npos)
        request.query = parse_form(std::string_view(request.target).substr(mark + 1));
    if (line_end != std::string_view::npos)
        request.headers = parse_headers(head.substr(line_end + 2));
    request.may_keep = line.ends_with("HTTP/1.1") && lower(request.header("connection")) != "close";
    return request;
}

std::size_t body_length(const HttpRequest& request) {
    if (request.headers.contains("transfer-encoding"))
        throw Refused{411, "send a Content-Length instead of a Transfer-Encoding"};
    const std::string text = request.header("content-length");
    if (text.empty()) return 0;
    const auto length = parse_integer(text);
    if (!length || *length < 0) throw Refused{400, "malformed Content-Length"};
    if (*length > static_cast<std::int64_t>(kMostBodyBytes))
        throw Refused{413, "the body is longer than " + std::to_string(kMostBodyBytes) + " bytes"};
    return static_cast<std::size_t>(*length);
}

/// Reads the requests of one connection; bytes after a request are kept for the next.
class RequestReader {
  public:
    explicit RequestReader(Socket& socket)
        : socket_(socket), first_by_(Clock::now() + kRequestTimeout) {}

    /// nullopt if the peer closed, or was idle too long, between two requests.
    std::optional<HttpRequest> next() {
        // The first request is due soon after the connection; between requests a pause is allowed.
        if (buffer_.empty() && !fill_idle(first_by_.value_or(Clock::now() + kHttpIdleTimeout)))
            return std::nullopt;
        const Deadline deadline = first_by_.value_or(Clock::now() + kRequestTimeout);
        first_by_.reset();
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (buffer_.size() > kMostHeadBytes)
                throw Refused{431, "the request's head is longer than " +
                                       std::to_string(kMostHeadBytes) + " bytes"};
            fill(deadline);
        }
        HttpRequest request = parse_head(std::string_view(buffer_).substr(0, end));
        buffer_.erase(0, end + 4);
        const std::size_t length = body_length(request);
        if (request.header("expect") == "100-continue" && buffer_.size() < length)
            socket_.write_all("HTTP/1.1 100 Continue\r\n\r\n", deadline);
        while (buffer_.size() < length) fill(deadline);
        request.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return request;
    }

  private:
    bool fill_idle(Deadline deadline) {
        try {
            return read_more(deadline);
        } catch (const NetworkError&) {
            return false;
        }
    }

    void fill(Deadline deadline) {
        if (!read_more(deadline)) throw NetworkError("closed in the middle of a request");
    }

    bool read_more(Deadline deadline) {
        std::array<char, 4096> chunk{};
        const std::size_t got = socket_.read_some(chunk.data(), chunk.size(), deadline);
        buffer_.append(chunk.data(), got);
        return got > 0;
    }

    Socket& socket_;
    std::optional<Deadline> first_by_; ///< deadline of the first request
    std::string buffer_;
};

std::string response_head(const HttpResponse& response, bool keep) {
    std::string head =
        "HTTP/1.1 " + std::to_string(response.status) + " " + reason_phrase(response.status) +
        "\r\nContent-Type: " + response.type + "\r\nCache-Control: no-store\r\n" +
        "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n" +
        "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'\r\n" +
        "Connection: " + (keep ? "keep-alive" : "close") + "\r\n";
    if (!response.stream)
        head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    for (const auto& [name, value] : response.headers)
        head.append(name).append(": ").append(value).append("\r\n");
    return head + "\r\n";
}

void send_response(Socket& socket, const HttpResponse& response, bool keep, bool with_body) {
    std::string bytes = response_head(response, keep);
    if (with_body) bytes += response.body;
    socket.write_all(bytes, Clock::now() + kWriteTimeout);
}

HttpResponse guarded(const std::function<HttpResponse(const HttpRequest&)>& handle,
                     const HttpRequest& request) {
    try {
        return handle(request);
    } catch (const std::exception& error) {
        log_error("request-failed", {{"path", request.path}, {"reason", error.what()}});
        return HttpResponse::text(500, "internal error\n");
    }
}

} // namespace

std::string HttpRequest::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
}

HttpResponse HttpResponse::text(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

HttpResponse HttpResponse::json(int status, std::string body) {
    HttpResponse response = text(status, std::move(body));
    response.type = "application/json";
    return response;
}

HttpResponse HttpResponse::html(int status, std::string body) {
    HttpResponse response = text(status, std::move(body));
    response.type = "text/html; charset=utf-8";
    return response;
}

HttpResponse HttpResponse::file(std::string type, std::string_view body) {
    HttpResponse response = text(200, std::string(body));
    response.type = std::move(type);
    return response;
}

HttpResponse HttpResponse::redirect(const std::string& location) {
    HttpResponse response = text(303, "");
    response.headers["Location"] = location;
    return response;
}

std::map<std::string, std::string> parse_form(std::string_view text) {
    std::map<std::string, std::string> fields;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::size_t equals = pair.find('=');
        const auto name = url_decode(pair.substr(0, equals), true);
        const auto value =
            equals == std::string_view::npos ? "" : url_decode(pair.substr(equals + 1), true);
        if (name && value && !name->empty()) fields[*name] = *value;
    }
    return fields;
}

ConnectionServer::Handler http_handler(std::function<HttpResponse(const HttpRequest&)> handle) {
    return [handle = std::move(handle)](Connection& connection) {
        Socket& socket = connection.socket();
        RequestReader reader(socket);
        try {
            while (const auto request = reader.next()) {
                auto answering = std::make_optional<Connection::Answering>(connection);
                const HttpResponse response = guarded(handle, *request);
                const bool keep = !response.stream && !connection.stopping() && request->may_keep;
                send_response(socket, response, keep, request->method != "HEAD");
                answering.reset(); // a stream never ends, so it may be closed to make room
                if (response.stream) response.stream(socket, connection.stopping());
                if (!keep) return;
            }
        } catch (const Refused& refused) {
            send_response(socket, HttpResponse::text(refused.status, refused.reason + "\n"), false,
                          true);
        }
    };
}

HttpResponse http_get(Socket socket, const std::string& host, const std::string& target,
                      std::size_t most_bytes, Deadline deadline) {
    // With HTTP/1.0 the response is not chunked: it ends with the connection.
    socket.write_all("GET " + target + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n", deadline);
    std::string bytes;
    std::vector<char> chunk(64 * 1024);
    while (const std::size_t got = socket.read_some(chunk.data(), chunk.size(), deadline)) {
        bytes.append(chunk.data(), got);
        if (bytes.size() > most_bytes)
            throw NetworkError(host + target + ": the response is too long");
    }
    const std::size_t end = bytes.find("\r\n\r\n");
    const auto status = bytes.starts_with("HTTP/1.") && bytes.size() > 12
                            ? parse_integer(std::string_view(bytes).substr(9, 3))
                            : std::nullopt;
    if (end == std::string::npos || !status)
        throw NetworkError(host + target +
                           ": the response "
                           "is not HTTP");
    HttpResponse response;
    response.status = static_cast<int>(*status);
    try {
        const std::size_t line = bytes.find("\r\n");
        if (line < end)
            response.headers =
                parse_headers(std::string_view(bytes).substr(line + 2, end - line - 2));
    } catch (const Refused& refused) {
        throw NetworkError(host + target + ": " + refused.reason);
    }
    response.body = bytes.substr(end + 4);
    const auto length = response.headers.find("content-length");
    if (length != response.headers.end() && length->second != std::to_string(response.body.size()))
        throw NetworkError(host + target + ": the response is truncated");
    return response;
}

bool http_answers(std::uint16_t port, const std::string& path) {
    const Deadline deadline = Clock::now() + kHttpPingTimeout;
    return http_get(connect_tcp({"127.0.0.1", port}, deadline), "localhost", path, kMostBodyBytes,
                    deadline)
               .status == 200;
}

} // namespace hadeploy::svc
