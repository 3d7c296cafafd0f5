#include "cli/watch/metrics_server.h"

#include <arpa/inet.h>
#include <cerrno>
#include <deque>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

namespace hadeploy::cli {

namespace {
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{200};         ///< how long a stop may take to be noticed
constexpr milliseconds kPatience{2000};    ///< for one request, and for one answer
constexpr std::size_t kMostRequest = 8192; ///< bytes
constexpr std::size_t kMostClients = 64;   ///< that have not sent their whole request

bool can_send(const Fd& socket, Clock::time_point end) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
    pollfd p{socket.get(), POLLOUT, 0};
    return left > 0 && ::poll(&p, 1, static_cast<int>(left)) == 1;
}

void send_all(const Fd& client, std::string_view text) {
    const auto end = Clock::now() + kPatience;
    while (!text.empty() && can_send(client, end)) {
        const ssize_t n =
            ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

Error cannot_listen(const ListenAddress& address) {
    const int number = errno;
    return Error(ErrorKind::failed, fmt::format("cannot listen on {}: {}", url_of(address),
                                                std::generic_category().message(number)))
        .with_hint("choose another address or port with --listen");
}

socklen_t fill(const ListenAddress& from, sockaddr_storage& to) {
    if (from.v6) {
        auto& six = reinterpret_cast<sockaddr_in6&>(to);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(from.port);
        ::inet_pton(AF_INET6, from.host.c_str(), &six.sin6_addr);
        return sizeof six;
    }
    auto& four = reinterpret_cast<sockaddr_in&>(to);
    four.sin_family = AF_INET;
    four.sin_port = htons(from.port);
    ::inet_pton(AF_INET, from.host.c_str(), &four.sin_addr);
    return sizeof four;
}
} // namespace

MetricsServer::MetricsServer(ListenAddress address, std::function<std::string()> text)
    : address_(std::move(address)), text_(std::move(text)),
      listener_(::socket(address_.v6 ? AF_INET6 : AF_INET,
                         SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    constexpr int queue = 128, on = 1;
    sockaddr_storage place{};
    socklen_t size = fill(address_, place);
    if (!listener_ ||
        ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&place), size) != 0 ||
        ::listen(listener_.get(), queue) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&place), &size) != 0)
        throw cannot_listen(address_);
    address_.port = ntohs(address_.v6 ? reinterpret_cast<sockaddr_in6&>(place).sin6_port
                                      : reinterpret_cast<sockaddr_in&>(place).sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

MetricsServer::~MetricsServer() = default;

/// A connection whose request has not arrived completely.
struct MetricsServer::Request {
    Fd client;
    std::string head = {};
    Clock::time_point end = Clock::now() + kPatience;
};

void MetricsServer::serve(const std::stop_token& stop) {
    std::deque<Request> open; // the oldest first
    while (!stop.stop_requested()) {
        std::vector<pollfd> sockets{{listener_.get(), POLLIN, 0}};
        for (const Request& request : open) sockets.push_back({request.client.get(), POLLIN, 0});
        ::poll(sockets.data(), sockets.size(), static_cast<int>(kPoll.count()));
        std::erase_if(open, [this](Request& request) { return is_done(request); });
        for (std::size_t i = 0; i < kMostClients; ++i) {
            Request request{Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC))};
            if (!request.client) break;
            if (is_done(request)) continue;
            open.push_back(std::move(request));
            if (open.size() > kMostClients) open.pop_front();
        }
    }
}

bool MetricsServer::is_done(Request& request) const {
    for (;;) {
        char piece[1024]; // NOLINT: filled by recv
        const ssize_t n = ::recv(request.client.get(), piece, sizeof piece, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return Clock::now() > request.end;
        if (n <= 0) return true;
        request.head.append(piece, static_cast<std::size_t>(n));
        if (request.head.find("\r\n\r\n") != std::string::npos) {
            answer(request.client, request.head.substr(0, request.head.find("\r\n")));
            return true;
        }
        if (request.head.size() > kMostRequest) return true;
    }
}

void MetricsServer::answer(const Fd& client, std::string_view line) const {
    std::string status = "200 OK", body;
    if (!line.starts_with("GET "))
        status = "405 Method Not Allowed\r\nAllow: GET";
    else if (!line.starts_with("GET /metrics ") && !line.starts_with("GET /metrics?"))
        status = "404 Not Found";
    else
        body = text_();
    if (body.empty()) body = status.substr(0, status.find('\r')) + "\n";
    send_all(client, fmt::format("HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; "
                                 "charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                                 status, body.size()) +
                         body);
}

} // namespace hadeploy::cli
