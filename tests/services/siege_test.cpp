// Many connections, slow ones, and deep messages: no client is locked out, and no service ends.
#include "support.h"

#include <arpa/inet.h>
#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

constexpr std::size_t kCrowd = 1100;

Deadline within_a_minute() {
    return Clock::now() + std::chrono::seconds(60);
}

/// Connects from this loopback address and sends these bytes.
Socket connect_from(const std::string& address, std::uint16_t port, const std::string& bytes) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    Socket socket(fd);
    sockaddr_in own{}, other{};
    own.sin_family = other.sin_family = AF_INET;
    REQUIRE(::inet_pton(AF_INET, address.c_str(), &own.sin_addr) == 1);
    other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    other.sin_port = htons(port);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0);
    REQUIRE(::fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    socket.write_all(bytes, within_a_minute());
    return socket;
}

std::vector<Socket> crowd(std::uint16_t port, const std::string& bytes, bool many_addresses) {
    rlimit files{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
    std::vector<Socket> out;
    for (std::size_t i = 0; i < kCrowd; ++i) {
        const std::size_t host = many_addresses ? 10 + i % 40 : 10;
        out.push_back(connect_from("127.0.0." + std::to_string(host), port, bytes));
    }
    return out;
}

/// Whether the peer closes, possibly after sending something.
bool is_closed(Socket& socket) {
    std::array<char, 4096> chunk{};
    try {
        while (socket.read_some(chunk.data(), chunk.size(), within_a_minute()) > 0) {
        }
        return true;
    } catch (const NetworkError& error) {
        return std::string(error.what()).find("in time") == std::string::npos;
    }
}

std::string deep(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

std::string frame(const std::string& body) {
    std::string out;
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((body.size() >> shift) & 0xFF);
    return out + body;
}

/// All five services, and one request for each.
struct Stack {
    TempDir data, lines;
    FakeDocker docker{{{"/nodes", "[]"}, {"/services", "[]"}, {"/tasks", "[]"}, {"/_ping", "OK"}}};
    Service logger{"logger", {{"DATA_DIR", lines.path()}}};
    Service database{"database", {{"DATA_DIR", data.path()}, {"LOGGER", logger.address()}}};
    Service web{"web", {{"DATABASE", database.address()}, {"LINGER_MS", "1"}}};
    Service reader{"docker-reader", {{"DOCKER_SOCKET", docker.path()}}};
    Service visualizer{"visualizer", {{"DOCKER_READER", reader.address()}, {"POLL_MS", "50"}}};

    std::vector<Service*> rpc() { return {&logger, &database}; }
    std::vector<Service*> http() { return {&web, &reader, &visualizer}; }

    bool answers(Service& service) {
        try {
            if (&service == &logger || &service == &database)
                return service.call({{"op", "ping"}}).value("ok", false);
            const char* path = &service == &reader ? "/_ping" : "/healthz";
            return get_text(service.port(), path).starts_with("HTTP/1.1 200");
        } catch (const std::exception& error) {
            MESSAGE(std::string(error.what()));
            return false;
        }
    }
};

} // namespace

TEST_CASE("no depth of a message ends a service") {
    Stack stack;
    for (Service* service : stack.rpc()) {
        CHECK(eventually([&] { return stack.answers(*service); }));
        for (const char* op : {"ping", "put", "append", "get", "list"})
            CHECK(converse(service->port(), frame(std::string("{\"op\":\"") + op +
                                                  "\",\"lines\":" + deep(500'000) + "}"))
                      .empty());
        CHECK(stack.answers(*service));
    }
    const std::string body = "{\"name\":" + deep(30'000) + "}";
    CHECK(converse(stack.web.port(), "POST /api/entities HTTP/1.0\r\nContent-Length: " +
                                         std::to_string(body.size()) + "\r\n\r\n" + body)
              .starts_with("HTTP/1.1 400"));
    CHECK(stack.answers(stack.web));
}

TEST_CASE("no depth of Docker's responses ends a service") {
    FakeDocker docker({{"/nodes", "[{\"ID\":" + deep(2'000'000) + "}]"}, {"/_ping", "OK"}});
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    CHECK(get_text(reader.port(), "/nodes").starts_with("HTTP/1.1 503"));
    CHECK(get_text(reader.port(), "/_ping").starts_with("HTTP/1.1 200"));
}

TEST_CASE("JSON is limited to a sufficient depth, without the brackets in strings") {
    CHECK(parse_json(deep(kMostJsonDepth)).is_array());
    CHECK(parse_json(deep(kMostJsonDepth + 1)).is_discarded());
    CHECK(parse_json("[\"" + std::string(1000, '[') + "\\\"[\"]").is_array());
    CHECK(parse_json("[" + std::string(1000, ']')).is_discarded());
}

TEST_CASE("idle connections lock no client out, wherever they come from") {
    // Under load the threads of closed connections end late: a client may have to try again.
    Stack stack;
    for (const bool many_addresses : {false, true}) {
        for (Service* service : stack.rpc()) {
            const auto idle = crowd(service->port(), "", many_addresses);
            CHECK(eventually([&] { return stack.answers(*service); }));
            const auto half_open = crowd(service->port(), std::string("\0\0", 2), many_addresses);
            CHECK(eventually([&] { return stack.answers(*service); }));
        }
        for (Service* service : stack.http()) {
            const auto idle = crowd(service->port(), "", many_addresses);
            CHECK(eventually([&] { return stack.answers(*service); }));
            const auto half_open = crowd(service->port(), "GET / HTTP/1.1\r\nHo", many_addresses);
            CHECK(eventually([&] { return stack.answers(*service); }));
        }
    }
    // The web service's own connections to the database may have been closed: it opens others.
    CHECK(post_json(stack.web.port(), "/api/entities", {{"name", "a"}, {"quantity", 1}}).status ==
          200);
    const auto idle = crowd(stack.database.port(), "", true);
    CHECK(post_json(stack.web.port(), "/api/entities", {{"name", "a"}, {"quantity", 1}}).status ==
          200);
}

TEST_CASE("streams make room as idle connections do") {
    Stack stack;
    const auto streams = crowd(stack.visualizer.port(), "GET /api/events HTTP/1.1\r\n\r\n", false);
    // A stream can be closed to make room once its first event is sent; as long as none was sent,
    // the new connection is closed instead.
    CHECK(eventually([&] { return stack.answers(stack.visualizer); }));
}

TEST_CASE("a client has to send its request within a limited time") {
    Stack stack;
    std::vector<Socket> slow;
    for (Service* service : stack.rpc())
        for (const std::string& bytes : {std::string(), std::string("\0", 1)})
            slow.push_back(connect_from("127.0.0.1", service->port(), bytes));
    for (Service* service : stack.http())
        for (const char* bytes : {"", "GET /"})
            slow.push_back(connect_from("127.0.0.1", service->port(), bytes));
    for (Socket& socket : slow) CHECK(is_closed(socket));
}

TEST_CASE("the connection that has waited longest is closed to make room") {
    ConnectionServer server(0, {.most = 3, .each = 3}, rpc_handler([](const Json&) {
                                return Json{{"ok", true}};
                            }));
    const auto asks = [](Socket& socket) {
        write_frame(socket, {{"op", "x"}}, within_a_minute());
        return read_frame(socket, within_a_minute()).has_value();
    };
    Socket first = connect_from("127.0.0.1", server.port(), "");
    Socket second = connect_from("127.0.0.2", server.port(), "");
    Socket third = connect_from("127.0.0.3", server.port(), "");
    Socket fourth = connect_from("127.0.0.4", server.port(), "");
    CHECK(asks(fourth));
    CHECK(is_closed(first));
    CHECK(asks(second));
    CHECK(asks(third));
}

TEST_CASE("connections being answered are not closed, and one address has a limited share") {
    std::atomic<int> asked = 0;
    std::atomic<bool> released = false;
    ConnectionServer server(0, {.most = 4, .each = 2}, rpc_handler([&](const Json&) {
                                ++asked;
                                CHECK(eventually([&] { return released.load(); }));
                                return Json{{"ok", true}};
                            }));
    const std::string question = frame("{\"op\":\"x\"}");
    std::vector<Socket> busy;
    for (const char* address : {"127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"}) {
        busy.push_back(connect_from(address, server.port(), question));
        CHECK(eventually([&] { return asked == static_cast<int>(busy.size()); }));
        if (busy.size() != 2) continue;
        Socket one_more = connect_from("127.0.0.1", server.port(), question);
        CHECK(is_closed(one_more));
    }
    Socket stranger = connect_from("127.0.0.3", server.port(), question);
    CHECK(is_closed(stranger));
    released = true;
    for (Socket& socket : busy) CHECK(read_frame(socket, within_a_minute()).has_value());
    CHECK(asked == 4);
}

namespace {
/// Connects to a service that stops for three times its quiet time, and then no longer.
/// @returns false if this process was paused for so long that the service had a reason to stop
bool connects_while_it_stops(std::chrono::milliseconds quiet) {
    const auto answer = [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); };
    ConnectionServer server(0, {.most = 100, .each = 100}, http_handler(answer));
    std::atomic<bool> finished = false;
    const std::jthread finish([&] {
        server.finish({.quiet = quiet, .longest = std::chrono::minutes(5)},
                      std::chrono::seconds(5));
        finished = true;
    });
    const auto begin = Clock::now();
    for (auto last = begin; last - begin < 3 * quiet;) {
        if (Clock::now() - last > quiet / 2) return false;
        last = Clock::now();
        Socket socket =
            connect_from("127.0.0.2", server.port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        std::string got; // until the server closes: it does not keep connections alive
        std::array<char, 4096> chunk{};
        while (const std::size_t n = socket.read_some(chunk.data(), chunk.size(), soon()))
            got.append(chunk.data(), n);
        CHECK(got.starts_with("HTTP/1.1 200"));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    CHECK_FALSE(finished);
    // the service's own checks do not count
    CHECK(eventually([&] { return finished.load(); }));
    CHECK_THROWS(connect_tcp({"127.0.0.1", server.port()}, soon()));
    return true;
}
} // namespace

TEST_CASE("a service that stops accepts connections until no other machine connects") {
    bool done = false;
    for (int attempt = 0; attempt < 5 && !done; ++attempt)
        done = connects_while_it_stops(std::chrono::seconds(2));
    CHECK(done);
}
