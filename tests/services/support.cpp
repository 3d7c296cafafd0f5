#include "support.h"

#include "common/text.h"

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hadeploy::svc::test {
namespace {

constexpr auto kBound = std::chrono::seconds(60);
constexpr unsigned kImageUser = 10000;

Deadline within_bound() {
    return Clock::now() + kBound;
}

/// The child after fork: only async-signal-safe calls.
[[noreturn]] void become(const char* program, char* const* environment, const char* root, int out) {
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (*root != '\0' && (::chroot(root) != 0 || ::chdir("/") != 0 || ::setgid(kImageUser) != 0 ||
                          ::setuid(kImageUser) != 0))
        ::_exit(126);
    const std::array<char*, 2> arguments = {const_cast<char*>(program), nullptr};
    ::execve(program, arguments.data(), environment);
    ::_exit(127);
}

} // namespace

TempDir::TempDir() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "hadeploy-services-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::read(const std::string& name) const {
    std::ifstream in(path_ + "/" + name, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

Service::Service(const std::string& program, std::map<std::string, std::string> environment,
                 const std::string& root) {
    environment.emplace("PORT", "0");
    environment.emplace("NODE_NAME", "test");
    std::vector<std::string> lines;
    for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
    std::vector<char*> pointers;
    for (std::string& line : lines) pointers.push_back(line.data());
    pointers.push_back(nullptr);
    const std::string path =
        root.empty() ? std::string(HADEPLOY_SERVICES_DIR "/") + program : "/" + program;
    const std::string output = directory_.path() + "/log";
    const int out = ::open(output.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    pid_ = ::fork();
    if (pid_ == 0) become(path.c_str(), pointers.data(), root.c_str(), out);
    ::close(out);
    wait_for_port();
}

Service::~Service() {
    kill_now();
}

void Service::wait_for_port() {
    const std::string key = "listening port=\"";
    const bool is_up = eventually([&] {
        const std::string text = log();
        const std::size_t at = text.find(key);
        if (at == std::string::npos || text.find('"', at + key.size()) == std::string::npos)
            return false;
        port_ = static_cast<std::uint16_t>(std::stoi(text.substr(at + key.size())));
        return true;
    });
    if (!is_up) {
        const std::string text = log();
        kill_now();
        throw std::runtime_error("the service did not come up: " + text);
    }
}

int Service::reap() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Service::kill_now() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    reap();
}

int Service::stop() {
    ::kill(pid_, SIGTERM);
    return reap();
}

int Service::wait() {
    return reap();
}

std::string Service::log() const {
    return directory_.read("log");
}

Json Service::call(const Json& request) {
    Socket socket = connect_tcp({"127.0.0.1", port_}, within_bound());
    write_frame(socket, request, within_bound());
    return read_frame(socket, within_bound()).value();
}

bool eventually(const std::function<bool()>& condition) {
    for (const Deadline deadline = within_bound(); Clock::now() < deadline;) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

std::string converse(std::uint16_t port, const std::string& bytes) {
    Socket socket = connect_tcp({"127.0.0.1", port}, within_bound());
    socket.write_all(bytes, within_bound());
    std::string answer;
    std::array<char, 4096> chunk{};
    try {
        while (const std::size_t got = socket.read_some(chunk.data(), chunk.size(), within_bound()))
            answer.append(chunk.data(), got);
    } catch (const NetworkError&) {
        // A server that refuses a request may reset the connection after its response.
    }
    return answer;
}

Reply post_json(std::uint16_t port, const std::string& path, const Json& body) {
    const std::string text = body.dump();
    const std::string answer = converse(
        port, "POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                  std::to_string(text.size()) + "\r\n\r\n" + text);
    return {std::stoi(answer.substr(9, 3)),
            Json::parse(answer.substr(answer.find("\r\n\r\n") + 4))};
}

Reply get_json(std::uint16_t port, const std::string& path) {
    const HttpResponse answer = http_get(connect_tcp({"127.0.0.1", port}, within_bound()), "x",
                                         path, 10'000'000, within_bound());
    return {answer.status, Json::parse(answer.body)};
}

std::string get_text(std::uint16_t port, const std::string& path) {
    return converse(port, "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

FakeDocker::FakeDocker(std::map<std::string, std::string> bodies)
    : bodies_(std::move(bodies)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.fd(), 16) != 0)
        throw std::runtime_error("cannot listen on " + path());
    thread_ = std::thread([this] { serve(); });
}

FakeDocker::~FakeDocker() {
    stopping_ = true;
    thread_.join();
}

std::vector<std::string> FakeDocker::requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void FakeDocker::serve() {
    while (!stopping_) {
        pollfd entry{listener_.fd(), POLLIN, 0};
        if (::poll(&entry, 1, 20) <= 0) continue;
        Socket peer(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        std::string request;
        std::array<char, 4096> chunk{};
        while (request.find("\r\n\r\n") == std::string::npos) {
            const std::size_t got = peer.read_some(chunk.data(), chunk.size(), within_bound());
            if (got == 0) break;
            request.append(chunk.data(), got);
        }
        const std::string line = request.substr(0, request.find("\r\n"));
        const std::string target = line.substr(4, line.rfind(' ') - 4);
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(line);
        }
        peer.write_all("HTTP/1.0 " + std::to_string(status_.load()) + " X\r\n\r\n" +
                           bodies_[target],
                       within_bound());
    }
}

} // namespace hadeploy::svc::test
