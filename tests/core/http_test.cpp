#include "core/http.h"

#include "core/error.h"
#include "core/file.h"

#include <atomic>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using http::Answer;
using http::Request;
using namespace std::chrono_literals;

namespace {
/// A server on loopback that says what it was sent.
class Server {
  public:
    Server() {
        const auto tell = [](const httplib::Request& in, httplib::Response& out) {
            out.set_content(fmt::format("{} a={} s={} p={} b={}", in.method,
                                        in.get_header_value("Authorization"),
                                        in.get_header_value("X-Secret"),
                                        in.get_header_value("X-Plain"), in.body),
                            "text/plain");
        };
        server_.Get("/tell", tell);
        server_.Post("/tell", tell);
        server_.Get("/host", [](const httplib::Request& in, httplib::Response& out) {
            out.set_content(in.get_header_value("Host"), "text/plain");
        });
        const auto go = [](const httplib::Request& in, httplib::Response& out) {
            out.set_redirect(in.get_param_value("to"), std::stoi(in.get_param_value("status")));
        };
        server_.Get("/go", go);
        server_.Post("/go", go);
        server_.Get("/large", [](const httplib::Request&, httplib::Response& out) {
            out.set_content(std::string(100'000, 'x'), "text/plain");
        });
        server_.Get("/hang", [this](const httplib::Request&, httplib::Response&) {
            asked = true;
            while (!over_) std::this_thread::sleep_for(1ms);
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }
    ~Server() {
        over_ = true;
        server_.stop();
        thread_.join();
    }
    [[nodiscard]] std::string url(const std::string& path, const std::string& user = "") const {
        return fmt::format("http://{}127.0.0.1:{}{}", user, port_, path);
    }
    [[nodiscard]] std::string redirect(const std::string& to, int status) const {
        return url(
            fmt::format("/go?status={}&to={}", status, httplib::detail::encode_query_param(to)));
    }
    std::atomic<bool> asked = false;

  private:
    httplib::Server server_;
    std::atomic<bool> over_ = false;
    int port_ = 0;
    std::thread thread_;
};

/// A server on loopback that answers one request with the given bytes.
class RawServer {
  public:
    explicit RawServer(std::string answer) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{.sin_family = AF_INET,
                       .sin_port = 0,
                       .sin_addr = {htonl(INADDR_LOOPBACK)},
                       .sin_zero = {}};
        socklen_t size = sizeof at;
        auto* const address = reinterpret_cast<sockaddr*>(&at);
        REQUIRE(::bind(listener_.get(), address, size) == 0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
        REQUIRE(::getsockname(listener_.get(), address, &size) == 0);
        port_ = ntohs(at.sin_port);
        thread_ = std::jthread([this, text = std::move(answer)] {
            const Fd peer(::accept(listener_.get(), nullptr, nullptr));
            std::string request;
            char piece[1024];
            while (request.find("\r\n\r\n") == request.npos) {
                const ssize_t n = ::read(peer.get(), piece, sizeof piece);
                if (n <= 0) return;
                request.append(piece, static_cast<std::size_t>(n));
            }
            (void)!::write(peer.get(), text.data(), text.size());
        });
    }
    [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

  private:
    Fd listener_;
    int port_ = 0;
    std::jthread thread_; // last, so that it ends first
};

Request with_secrets(std::string url) {
    return {
        .url = std::move(url),
        .method = "POST",
        .headers = {{"Authorization", "basic"}, {"X-Secret", "abcdefgh", true}, {"X-Plain", "x"}},
        .body = "content",
        .secret_body = true,
        .timeout = 10s,
        .most_redirects = 3};
}
} // namespace

TEST_CASE("http: status, headers and body of a response") {
    const Server server;
    const Answer answer = http::send({.url = server.url("/tell"), .timeout = 10s});
    CHECK(answer.end == Answer::End::complete);
    CHECK(answer.connected);
    CHECK(answer.status == 200);
    CHECK(answer.body == "GET a= s= p= b=");
    CHECK(http::send({.url = server.url("/none"), .timeout = 10s}).status == 404);
}

TEST_CASE("http: repeated headers are joined in the order received") {
    const RawServer server("HTTP/1.1 200 OK\r\nX-Two: a\r\nLength: 1\r\nx-two: b\r\n"
                           "Content-Length: 0\r\n\r\n");
    const Answer answer = http::send({.url = server.url(), .timeout = 10s});
    const auto two = std::find_if(answer.headers.begin(), answer.headers.end(),
                                  [](const auto& header) { return header.first == "x-two"; });
    REQUIRE(two != answer.headers.end());
    CHECK(two->second == "a, b");
}

TEST_CASE("http: secrets are for the first origin only, even after a way back") {
    const Server server, other;
    const auto body = [](const std::string& url) { return http::send(with_secrets(url)).body; };
    CHECK(body(server.redirect("/tell", 307)) == "POST a=basic s=abcdefgh p=x b=content");
    CHECK(body(server.redirect("/tell", 302)) == "GET a=basic s=abcdefgh p=x b=");
    CHECK(body(server.redirect(other.url("/tell"), 307)) == "POST a= s= p=x b=");
    CHECK(body(server.redirect(other.redirect(server.url("/tell"), 307), 307)) ==
          "POST a= s= p=x b=");
}

TEST_CASE("http: a Host header names the first origin only") {
    const Server server, other;
    const auto asked = [&](const std::string& to) {
        return http::send({.url = server.redirect(to, 302),
                           .headers = {{"Host", "first.example"}},
                           .timeout = 10s,
                           .most_redirects = 1})
            .body;
    };
    CHECK(asked("/host") == "first.example");
    CHECK(other.url("/host") == "http://" + asked(other.url("/host")) + "/host");
}

TEST_CASE("http: user and password of the URL stay with its origin") {
    const Server server, other;
    const auto asked = [&](const std::string& to) {
        Request request{.url = server.redirect(to, 302), .timeout = 10s, .most_redirects = 1};
        request.url.insert(request.url.find("127"), "ann:pw@");
        return http::send(request).body;
    };
    CHECK(asked("/tell") == "GET a=Basic YW5uOnB3 s= p= b=");
    CHECK(asked(server.url("/tell")) == "GET a=Basic YW5uOnB3 s= p= b=");
    CHECK(asked(other.url("/tell")) == "GET a= s= p= b=");
}

TEST_CASE("http: redirects have a limit, and none are followed unless asked for") {
    const Server server;
    const std::string twice = server.redirect(server.redirect("/tell", 302), 302);
    CHECK(http::send({.url = twice, .timeout = 10s}).status == 302);
    CHECK(http::send({.url = twice, .timeout = 10s, .most_redirects = 1}).end ==
          Answer::End::redirected_off);
    CHECK(http::send({.url = twice, .timeout = 10s, .most_redirects = 2}).status == 200);
}

TEST_CASE("http: a body that is too large ends the transfer") {
    const Server server;
    Request request{.url = server.url("/large"), .timeout = 10s, .most_bytes = 100'000};
    CHECK(http::send(request).body.size() == 100'000);
    request.most_bytes = 99'999;
    CHECK(http::send(request).end == Answer::End::too_large);
}

TEST_CASE("http: a sink gets the bodies of successes only, and can end the transfer") {
    const Server server;
    std::size_t taken = 0;
    std::int64_t told = -1;
    Request request{.url = server.url("/large"), .timeout = 10s, .most_bytes = 0};
    request.sink = [&](std::string_view piece, std::int64_t total) {
        taken += piece.size();
        told = total;
        return true;
    };
    CHECK(http::send(request).body.empty());
    CHECK(taken == 100'000);
    CHECK(told == 100'000);
    request.url = server.redirect("/none", 302);
    request.most_redirects = 1;
    const Answer none = http::send(request);
    CHECK(none.end == Answer::End::complete);
    CHECK(none.status == 404);
    CHECK(taken == 100'000);
    request.url = server.url("/large");
    request.sink = [](std::string_view, std::int64_t) { return false; };
    CHECK(http::send(request).end == Answer::End::sink_refused);
}

TEST_CASE("http: a silent server: time limit, and stop") {
    Server server;
    const Answer late = http::send({.url = server.url("/hang"), .timeout = 50ms});
    CHECK(late.end == Answer::End::timeout);
    CHECK(late.connected);
    CHECK_FALSE(late.problem.empty());
    server.asked = false;
    std::stop_source stop;
    const std::jthread stopper([&] {
        while (!server.asked) std::this_thread::yield();
        stop.request_stop();
    });
    CHECK_THROWS_AS(http::send({.url = server.url("/hang"), .stop = stop.get_token()}),
                    Interrupted);
}

TEST_CASE("http: without a listener there is no connection") {
    std::string url;
    {
        const Server server;
        url = server.url("/");
    }
    const Answer answer = http::send({.url = url, .timeout = 10s});
    CHECK(answer.end == Answer::End::broken);
    CHECK_FALSE(answer.connected);
    CHECK(answer.status == 0);
}

TEST_CASE("http: requests side by side") {
    Server server;
    http::Transfers transfers;
    std::vector<long> seen;
    const auto take = [&](const Answer& answer) { seen.push_back(answer.status); };
    transfers.add({.url = server.url("/hang"), .timeout = 10s}, take);
    transfers.add({.url = server.url("/none"), .timeout = 10s}, take);
    transfers.add({.url = server.redirect("/tell", 302), .timeout = 10s, .most_redirects = 1},
                  take);
    while (transfers.pending() > 1) {
        transfers.work();
        transfers.wait(10ms);
    }
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<long>{302, 404});
} // the request that hangs ends with its owner

TEST_CASE("http: what the log shows of a URL") {
    CHECK(http::without_parameters("https://ann:p@ss@h.example:1/a/b?token=x#y") ==
          "https://h.example:1/a/b");
    CHECK(http::without_parameters("http://h?q=a@b/c") == "http://h");
    CHECK(http::without_parameters("(secret)") == "(secret)");
    CHECK(http::authority_of("https://ann:p@ss@h.example:1/a?x") == "h.example:1");
    CHECK(http::authority_of("http://h#@x") == "h");
}

TEST_CASE("http: the host of a URL") {
    CHECK(http::host_of("http://10.0.0.1:8080/a:b") == "10.0.0.1");
    CHECK(http::host_of("https://ann:pw@h.example?x=y:z") == "h.example");
    CHECK(http::host_of("http://[fd00::1]:80/") == "fd00::1");
    CHECK(http::host_of("http://[fd00::1]") == "fd00::1");
    CHECK(http::host_of("10.0.0.1:80") == "10.0.0.1");
    CHECK(http::host_of("") == "");
}
