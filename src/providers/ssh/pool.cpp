#include "providers/ssh/pool.h"

#include "core/error.h"
#include "providers/ssh/connection.h"

#include <fmt/format.h>
#include <random>
#include <thread>

namespace hadeploy::ssh {

namespace {
using Clock = std::chrono::steady_clock;

struct Turn {
    explicit Turn(std::counting_semaphore<>& s) : semaphore(s) { semaphore.acquire(); }
    ~Turn() { semaphore.release(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    std::counting_semaphore<>& semaphore;
};

std::unique_ptr<Session> open_patiently(const Login& login, const std::stop_token& stop,
                                        std::counting_semaphore<>& logins) {
    auto deadline = Clock::now() + login.timeout;
    for (;;) {
        try {
            const auto asked = Clock::now();
            const Turn turn(logins);
            deadline +=
                Clock::now() - asked; // do not count the time spent waiting for our own turn
            return Session::open(login, stop);
        } catch (const Error& error) {
            constexpr auto pause = std::chrono::milliseconds(250);
            if (!error.transient || Clock::now() + pause >= deadline) {
                Error last = error;
                last.transient = false;
                throw last;
            }
            if (stop.stop_requested()) throw Interrupted();
            std::this_thread::sleep_for(pause);
        }
    }
}
std::string random_name() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}
} // namespace

std::string FirstKeys::of(const Login& login) const {
    const std::lock_guard lock(mutex_);
    const auto it = keys_.find(login.route());
    return it == keys_.end() ? "" : it->second;
}

std::string FirstKeys::keep(const Login& login, const PublicKey& key) {
    const std::lock_guard lock(mutex_);
    return keys_.emplace(login.route(), key.type + ' ' + key.base64).first->second;
}

Pool::Pool(std::string of, std::shared_ptr<FirstKeys> first_keys)
    : lineage(of.empty() ? random_name() : std::move(of)), process(random_name()),
      first_keys_(std::move(first_keys)) {}

Pool::Host& Pool::host(const Login& login) {
    const std::lock_guard lock(mutex_);
    auto& found = hosts_[fmt::format("{} {}", login.route(), login.private_key_file)];
    if (!found) found = std::make_unique<Host>();
    return *found;
}

void Pool::ensure(Host& host, const Login& login, const std::stop_token& stop) {
    const HostKeys known = parse_host_keys(login.host_key);
    const bool usable =
        host.session && host.session->alive() &&
        // If a different key is expected now, the machine was replaced and this is the old one.
        (known.empty() || known.accepts(host.session->host_key()));
    if (usable) return;
    host.session.reset();
    const bool first_use = known.empty() && login.trust_on_first_use;
    Login expected = login;
    if (first_use) expected.first_key = first_keys_->of(login);
    auto session = open_patiently(expected, stop, logins_);
    if (first_use) {
        expected.first_key = first_keys_->keep(login, session->host_key());
        if (parse_public_key(expected.first_key) != session->host_key()) // another thread was first
            session = open_patiently(expected, stop, logins_);
    }
    host.session = std::move(session);
}

PublicKey Pool::connect(const Login& login, std::stop_token stop) {
    Host& h = host(login);
    const std::lock_guard lock(h.busy);
    ensure(h, login, stop);
    return h.session->host_key();
}

void Pool::run(const Login& login, const Exchange& exchange, std::stop_token stop) {
    Host& h = host(login);
    const std::lock_guard lock(h.busy);
    for (bool again = false;; again = true) {
        ensure(h, login, stop);
        try {
            h.session->run(exchange, stop);
            return;
        } catch (const Error& error) {
            h.session.reset();
            if (!error.transient || again) throw;
        } catch (...) {
            h.session.reset();
            throw;
        }
    }
}

} // namespace hadeploy::ssh
