#include "support.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

constexpr std::size_t kMany = 16;
constexpr Limits kLimits{.most = kMany, .each = kMany};
Deadline soon() {
    return Clock::now() + std::chrono::seconds(20);
}

ConnectionServer::Handler echo() {
    return rpc_handler([](const Json& request) {
        if (request.at("op") == "refuse") throw RpcError("conflict", "no");
        return Json{{"ok", true}, {"echo", request}};
    });
}

std::string http(const std::string& bytes) {
    ConnectionServer server(0, kLimits, http_handler([](const HttpRequest& request) {
                                if (request.path == "/throw")
                                    throw std::runtime_error("secret reason");
                                return HttpResponse::text(200, request.path + "|" + request.body);
                            }));
    return converse(server.port(), bytes);
}

} // namespace

TEST_CASE("a frame is returned as it was sent, and a refusal as an RpcError") {
    ConnectionServer server(0, kLimits, echo());
    RpcClient client({"127.0.0.1", server.port()});
    const Json request = {{"op", "say"}, {"text", "ä\n\"x\""}};
    CHECK(client.call(request, soon()).at("echo") == request);
    try {
        client.call({{"op", "refuse"}}, soon());
        FAIL("no error");
    } catch (const RpcError& error) {
        CHECK(error.code() == "conflict");
    }
    CHECK_THROWS_AS(client.call({{"nothing", 1}}, soon()), RpcError);
}

TEST_CASE("malformed frames end the connection, but not the server") {
    ConnectionServer server(0, kLimits, echo());
    for (const std::string& bytes : {std::string("\xff\xff\xff\xff"), std::string("\0\0\0\2[]", 6),
                                     std::string("\0\0\0\3abc", 7)})
        CHECK(converse(server.port(), bytes).empty());
    RpcClient client({"127.0.0.1", server.port()});
    CHECK(client.call({{"op", "say"}}, soon()).at("ok") == true);
}

TEST_CASE("a client finds the successor of a server that ended") {
    auto first = std::make_unique<ConnectionServer>(0, kLimits, echo());
    const std::uint16_t port = first->port();
    RpcClient client({"127.0.0.1", port});
    client.call({{"op", "one"}}, soon());
    first.reset();
    CHECK_THROWS_AS(client.call({{"op", "gap"}}, Clock::now() + std::chrono::milliseconds(50)),
                    NetworkError);
    const ConnectionServer second(port, kLimits, echo());
    CHECK(client.call({{"op", "two"}}, soon()).at("ok") == true);
}

TEST_CASE("of several addresses, the one that does not stand by answers") {
    // 127.0.0.1 to 127.0.0.3 are three servers of one name.
    std::array<std::atomic<bool>, 3> active{};
    std::vector<std::unique_ptr<ConnectionServer>> servers;
    std::array<std::atomic<int>, 3> asked{};
    for (std::size_t i = 0; i < active.size(); ++i)
        servers.push_back(std::make_unique<ConnectionServer>(
            0, kLimits, rpc_handler([&, i](const Json&) -> Json {
                ++asked[i];
                if (!active[i]) throw RpcError("standby", "another one is active");
                return {{"ok", true}, {"server", i}};
            })));
    const auto connect = [&](const Endpoint&, Deadline deadline,
                             const std::vector<std::uint32_t>& last) {
        std::vector<std::uint32_t> order;
        for (std::uint32_t i = 1; i <= servers.size(); ++i)
            if (const std::uint32_t a = (127U << 24) + i; std::ranges::find(last, a) == last.end())
                order.push_back(a);
        order.insert(order.end(), last.begin(), last.end());
        for (const std::uint32_t address : order)
            if (const auto& server = servers[(address & 0xFF) - 1])
                return connect_tcp({"127.0.0." + std::to_string(address & 0xFF), server->port()},
                                   deadline);
        throw NetworkError("no server");
    };
    RpcClient client({"database", 1}, connect);
    std::mt19937 random(5);
    std::size_t now = 2;
    for (int round = 0; round < 20; ++round) {
        active[now] = true;
        for (int call = 0; call < 5; ++call)
            CHECK(client.call({{"op", "get"}}, soon()).at("server") == now);
        active[now] = false; // it ended, and another one took over
        now = (now + 1 + random() % 2) % 3;
    }
    SUBCASE("an active one keeps its connection") {
        active[now] = true;
        client.call({{"op", "get"}}, soon());
        const int before = asked[(now + 1) % 3] + asked[(now + 2) % 3];
        for (int call = 0; call < 50; ++call) client.call({{"op", "get"}}, soon());
        CHECK(asked[(now + 1) % 3] + asked[(now + 2) % 3] == before);
    }
    SUBCASE("one that died is no longer asked first") {
        active[now] = true;
        client.call({{"op", "get"}}, soon());
        servers[now].reset();
        active[(now + 1) % 3] = true;
        CHECK(client.call({{"op", "get"}}, soon()).at("server") == (now + 1) % 3);
    }
    SUBCASE("if all stand by, the error says so") {
        CHECK_THROWS_WITH_AS(
            client.call({{"op", "get"}}, Clock::now() + std::chrono::milliseconds(200)),
            "another one is active", RpcError);
    }
}

TEST_CASE("an address to try last is used if it is the only one") {
    const ConnectionServer server(0, kLimits, echo());
    const Socket socket = connect_tcp({"127.0.0.1", server.port()}, soon(), {(127U << 24) + 1});
    CHECK(socket.peer_address() == (127U << 24) + 1);
}

TEST_CASE("while a service is gone, not every request of its clients looks for it") {
    ConnectionServer server(0, kLimits, echo());
    std::atomic<int> tried = 0;
    std::atomic<bool> back = false;
    RpcClient client({"127.0.0.1", server.port()},
                     [&](const Endpoint& endpoint, Deadline deadline, const auto&) {
                         ++tried;
                         if (!back) throw NetworkError("not found");
                         return connect_tcp(endpoint, deadline);
                     });
    const auto all_at_once = [&](int& answered, std::chrono::milliseconds patience) {
        std::mutex mutex;
        std::vector<std::thread> threads;
        const Deadline deadline = Clock::now() + patience;
        for (std::size_t i = 0; i < kMany; ++i)
            threads.emplace_back([&] {
                try {
                    client.call({{"op", "x"}}, deadline);
                    const std::lock_guard lock(mutex);
                    ++answered;
                } catch (const NetworkError&) {
                    // expected while it is gone
                }
            });
        for (std::thread& thread : threads) thread.join();
    };
    int answered = 0;
    all_at_once(answered, std::chrono::milliseconds(900));
    CHECK(answered == 0);
    CHECK(tried >= 1);
    CHECK(tried <= 2); // not each of the sixteen requests, and not each of their retries
    back = true;
    all_at_once(answered, std::chrono::seconds(20));
    CHECK(answered == static_cast<int>(kMany));
}

TEST_CASE("a client retries while the server is starting") {
    std::atomic<int> asked = 0;
    ConnectionServer server(0, kLimits, rpc_handler([&](const Json&) {
                                if (++asked < 3) throw RpcError("starting", "not yet");
                                return Json{{"ok", true}};
                            }));
    RpcClient client({"127.0.0.1", server.port()});
    CHECK(client.call({{"op", "x"}}, soon()).at("ok") == true);
    CHECK(asked == 3);
}

TEST_CASE("a peer that never responds takes no longer than the deadline") {
    ConnectionServer server(0, kLimits, [](Connection& connection) {
        char byte = 0;
        while (connection.socket().read_some(&byte, 1, soon()) > 0) {
        }
    });
    RpcClient client({"127.0.0.1", server.port()});
    CHECK_THROWS_AS(client.call({{"op", "x"}}, Clock::now() + std::chrono::milliseconds(300)),
                    NetworkError);
}

TEST_CASE("every HTTP response forbids caching") {
    for (const char* target : {"/a", "/throw"}) {
        const std::string answer = http(std::string("GET ") + target + " HTTP/1.0\r\n\r\n");
        CHECK(answer.find("Cache-Control: no-store\r\n") != std::string::npos);
        CHECK(answer.find("secret reason") == std::string::npos);
    }
    CHECK(http("nonsense\r\n\r\n").find("no-store") != std::string::npos);
}

TEST_CASE("two requests share a connection, and HTTP/1.0 closes it") {
    const std::string both =
        http("POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.0\r\n\r\n");
    CHECK(both.find("/a|hi") != std::string::npos);
    CHECK(both.find("/b|") != std::string::npos);
}

TEST_CASE("requests over a limit or with ambiguous headers are refused") {
    const auto status = [](const std::string& bytes) { return http(bytes).substr(9, 3); };
    CHECK(status("GET / HTTP/1.1\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n") == "431");
    CHECK(status("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n") == "413");
    CHECK(status("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n") == "400");
    CHECK(status("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab") == "400");
    CHECK(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "411");
    CHECK(status("GET /%zz HTTP/1.1\r\n\r\n") == "400");
    CHECK(status("GET nowhere HTTP/1.1\r\n\r\n") == "400");
    CHECK(status("GET / HTTP/1.1\r\n folded: x\r\n\r\n") == "400");
}
