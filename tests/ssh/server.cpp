#include "ssh/server.h"

#include "core/file.h"
#include "core/process.h"
#include "core/ssh_key.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace hadeploy::test {

namespace fs = std::filesystem;

namespace {
sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

} // namespace

// Not one of the ports that the kernel gives to clients, of which one may be taken again before
// the server listens.
int free_port() {
    int first = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first;
    std::random_device random;
    std::uniform_int_distribution<> any(10000, std::max(first, 10100) - 1);
    for (int i = 0; i < 1000; ++i) {
        const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = loopback(any(random));
        if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            return ntohs(address.sin_port);
    }
    throw std::runtime_error("no free port");
}

namespace {
bool listens(int port) {
    const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}
} // namespace

TempDir::TempDir() {
    std::string name = (fs::temp_directory_path() / "hadeploy-ssh-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
}

bool SshServer::possible() {
    return ::geteuid() == 0 && fs::exists("/usr/sbin/sshd");
}

std::string some_bytes(std::uint32_t count) {
    std::string out(count, '\0');
    for (std::uint32_t i = 0; i < count; ++i) out[i] = static_cast<char>(i * 7919 >> 7);
    return out;
}

SshServer::SshServer(const std::string& config, const std::string& key_type,
                     std::function<void()> in_child)
    : in_child_(std::move(in_child)), port_(free_port()) {
    const fs::path& dir = dir_.path;
    run_checked({.argv = {"ssh-keygen", "-q", "-t", key_type, "-N", "", "-f", dir / "host"}});
    host_key_ = read_file(dir / "host.pub");
    const SshKey user = make_ssh_key("test");
    write_file(dir / "user", user.private_key);
    write_file(dir / "authorized_keys", user.public_key + "\n");
    write_file(dir / "sshd_config", fmt::format("ListenAddress 0.0.0.0\n"
                                                "Port {0}\n"
                                                "HostKey {1}/host\n"
                                                "PidFile none\n"
                                                "AuthorizedKeysFile {1}/authorized_keys\n"
                                                "StrictModes no\n"
                                                "UsePAM no\n"
                                                "PermitRootLogin yes\n"
                                                "SetEnv HOME={1}\n" // no start-up files
                                                "{2}\n",
                                                port_, dir.string(), config));
    fs::create_directories("/run/sshd");
    start();
}

pid_t SshServer::spawn() const {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    // An aborted test must not leave a server behind, which would also keep its output open.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (in_child_) in_child_();
    const std::string config = (dir_.path / "sshd_config").string(),
                      log = (dir_.path / "sshd.log").string();
    ::execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", config.c_str(), "-E", log.c_str(),
            nullptr);
    ::_exit(127);
}

/// A client elsewhere may have been given the port for a moment: then sshd ends, and is started
/// again.
void SshServer::start() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    pid_ = spawn();
    while (!listens(port_)) {
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error("sshd does not listen: " + read_file(dir_.path / "sshd.log"));
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            pid_ = spawn();
        }
    }
}

void SshServer::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

SshServer::~SshServer() {
    stop();
}

Value SshServer::connection(const std::string& address) const {
    return Value::map({{"address", address},
                       {"port", port_},
                       {"user", "root"},
                       {"private_key_file", key_file()},
                       {"host_key", host_key_},
                       {"machine", ""}});
}

} // namespace hadeploy::test
