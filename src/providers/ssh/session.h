#pragma once

#include "providers/ssh/login.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace hadeploy::ssh {

class Tunnel;

/// One command on a host, with its input and output.
struct Exchange {
    std::string command;
    std::string input;                     ///< standard input ...
    std::filesystem::path input_file = {}; ///< ... followed by this local file, streamed
    /// If not empty: standard input stays open and receives this string once `receive` has returned
    /// true. The exchange succeeds only if the host has received it.
    std::string farewell = {};
    /// Time limits until the first output of the command, and between two outputs. If the start-up
    /// files of a shell hang, there is no output although sshd is alive.
    std::chrono::milliseconds first_word{60'000}, quiet{std::chrono::hours(24)};
    /// Called with each piece of output (`err`: standard error). Returns true if the output is
    /// complete: then the end of the streams is not awaited, because a daemon that the command
    /// started may hold them open.
    std::function<bool(bool err, std::string_view piece)> receive;
};

/// An authenticated connection to a host. Runs one exec at a time.
class Session {
  public:
    /// One attempt to connect, verify the host key and log in.
    /// @throws Error(unreachable), transient if a host that is booting could respond in this way
    /// @throws Interrupted if `stop` is requested
    static std::unique_ptr<Session> open(const Login& login, std::stop_token stop);
    virtual ~Session() = default;

    /// Whether the socket looks open. A host that vanished silently still looks alive.
    virtual bool alive() const = 0;
    /// The verified host key: "ssh-ed25519 AAAA...".
    virtual const PublicKey& host_key() const = 0;
    /// Runs a command until its streams end or `receive` returns true.
    /// @throws Error(unreachable): transient if the command was not started; otherwise the
    /// connection broke (or the host was silent for login.silence) and the result of the command is
    /// not known. The session cannot be used afterwards.
    /// @throws Error(failed) if the command is silent for longer than the exchange allows
    /// @throws Interrupted if `stop` is requested
    virtual void run(const Exchange& exchange, std::stop_token stop) = 0;
    /// Uses the host as a jump host to the address of `to`. The tunnel takes ownership of the
    /// session.
    /// @throws Error(unreachable)
    virtual std::unique_ptr<Tunnel> forward(std::unique_ptr<Session> self, const Login& to) = 0;
};

} // namespace hadeploy::ssh
