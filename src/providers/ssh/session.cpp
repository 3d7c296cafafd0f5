#include "providers/ssh/session.h"

#include "core/secrecy.h"
#include "core/trace.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/own_way.h"
#include "providers/ssh/authenticate.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/counters.h"
#include "providers/ssh/key_file.h"
#include "providers/ssh/socket.h"
#include "providers/ssh/tunnel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
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
constexpr std::size_t kReadChunk = 32 * 1024;
using Clock = std::chrono::steady_clock;

/// Host key algorithms for the handshake: those of the known keys. With a different algorithm, the
/// genuine host would present a key that does not match.
std::string host_key_algorithms(const HostKeys& known) {
    std::string out;
    const auto add = [&out](std::string_view name) {
        if (out.find(name) == std::string::npos) out.append(out.empty() ? "" : ",").append(name);
    };
    constexpr std::string_view rsa = "rsa-sha2-512,rsa-sha2-256";
    for (const PublicKey& key : known.accepted)
        if (key.type != "ssh-rsa" || can_use_rsa()) add(key.type == "ssh-rsa" ? rsa : key.type);
    if (!out.empty()) return out;
    for (const std::string_view name :
         {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"})
        add(name);
    if (can_use_rsa()) add(rsa);
    return out;
}

void initialise_library() {
    static const int result = libssh2_init(0);
    if (result != 0) throw Error(ErrorKind::failed, "libssh2 cannot be initialised");
}

// Without an immediate acknowledgement the server's next packet waits for the delayed one (40 ms).
// The kernel resets the option after each receive.
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
        // libssh2 also waits for the host to close its channels; after a shutdown of the socket it
        // gives up.
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
    LibSession(const Login& login, std::unique_ptr<Tunnel> tunnel, Fd socket, std::stop_token stop);

    bool alive() const override;
    const PublicKey& host_key() const override { return host_key_; }
    void run(const Exchange& exchange, std::stop_token stop) override;
    std::unique_ptr<Tunnel> forward(std::unique_ptr<Session> self, const Login& to) override {
        return std::make_unique<Tunnel>(std::move(self), session_.get(), socket_.get(), to);
    }

  private:
    class Input;
    std::string last_error() const;
    void prefer(int method, const char* algorithms);
    void wait_for_greeting(const std::stop_token& stop) const;
    Error no_answer() const;
    void handshake();
    void verify_host_key();
    [[noreturn]] void no_handshake(int rc);
    Channel begin(const std::string& command);
    void pump(LIBSSH2_CHANNEL* channel, const Exchange& exchange);
    bool drain(LIBSSH2_CHANNEL* channel, const Exchange& exchange, bool& progress);
    void bid_farewell(LIBSSH2_CHANNEL* channel, const std::string& word);
    void wait_for_word();
    void check_patience(const Exchange& exchange) const;
    [[noreturn]] void lost() { lost(last_error()); }
    [[noreturn]] void lost(const std::string& cause);

    Login login_;
    HostKeys known_;
    std::unique_ptr<Tunnel> tunnel_; ///< if set, the socket is its local end
    Fd socket_;
    Clock::time_point heard_; ///< last packet from the host
    Clock::time_point word_;  ///< last output of the command
    bool spoken_ = false;     ///< the command has printed something
    std::unique_ptr<LIBSSH2_SESSION, SessionCloser> session_;
    PublicKey host_key_;
};

/// The input that remains to be sent: the text, then the file.
class LibSession::Input {
  public:
    explicit Input(const Exchange& exchange) : text_(exchange.input) {
        if (exchange.input_file.empty()) return;
        const Fd file = open_file_own_way(exchange.input_file);
        file_.open(own_name(file), std::ios::binary);
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
        return text_.substr(0, kReadChunk);
    }
    void sent(std::size_t n) { text_.remove_prefix(n); }

  private:
    std::string_view text_;
    std::ifstream file_;
    std::array<char, kReadChunk> buffer_{};
};

LibSession::LibSession(const Login& login, std::unique_ptr<Tunnel> tunnel, Fd socket,
                       std::stop_token stop)
    : login_(login), known_(parse_host_keys(login.host_key)), tunnel_(std::move(tunnel)),
      socket_(std::move(socket)) {
    const std::stop_callback cut(stop, [this] { ::shutdown(socket_.get(), SHUT_RDWR); });
    session_ = {libssh2_session_init_ex(nullptr, nullptr, nullptr, &heard_), {socket_.get()}};
    if (!session_) throw Error(ErrorKind::failed, "libssh2 cannot start a session");
#if LIBSSH2_VERSION_NUM >= 0x010b01 // deprecates the other function
    libssh2_session_callback_set2(session_.get(), LIBSSH2_CALLBACK_RECV,
                                  reinterpret_cast<libssh2_cb_generic*>(&receive_and_acknowledge));
#else
    libssh2_session_callback_set(session_.get(), LIBSSH2_CALLBACK_RECV,
                                 reinterpret_cast<void*>(&receive_and_acknowledge));
#endif
    try {
        wait_for_greeting(stop);
        // A host that has sent its greeting is up, even if it is slow.
        libssh2_session_set_timeout(session_.get(), long{login.silence.count()});
        handshake();
        verify_host_key();
        authenticate(session_.get(), login_, stop);
    } catch (const Error&) {
        if (stop.stop_requested()) throw Interrupted();
        throw;
    }
    count_connection();
}

std::string LibSession::last_error() const {
    char* text = nullptr;
    libssh2_session_last_error(session_.get(), &text, nullptr, 0);
    return text && *text ? text : "no reason given";
}

void LibSession::prefer(int method, const char* algorithms) {
    libssh2_session_method_pref(session_.get(), method, algorithms);
}

Error LibSession::no_answer() const {
    return Error(ErrorKind::unreachable,
                 fmt::format("{} accepts connections, but no SSH server responds", login_.name()))
        .with_hint("check that this is the port of an SSH server; a slow or overloaded host needs "
                   "a longer `connect_timeout`")
        .as_transient();
}

// The server speaks first. A server that accepts connections and stays silent gets no more time
// than one that does not accept them.
void LibSession::wait_for_greeting(const std::stop_token& stop) const {
    const auto end = Clock::now() + login_.timeout;
    pollfd p{socket_.get(), POLLIN, 0};
    while (::poll(&p, 1, 100) == 0 && !stop.stop_requested())
        if (Clock::now() >= end) throw no_answer();
}

// libssh2 ignores algorithms that it does not support. Version 1.10 supports only aes*-ctr and
// plain hmac-sha2 of these.
void LibSession::handshake() {
    const HostKeys expected =
        known_.empty() ? parse_host_keys(login_.first_key) : known_; // of a type that it has
    prefer(LIBSSH2_METHOD_HOSTKEY, host_key_algorithms(expected).c_str());
    for (const int method : {LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC})
        prefer(method, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr,"
                       "aes192-ctr,chacha20-poly1305@openssh.com");
    for (const int method : {LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC})
        prefer(method, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
                       "hmac-sha2-512");
    if (const int rc = libssh2_session_handshake(session_.get(), socket_.get()); rc != 0)
        no_handshake(rc);
}

void LibSession::no_handshake(int rc) {
    const std::string cause = last_error();
    if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} and hadeploy have no SSH algorithm in common ({})",
                                login_.name(), cause))
            .with_hint(
                fmt::format("libssh2 {} offers the host keys {}, the ciphers {} and the MACs "
                            "{}; the host must support one of each: see HostKey, KexAlgorithms, "
                            "Ciphers and MACs in its sshd_config",
                            libssh2_version(0), host_key_algorithms(known_),
                            can_use_rsa() ? "aes*-gcm and aes*-ctr" : "aes*-ctr",
                            can_use_rsa() ? "hmac-sha2-*" : "hmac-sha2-* without -etm"));
    if (rc == LIBSSH2_ERROR_TIMEOUT) throw no_answer();
    // A booting host accepts connections before its sshd is ready, and drops them.
    if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV ||
        rc == LIBSSH2_ERROR_SOCKET_SEND || rc == LIBSSH2_ERROR_BANNER_SEND ||
        rc == LIBSSH2_ERROR_SOCKET_NONE)
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} closes the connection before the SSH greeting", login_.name()))
            .with_hint("check that this is the port of an SSH server; a server closes the "
                       "connection if it has too many concurrent logins (MaxStartups) or blocks "
                       "this address (hosts.deny, fail2ban, PerSourcePenalties)")
            .as_transient();
    throw Error(ErrorKind::unreachable,
                fmt::format("{} does not speak SSH: {}", login_.name(), cause))
        .as_transient();
}

void LibSession::verify_host_key() {
    std::size_t size = 0;
    int type = 0;
    const char* bytes = libssh2_session_hostkey(session_.get(), &size, &type);
    if (!bytes || size < 4)
        throw Error(ErrorKind::unreachable, fmt::format("{} presents no host key", login_.name()));
    const std::string_view blob(bytes, size);
    // The blob begins with its type, a string with a length prefix.
    const std::size_t length = static_cast<unsigned char>(blob[3]);
    host_key_ = {std::string(blob.substr(4, length)), base64_encode(blob)};
    if (known_.accepts(host_key_)) return;
    if (known_.revokes(host_key_))
        throw Error(ErrorKind::unreachable, fmt::format("the host key that {} presents is "
                                                        "revoked: {}",
                                                        login_.name(), fingerprint(host_key_)))
            .with_hint("the key is marked @revoked in `host_key` or known_hosts, so it may be "
                       "stolen or no longer in use");
    if (known_.accepted.empty() && login_.trust_on_first_use) {
        if (login_.first_key.empty() || parse_public_key(login_.first_key) == host_key_) return;
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} presents a different host key than before in this run: {}, "
                                "previously {}",
                                login_.name(), fingerprint(host_key_),
                                fingerprint(parse_public_key(login_.first_key))))
            .with_hint("the host is trusted on first use; if several machines respond at this "
                       "address, set `host_key` to the key of the right one; otherwise this may "
                       "be an attack");
    }
    std::vector<std::string> expected;
    for (const PublicKey& key : known_.accepted) expected.push_back(fingerprint(key));
    throw Error(ErrorKind::unreachable,
                fmt::format("{} presents an unexpected host key: {}, expected {}", login_.name(),
                            fingerprint(host_key_), fmt::join(expected, " or ")))
        .with_hint("if the machine was reinstalled, correct `host_key`, remove the old key from "
                   "known_hosts with `ssh-keygen -R`, or, for an ssh.host with trust_on_first_use, "
                   "run `hadeploy state trust-host-key`; otherwise this may be an attack");
}

bool LibSession::alive() const {
    pollfd p{socket_.get(), POLLIN, 0};
    if (::poll(&p, 1, 0) <= 0) return true;
    char byte = 0;
    return (p.revents & (POLLERR | POLLHUP)) == 0 &&
           ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

Channel LibSession::begin(const std::string& command) {
    count_exec();
    libssh2_session_set_blocking(session_.get(), 1);
    Channel channel(libssh2_channel_open_session(session_.get()));
    // The script has not been sent yet, so no part of it can have run.
    if (!channel || libssh2_channel_exec(channel.get(), command.c_str()) != 0)
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} does not run commands: {}", login_.name(), last_error()))
            .as_transient();
    return channel;
}

void LibSession::lost(const std::string& cause) {
    // Data in flight must not arrive after data that is sent later over a new connection.
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    // Do not wait for the host when the channel and the session are freed.
    ::shutdown(socket_.get(), SHUT_RDWR);
    if (tunnel_) tunnel_->cut();
    throw Error(ErrorKind::unreachable,
                fmt::format("the connection to {} broke: {}", login_.name(), cause));
}

void LibSession::run(const Exchange& exchange, std::stop_token stop) {
    const Span span("exec", login_.name());
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
    std::array<char, kReadChunk> buffer; // NOLINT: filled by the read
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

// When the host has closed its side, the command has received the text: the host passes on all data
// that came before our close.
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

// Any packet counts, including the reply to a keepalive: it shows that sshd is alive, not only the
// kernel.
void LibSession::wait_for_word() {
    const auto silent = Clock::now() - heard_;
    if (silent > login_.silence) lost("it no longer responds");
    if (silent > login_.silence / 3) {
        // Enabled only here: libssh2 uses the interval as the timeout of all blocking calls, and
        // would send keepalives during the handshake.
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
                "the shell on {} does not start: no output for {} s", login_.name(),
                std::chrono::duration_cast<std::chrono::seconds>(exchange.first_word).count()))
            .with_hint("check whether the start-up files of the user's shell, or sudo, hang");
    if (spoken_ && silent > exchange.quiet)
        throw Error(
            ErrorKind::failed,
            fmt::format("the command on {} has not ended within {} s", login_.name(),
                        std::chrono::duration_cast<std::chrono::seconds>(exchange.quiet).count()))
            .with_hint("see which process hangs on the host (`ps axf`), and kill it if it waits "
                       "for a network or a disk that is gone");
}

// Reads do not block, so that neither stream starves the other. Writes block, because libssh2
// mishandles partially written packets, but they never exceed the window of the host, so they do
// not wait for the host to read.
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

std::unique_ptr<Session> open_hop(const Login& login, const std::stop_token& stop) {
    try {
        return Session::open(*login.jump, stop);
    } catch (Error& error) {
        error.with_note(fmt::format("connecting to {}", login.name()));
        throw;
    }
}
} // namespace

std::unique_ptr<Session> Session::open(const Login& login, std::stop_token stop) {
    const Span span("connect", login.name());
    initialise_library();
    const HostKeys known = parse_host_keys(login.host_key);
    if (known.empty() && !login.trust_on_first_use)
        throw Error(ErrorKind::unreachable,
                    fmt::format("the host key of {} is not known", login.name()))
            .with_hint(fmt::format("read it on the machine's console, or run `ssh-keyscan -p {} -t "
                                   "ed25519 {}` over a trusted network, and set `host_key`",
                                   login.redacted(std::to_string(login.port)),
                                   login.redacted(login.address)));
    if (!login.private_key_file.empty()) {
        const bool locked = check_private_key(login.private_key_file).kind == KeyFile::Kind::locked;
        if (locked && login.agent.empty() && !std::getenv("SSH_AUTH_SOCK"))
            throw locked_key(login.private_key_file);
    }
    if (!login.jump)
        return std::make_unique<LibSession>(login, nullptr, connect_to(login, stop), stop);
    std::unique_ptr<Session> hop = open_hop(login, stop);
    Session& through = *hop;
    std::unique_ptr<Tunnel> tunnel = through.forward(std::move(hop), login);
    Fd end = tunnel->take_end();
    return std::make_unique<LibSession>(login, std::move(tunnel), std::move(end), stop);
}

} // namespace hadeploy::ssh
