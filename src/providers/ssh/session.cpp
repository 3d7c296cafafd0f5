#include "providers/ssh/session.h"
#include "providers/ssh/ssh.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "providers/ssh/socket.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace hadeploy::ssh {

namespace {
std::atomic<std::uint64_t> connections{0};
std::atomic<std::uint64_t> execs{0};

constexpr std::size_t kChunk = 32 * 1024;
using Clock = std::chrono::steady_clock;

void initialise_library() {
    static const int result = libssh2_init(0);
    if (result != 0) throw Error(ErrorKind::failed, "libssh2 cannot be initialised");
}

// Without an immediate acknowledgement the server's next packet waits for the delayed one (40 ms);
// the kernel forgets the option after each receive.
ssize_t receive_and_acknowledge(libssh2_socket_t fd, void* buffer, std::size_t size, int flags,
                                void** heard) {
    const ssize_t n = ::recv(fd, buffer, size, flags);
    const int error = errno;
    if (n > 0) *static_cast<Clock::time_point*>(*heard) = Clock::now();
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return n < 0 ? -error : n;
}

struct SessionCloser {
    int socket = -1;
    void operator()(LIBSSH2_SESSION* s) const {
        libssh2_session_set_blocking(s, 1);
        libssh2_session_set_timeout(s, 1000);
        libssh2_session_disconnect(s, "done");
        if (libssh2_session_free(s) == 0) return;
        // It waits for the host to close a channel too; where nobody can, it gives them up.
        ::shutdown(socket, SHUT_RDWR);
        libssh2_session_free(s);
    }
};
struct ChannelCloser {
    void operator()(LIBSSH2_CHANNEL* c) const { libssh2_channel_free(c); }
};
using Channel = std::unique_ptr<LIBSSH2_CHANNEL, ChannelCloser>;

class LibSession final : public Session {
  public:
    LibSession(const Login& login, Fd socket, std::stop_token stop);

    bool alive() const override;
    const PublicKey& host_key() const override { return host_key_; }
    void run(const Exchange& exchange, std::stop_token stop) override;

  private:
    class Input;
    std::string last_error() const;
    void prefer(int method, const char* algorithms);
    void wait_for_greeting(const std::stop_token& stop) const;
    void handshake();
    void verify_host_key();
    void log_in();
    void log_in_with_file();
    void log_in_with_agent();
    Channel begin(const std::string& command);
    void pump(LIBSSH2_CHANNEL* channel, const Exchange& exchange);
    bool drain(LIBSSH2_CHANNEL* channel, const Exchange& exchange, bool& progress);
    void bid_farewell(LIBSSH2_CHANNEL* channel, const std::string& word);
    void wait_for_word();
    void check_patience(const Exchange& exchange) const;
    [[noreturn]] void lost() { lost(last_error()); }
    [[noreturn]] void lost(const std::string& cause);

    Login login_;
    Fd socket_;
    Clock::time_point heard_; ///< when the host last said something
    Clock::time_point word_;  ///< when the command last said something
    bool spoken_ = false;     ///< the command has said something
    std::unique_ptr<LIBSSH2_SESSION, SessionCloser> session_;
    PublicKey host_key_;
};

/// What is still to be sent: the text, then the file.
class LibSession::Input {
  public:
    explicit Input(const Exchange& exchange) : text_(exchange.input) {
        if (exchange.input_file.empty()) return;
        file_.open(exchange.input_file, std::ios::binary);
        if (!file_)
            throw Error(ErrorKind::failed,
                        fmt::format("{} cannot be read: {}", exchange.input_file.string(),
                                    std::strerror(errno)));
    }
    /// The next piece; empty at the end.
    std::string_view piece() {
        if (text_.empty() && file_.is_open() && file_) {
            file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
            text_ = {buffer_.data(), static_cast<std::size_t>(file_.gcount())};
        }
        return text_.substr(0, kChunk);
    }
    void sent(std::size_t n) { text_.remove_prefix(n); }

  private:
    std::string_view text_;
    std::ifstream file_;
    std::array<char, kChunk> buffer_{};
};

LibSession::LibSession(const Login& login, Fd socket, std::stop_token stop)
    : login_(login), socket_(std::move(socket)) {
    const std::stop_callback cut(stop, [this] { ::shutdown(socket_.get(), SHUT_RDWR); });
    session_ = {libssh2_session_init_ex(nullptr, nullptr, nullptr, &heard_), {socket_.get()}};
    if (!session_) throw Error(ErrorKind::failed, "libssh2 cannot start a session");
    libssh2_session_callback_set(session_.get(), LIBSSH2_CALLBACK_RECV,
                                 reinterpret_cast<void*>(&receive_and_acknowledge));
    // A host that has accepted the connection is there, however slow it may be.
    libssh2_session_set_timeout(session_.get(), long{login.silence.count()});
    try {
        wait_for_greeting(stop);
        handshake();
        verify_host_key();
        log_in();
    } catch (const Error&) {
        if (stop.stop_requested()) throw Interrupted();
        throw;
    }
    ++connections;
}

std::string LibSession::last_error() const {
    char* text = nullptr;
    libssh2_session_last_error(session_.get(), &text, nullptr, 0);
    return text && *text ? text : "no reason given";
}

void LibSession::prefer(int method, const char* algorithms) {
    libssh2_session_method_pref(session_.get(), method, algorithms);
}

// The server speaks first. One that accepts connections and says nothing is not let have more time
// than one that does not accept them.
void LibSession::wait_for_greeting(const std::stop_token& stop) const {
    const auto end = Clock::now() + login_.timeout;
    pollfd p{socket_.get(), POLLIN, 0};
    while (::poll(&p, 1, 100) == 0 && !stop.stop_requested())
        if (Clock::now() >= end)
            throw Error(ErrorKind::unreachable,
                        fmt::format("{} accepts the connection, but says nothing", login_.name()))
                .with_hint("is it sshd that listens there? A slow host needs a longer "
                           "`connect_timeout`")
                .as_transient();
}

void LibSession::handshake() {
    // A key of the pinned type, or the comparison below would fail for an honest host.
    const std::string pinned = parse_public_key(login_.host_key).type;
    prefer(LIBSSH2_METHOD_HOSTKEY, pinned.empty()
                                       ? "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
                                         "ecdsa-sha2-nistp521"
                                       : pinned.c_str());
    for (const int method : {LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC})
        prefer(method, "aes128-ctr,aes256-ctr,aes192-ctr");
    for (const int method : {LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC})
        prefer(method, "hmac-sha2-256,hmac-sha2-512");
    const int rc = libssh2_session_handshake(session_.get(), socket_.get());
    if (rc == 0) return;
    const std::string cause = last_error();
    if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} and hadeploy have no SSH algorithm in common ({})",
                                login_.name(), cause))
            .with_hint(fmt::format("the host must offer a host key of type {}, a cipher aes*-ctr "
                                   "and a MAC hmac-sha2-256 or hmac-sha2-512; see HostKey, Ciphers "
                                   "and MACs in its sshd_config",
                                   pinned.empty() ? "ssh-ed25519 or ecdsa" : pinned));
    // A host that is starting accepts connections before its sshd is ready, and drops them.
    throw Error(ErrorKind::unreachable,
                fmt::format("{} does not speak SSH: {}", login_.name(), cause))
        .as_transient();
}

void LibSession::verify_host_key() {
    std::size_t size = 0;
    int type = 0;
    const char* bytes = libssh2_session_hostkey(session_.get(), &size, &type);
    if (!bytes || size < 4)
        throw Error(ErrorKind::unreachable, fmt::format("{} shows no host key", login_.name()));
    const std::string_view blob(bytes, size);
    // The blob begins with its own type, as a string with a length in front.
    const std::size_t length = static_cast<unsigned char>(blob[3]);
    host_key_ = {std::string(blob.substr(4, length)), base64_encode(blob)};
    if (login_.host_key.empty() && login_.trust_on_first_use) return;
    const PublicKey expected = parse_public_key(login_.host_key);
    if (expected == host_key_) return;
    throw Error(ErrorKind::unreachable,
                fmt::format("{} has another host key than expected: {}, expected {}", login_.name(),
                            fingerprint(host_key_), fingerprint(expected)))
        .with_hint("either the machine was set up anew (then correct `host_key`), or somebody "
                   "answers in its place");
}

void LibSession::log_in() {
    if (login_.private_key_file.empty())
        log_in_with_agent();
    else
        log_in_with_file();
}

void LibSession::log_in_with_file() {
    const int rc = libssh2_userauth_publickey_fromfile_ex(
        session_.get(), login_.user.data(), static_cast<unsigned>(login_.user.size()), nullptr,
        login_.private_key_file.c_str(), nullptr);
    if (rc == 0) return;
    if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
        throw Error(ErrorKind::unreachable, fmt::format("{} does not accept the key {}",
                                                        login_.name(), login_.private_key_file))
            .with_hint(fmt::format("put the public half into ~{}/.ssh/authorized_keys on the host",
                                   login_.user));
    throw Error(ErrorKind::unreachable,
                fmt::format("logging in to {} with {} failed: {}", login_.name(),
                            login_.private_key_file, last_error()));
}

void LibSession::log_in_with_agent() {
    struct AgentCloser {
        void operator()(LIBSSH2_AGENT* a) const {
            libssh2_agent_disconnect(a);
            libssh2_agent_free(a);
        }
    };
    const std::unique_ptr<LIBSSH2_AGENT, AgentCloser> agent(libssh2_agent_init(session_.get()));
    if (!agent || libssh2_agent_connect(agent.get()) != 0 ||
        libssh2_agent_list_identities(agent.get()) != 0)
        throw Error(ErrorKind::unreachable,
                    fmt::format("no key to log in to {} with: `private_key_file` is empty and no "
                                "SSH agent answers",
                                login_.name()))
            .with_hint("set private_key_file, or start an agent and `ssh-add` the key");
    libssh2_agent_publickey* identity = nullptr;
    int tried = 0, rsa = 0;
    while (libssh2_agent_get_identity(agent.get(), &identity, identity) == 0) {
        const std::string_view blob(reinterpret_cast<const char*>(identity->blob),
                                    identity->blob_len);
        if (blob.substr(4).starts_with("ssh-rsa")) {
            ++rsa;
            continue;
        }
        ++tried;
        if (libssh2_agent_userauth(agent.get(), login_.user.c_str(), identity) == 0) return;
    }
    throw Error(
        ErrorKind::unreachable,
        fmt::format("{} accepts none of the {} keys of the SSH agent", login_.name(), tried))
        .with_hint(
            rsa ? fmt::format("the agent's {} RSA keys cannot be used; add an ed25519 key", rsa)
                : "add the right key with `ssh-add`, or set private_key_file");
}

bool LibSession::alive() const {
    pollfd p{socket_.get(), POLLIN, 0};
    if (::poll(&p, 1, 0) <= 0) return true;
    char byte = 0;
    return (p.revents & (POLLERR | POLLHUP)) == 0 &&
           ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

Channel LibSession::begin(const std::string& command) {
    ++execs;
    libssh2_session_set_blocking(session_.get(), 1);
    Channel channel(libssh2_channel_open_session(session_.get()));
    // The script is not sent yet, so nothing of it can have run.
    if (!channel || libssh2_channel_exec(channel.get(), command.c_str()) != 0)
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} does not run commands: {}", login_.name(), last_error()))
            .as_transient();
    return channel;
}

void LibSession::lost(const std::string& cause) {
    // What is still on its way must not arrive after what is sent next, over another connection.
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    // Nor is the host waited for when the channel and the session are freed.
    ::shutdown(socket_.get(), SHUT_RDWR);
    throw Error(ErrorKind::unreachable,
                fmt::format("the connection to {} broke: {}", login_.name(), cause));
}

void LibSession::run(const Exchange& exchange, std::stop_token stop) {
    const std::stop_callback cut(stop, [this] { ::shutdown(socket_.get(), SHUT_RDWR); });
    try {
        heard_ = word_ = Clock::now();
        spoken_ = false;
        const Channel channel = begin(exchange.command);
        pump(channel.get(), exchange);
        libssh2_session_set_blocking(session_.get(), 1);
        libssh2_channel_close(channel.get());
    } catch (const Error&) {
        if (stop.stop_requested()) throw Interrupted();
        throw;
    }
    if (stop.stop_requested()) throw Interrupted();
}

bool LibSession::drain(LIBSSH2_CHANNEL* channel, const Exchange& exchange, bool& progress) {
    std::array<char, kChunk> buffer; // NOLINT: filled by the read
    for (const int stream : {0, SSH_EXTENDED_DATA_STDERR}) {
        for (;;) {
            const ssize_t n =
                libssh2_channel_read_ex(channel, stream, buffer.data(), buffer.size());
            if (n == 0 || n == LIBSSH2_ERROR_EAGAIN) break;
            if (n < 0) lost();
            progress = spoken_ = true;
            word_ = Clock::now();
            if (exchange.receive(stream != 0, {buffer.data(), static_cast<std::size_t>(n)})) {
                if (!exchange.farewell.empty()) bid_farewell(channel, exchange.farewell);
                return true;
            }
        }
    }
    return libssh2_channel_eof(channel) == 1;
}

// The word is with the command, and not on its way any more, when the host has closed its side: it
// passes on all that came before our close.
void LibSession::bid_farewell(LIBSSH2_CHANNEL* channel, const std::string& word) {
    libssh2_session_set_blocking(session_.get(), 1);
    for (std::string_view rest = word; !rest.empty();) {
        const ssize_t n = libssh2_channel_write(channel, rest.data(), rest.size());
        if (n < 0) lost();
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (libssh2_channel_close(channel) != 0) lost();
    std::array<char, 1024> ignored; // NOLINT: filled by the read
    ssize_t n = 0;
    while ((n = libssh2_channel_read(channel, ignored.data(), ignored.size())) > 0) {
    }
    if (n < 0) lost();
}

// Any packet counts, the answer to a keepalive too: it shows that sshd lives, and not only the
// kernel below it.
void LibSession::wait_for_word() {
    const auto silent = Clock::now() - heard_;
    if (silent > login_.silence) lost("it does not answer any more");
    if (silent > login_.silence / 3) {
        // Switched on just here: libssh2 takes the interval for the patience of all blocking calls,
        // and would ask in the middle of the handshake too.
        int next = 0;
        libssh2_session_set_blocking(session_.get(), 1);
        libssh2_keepalive_config(session_.get(), 1, 1);
        const int sent = libssh2_keepalive_send(session_.get(), &next);
        libssh2_keepalive_config(session_.get(), 0, 0);
        if (sent != 0) lost();
    }
    pollfd p{socket_.get(), POLLIN, 0};
    ::poll(&p, 1, 1000);
}

void LibSession::check_patience(const Exchange& exchange) const {
    const auto silent = Clock::now() - word_;
    if (!spoken_ && silent > exchange.first_word)
        throw Error(
            ErrorKind::failed,
            fmt::format(
                "the shell on {} does not begin: it has said nothing for {} s", login_.name(),
                std::chrono::duration_cast<std::chrono::seconds>(exchange.first_word).count()))
            .with_hint("do the start-up files of the user's shell hang, or sudo?");
    if (spoken_ && silent > exchange.quiet)
        throw Error(
            ErrorKind::failed,
            fmt::format("what runs on {} has not ended within {} s", login_.name(),
                        std::chrono::duration_cast<std::chrono::seconds>(exchange.quiet).count()))
            .with_hint("see what hangs there (`ps axf`); what waits for a network or a disk that "
                       "is gone has to be killed");
}

// Reads do not block, so that neither stream starves the other; writes do (libssh2 loses its way in
// half-written packets), but only as far as the host's window is open, so they never wait for the
// host to read.
void LibSession::pump(LIBSSH2_CHANNEL* channel, const Exchange& exchange) {
    Input input(exchange);
    bool sending = true;
    for (;;) {
        bool progress = false;
        libssh2_session_set_blocking(session_.get(), 0);
        if (drain(channel, exchange, progress)) return;
        const std::string_view piece = sending ? input.piece() : std::string_view();
        if (sending && piece.empty()) {
            libssh2_session_set_blocking(session_.get(), 1);
            if (exchange.farewell.empty() && libssh2_channel_send_eof(channel) != 0) lost();
            sending = false;
        } else if (const std::size_t window = libssh2_channel_window_write(channel);
                   sending && window > 0) {
            libssh2_session_set_blocking(session_.get(), 1);
            const ssize_t n =
                libssh2_channel_write(channel, piece.data(), std::min(piece.size(), window));
            if (n < 0) lost();
            input.sent(static_cast<std::size_t>(n));
        } else if (!progress) {
            check_patience(exchange);
            wait_for_word();
        }
    }
}
} // namespace

Counters counters() {
    return {connections.load(), execs.load()};
}

std::unique_ptr<Session> Session::open(const Login& login, std::stop_token stop) {
    initialise_library();
    if (login.host_key.empty() && !login.trust_on_first_use)
        throw Error(ErrorKind::unreachable,
                    fmt::format("the host key of {} is not known", login.name()))
            .with_hint(fmt::format("ask the machine's console, or over a way that you trust: "
                                   "`ssh-keyscan -p {} -t ed25519 {}`, and set `host_key`",
                                   login.port, login.address));
    const PublicKey pinned = parse_public_key(login.host_key);
    if (pinned.type == "ssh-rsa")
        throw Error(ErrorKind::unreachable,
                    fmt::format("the host key given for {} is an RSA key, which cannot be used",
                                login.name()))
            .with_hint("give the host's ed25519 key: `ssh-keyscan -t ed25519`");
    if (!login.private_key_file.empty()) check_private_key(login.private_key_file);
    return std::make_unique<LibSession>(login, connect_to(login, stop), stop);
}

} // namespace hadeploy::ssh
