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

/// One command on a host, with what goes in and out.
struct Exchange {
    std::string command;
    std::string input;                     ///< its standard input ...
    std::filesystem::path input_file = {}; ///< ... and then this file of ours, streamed
    /// Not empty: the standard input stays open, and gets this when `receive` has said that all
    /// came; the exchange has then worked only if the host has taken it.
    std::string farewell = {};
    /// How long the command may take until it says its first word, and between two words. A shell
    /// whose start-up files hang says nothing, though its sshd lives.
    std::chrono::milliseconds first_word{60'000}, quiet{std::chrono::hours(24)};
    /// Gets each piece of output (`err`: standard error). True: that was all, don't wait for the
    /// end of the streams (a daemon that the command started may hold them open).
    std::function<bool(bool err, std::string_view piece)> receive;
};

/// One connection to a host, logged in. One exec at a time.
class Session {
  public:
    /// One attempt: connects, verifies the host key, logs in.
    /// @throws Error(unreachable), transient when a host that is just starting would answer so
    /// @throws Interrupted when `stop` is requested
    static std::unique_ptr<Session> open(const Login& login, std::stop_token stop);
    virtual ~Session() = default;

    /// Whether the socket still looks open. A host that went away without a word looks alive.
    virtual bool alive() const = 0;
    /// The host's key as verified: "ssh-ed25519 AAAA...".
    virtual const PublicKey& host_key() const = 0;
    /// Runs a command until its streams end or `receive` has enough.
    /// @throws Error(unreachable): transient when the command was not begun, otherwise the
    ///         connection broke (or the host was silent for login.silence) and nothing is known of
    ///         it. The session is of no more use then.
    /// @throws Error(failed) when the command is silent for longer than the exchange allows
    /// @throws Interrupted when `stop` is requested
    virtual void run(const Exchange& exchange, std::stop_token stop) = 0;
    /// Lets the host connect to the login's address: a jump host. The session belongs to the tunnel
    /// from then on.
    /// @throws Error(unreachable)
    virtual std::unique_ptr<Tunnel> forward(std::unique_ptr<Session> self, const Login& to) = 0;
};

} // namespace hadeploy::ssh
