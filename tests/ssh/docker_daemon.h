#pragma once

#include "ssh/server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <map>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace hadeploy::test {

/// A fake Docker socket. It has a list of answers for each path, or for METHOD and path, and
/// repeats the last one. "!TEXT" is an error.
class Daemon {
  public:
    explicit Daemon(std::map<std::string, std::vector<std::string>> answers)
        : answers_(std::move(answers)) {
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(socket_, 8) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~Daemon() {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    std::string path() const { return (dir_.path / "docker.sock").string(); }

  private:
    void serve() {
        for (;;) {
            const int client = ::accept(socket_, nullptr, nullptr);
            if (client < 0) return;
            std::string request;
            while (request.find("\r\n\r\n") == std::string::npos) {
                char piece[512];
                const ssize_t got = ::read(client, piece, sizeof piece);
                if (got <= 0) break;
                request.append(piece, static_cast<std::size_t>(got));
            }
            const std::size_t begin = request.find(' ') + 1;
            const std::string asked =
                request.substr(begin, request.find_first_of(" ?", begin) - begin);
            std::string status = "404 Not Found", body = R"({"message":"not found"})";
            auto found = answers_.find(request.substr(0, begin) + asked);
            if (found == answers_.end()) found = answers_.find(asked);
            if (found != answers_.end()) {
                status = "200 OK";
                body = found->second.front();
                if (found->second.size() > 1) found->second.erase(found->second.begin());
                if (body.starts_with('!')) {
                    status = "500 Internal Server Error";
                    body = fmt::format(R"({{"message":"{}"}})", body.substr(1));
                }
            }
            const std::string reply = "HTTP/1.0 " + status + "\r\nServer: Docker/20\r\n\r\n" + body;
            (void)!::write(client, reply.data(), reply.size());
            ::close(client);
        }
    }

    TempDir dir_;
    std::map<std::string, std::vector<std::string>> answers_;
    int socket_ = -1;
    std::thread thread_;
};

inline void replace_all(std::string& text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size())
        text.replace(at, what.size(), by);
}

} // namespace hadeploy::test
