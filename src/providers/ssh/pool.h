#pragma once

#include "providers/ssh/session.h"

#include <map>
#include <mutex>
#include <semaphore>
#include <string>

namespace hadeploy::ssh {

/// The process's connections: one a host, made when first needed, kept from plan to apply.
/// Thread-safe; execs on one host take their turn, hosts run side by side. No call holds two
/// hosts at once, so that none can wait for another in a circle.
class Pool {
  public:
    /// @param lineage  of the state whose hosts these are: what another process has begun there on
    ///                 the same state is waited for; "": nothing is
    explicit Pool(std::string lineage = "");
    const std::string lineage;
    const std::string process; ///< tells this process's operations from others'

    /// Makes sure that the host lets us in, trying again until login.timeout while it refuses.
    /// Returns the host key that was verified.
    PublicKey connect(const Login& login, std::stop_token stop);
    /// Runs one exchange. A connection that turns out to be dead before the command has begun is
    /// made anew, once. Errors as Session::run.
    void run(const Login& login, const Exchange& exchange, std::stop_token stop);

  private:
    struct Host {
        std::mutex busy;
        std::unique_ptr<Session> session;
    };
    Host& host(const Login& login);
    void ensure(Host& host, const Login& login, const std::stop_token& stop);

    std::mutex mutex_; ///< of the map
    std::map<std::string, std::unique_ptr<Host>> hosts_;
    /// sshd begins to drop connections when 10 are not logged in yet (MaxStartups 10:30:100); many
    /// hosts may hide behind one address.
    std::counting_semaphore<> logins_{10};
};

} // namespace hadeploy::ssh
