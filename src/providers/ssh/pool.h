#pragma once

#include "providers/ssh/session.h"

#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>

namespace hadeploy::ssh {

/// The host keys that were accepted on first use in this process, by the route to the host.
/// Thread-safe.
class FirstKeys {
  public:
    /// The key that was accepted on first use, and is required since then; "" before the first use.
    [[nodiscard]] std::string of(const Login& login) const;
    /// @returns the key that is required from now on: the key of the first call for the host
    std::string keep(const Login& login, const PublicKey& key);

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::string> keys_;
};

/// The connections of this process: one per host, opened when first needed and kept from plan to
/// apply. Thread-safe; execs on one host run one after another, execs on different hosts run in
/// parallel. No call holds two hosts at once, so there can be no deadlock.
class Pool {
  public:
    /// @param lineage  lineage of the state that manages the hosts; the pool waits for operations
    /// that a different process has started on a host for the same state. "": it waits for none
    /// @param first_keys  shared with other pools
    explicit Pool(std::string lineage = "",
                  std::shared_ptr<FirstKeys> first_keys = std::make_shared<FirstKeys>());
    const std::string lineage;
    const std::string process; ///< identifies the operations of this process

    /// Connects and logs in. If the host refuses the connection, retries until login.timeout has
    /// passed. Returns the verified host key.
    PublicKey connect(const Login& login, std::stop_token stop);
    /// Runs one exchange. If the connection turns out to be dead before the command has started,
    /// reconnects once. Throws as Session::run.
    void run(const Login& login, const Exchange& exchange, std::stop_token stop);

  private:
    struct Host {
        std::mutex busy;
        std::unique_ptr<Session> session;
    };
    Host& host(const Login& login);
    void ensure(Host& host, const Login& login, const std::stop_token& stop);

    std::shared_ptr<FirstKeys> first_keys_;
    std::mutex mutex_; ///< guards hosts_
    std::map<std::string, std::unique_ptr<Host>> hosts_;
    /// sshd starts to drop connections when 10 are not authenticated (MaxStartups 10:30:100), and
    /// many hosts may be behind one address.
    std::counting_semaphore<> logins_{10};
};

} // namespace hadeploy::ssh
