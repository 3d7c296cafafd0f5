#include "providers/ssh/agent.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

#include <chrono>
#include <cstdlib>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace hadeploy::ssh {

namespace {

/// Whether an agent at the socket answers in time. It may be forwarded over a connection that is
/// gone, and libssh2 would wait for it without a limit.
/// @throws Interrupted
bool agent_answers(const std::string& path, const std::stop_token& stop) {
    constexpr std::chrono::seconds patience{3};
    constexpr int slice_ms = 100;                            // to detect a stop
    constexpr std::string_view list_keys{"\0\0\0\1\x0b", 5}; // SSH_AGENTC_REQUEST_IDENTITIES
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    path.copy(address.sun_path, path.size());
    const Fd agent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!agent ||
        ::connect(agent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(agent.get(), list_keys.data(), list_keys.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(list_keys.size()))
        return false;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
        if (stop.stop_requested()) throw Interrupted();
        pollfd answer{agent.get(), POLLIN, 0};
        char first = '\0';
        if (::poll(&answer, 1, slice_ms) > 0) return ::recv(agent.get(), &first, 1, 0) == 1;
    }
    return false;
}

/// The path of the socket; "" for no agent.
std::string socket_path(const std::string& socket) {
    if (socket == "none") return "";
    const bool usual = socket.empty() || socket == "SSH_AUTH_SOCK";
    const std::string named = usual ? "$SSH_AUTH_SOCK" : socket;
    if (!named.starts_with('$')) return named;
    const char* value = std::getenv(named.c_str() + 1);
    return value ? value : "";
}

} // namespace

Agent Agent::open(LIBSSH2_SESSION* session, const std::string& socket,
                  const std::stop_token& stop) {
    const std::string path = socket_path(socket);
    if (!agent_answers(path, stop)) return {};
    Agent agent{.handle = decltype(Agent::handle)(libssh2_agent_init(session))};
    if (!agent.handle) return {};
    libssh2_agent_set_identity_path(agent.handle.get(), path.c_str());
    if (libssh2_agent_connect(agent.handle.get()) != 0 ||
        libssh2_agent_list_identities(agent.handle.get()) != 0)
        return {};
    libssh2_agent_publickey* identity = nullptr;
    while (libssh2_agent_get_identity(agent.handle.get(), &identity, identity) == 0) {
        const std::string_view blob(reinterpret_cast<const char*>(identity->blob),
                                    identity->blob_len);
        if (blob.size() < 4) continue;
        const std::size_t length = static_cast<unsigned char>(blob[3]);
        agent.keys.push_back({identity,
                              {std::string(blob.substr(4, length)), base64_encode(blob)},
                              identity->comment ? identity->comment : ""});
    }
    return agent;
}

} // namespace hadeploy::ssh
