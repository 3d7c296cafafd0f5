#include "core/error.h"
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/pool.h"
#include "providers/ssh/provider.h"
#include "providers/ssh/ssh.h"
#include "ssh/login_to.h"
#include "ssh/server.h"
#include "support/has.h"

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define HADEPLOY_LEAKS
#endif
#endif

using namespace hadeploy;
using namespace hadeploy::ssh;
using hadeploy::test::login_to;
using hadeploy::test::SshServer;
using hadeploy::test::TempDir;

namespace {

/// During its lifetime, allocations of this thread are not checked for leaks.
struct LeaksAllowed {
#ifdef HADEPLOY_LEAKS
    LeaksAllowed() {
        __lsan_disable();
    }
    ~LeaksAllowed() {
        __lsan_enable();
    }
    LeaksAllowed(const LeaksAllowed&) = delete;
    LeaksAllowed& operator=(const LeaksAllowed&) = delete;
#endif
};

struct Run {
    std::vector<SectionResult> results;
    Outcome outcome;
};

Run run(Pool& pool, const Login& login, const std::vector<Section>& sections,
        std::stop_token stop = {}) {
    Run r;
    r.outcome = run_sections(
        pool, login, sections,
        [&](std::size_t, SectionResult result) { r.results.push_back(std::move(result)); }, {},
        stop);
    return r;
}

Error session_error(const auto& what) {
    try {
        what();
    } catch (const Error& error) {
        return error;
    }
    return Error(ErrorKind::failed, "(no error)");
}

} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("one connection serves many execs, one exec many sections") {
        const SshServer server;
        Pool pool;
        const Login login = login_to(server);
        const Counters before = counters();
        std::vector<Section> sections(50, {.script = "echo hi; echo ho >&2", .strict = false});
        const Run first = run(pool, login, sections);
        const Run second = run(pool, login, sections);
        CHECK(!first.outcome.broken);
        CHECK(first.results.size() == 50);
        CHECK(second.results.size() == 50);
        CHECK(second.results[49].err == "ho\n");
        CHECK(counters().connections - before.connections == 1);
        CHECK(counters().execs - before.execs == 2);
    }

    TEST_CASE("another host key is refused, with both fingerprints") {
        const SshServer server, other;
        Login login = login_to(server);
        login.host_key = login_to(other).host_key;
        const Error error = session_error([&] { Pool().connect(login, {}); });
        CHECK(error.kind == ErrorKind::unreachable);
        const auto print = [](const Login& l) { return fingerprint(parse_public_key(l.host_key)); };
        CHECK(has(error.message, print(login_to(server))));
        CHECK(has(error.message, print(login_to(other))));
    }

    TEST_CASE("an unknown host key is trusted only on demand") {
        const SshServer server;
        Login login = login_to(server);
        const PublicKey key = parse_public_key(login.host_key);
        login.host_key.clear();
        CHECK(has(session_error([&] { Pool().connect(login, {}); }).hint, "ssh-keyscan"));
        login.trust_on_first_use = true;
        CHECK(Pool().connect(login, {}) == key);
    }

    TEST_CASE("after the first use another host key is refused, over any connection") {
        SshServer server;
        Login login = login_to(server);
        login.host_key.clear();
        login.trust_on_first_use = true;
        const auto keys = std::make_shared<FirstKeys>();
        Pool pool("a", keys), later("b", keys);
        const PublicKey first = pool.connect(login, {});
        const std::string key = server.directory() / "host";
        server.stop();
        std::filesystem::remove(key);
        std::filesystem::remove(key + ".pub");
        run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key}});
        server.start();
        const Error error = session_error([&] { later.connect(login, {}); });
        CHECK(has(error.message, "a different host key than before in this run"));
        CHECK(has(error.message, "previously " + fingerprint(first)));
        CHECK(Pool().connect(login, {}) != first);
        login.private_key_file.clear(); // another connection of the pool
        login.identity_files = {server.key_file()};
        CHECK(has(session_error([&] { pool.connect(login, {}); }).message, "a different host key"));
    }

    TEST_CASE("unusable keys are rejected before any connection") {
        const TempDir dir;
        Login login;
        login.address = "192.0.2.1"; // never contacted
        login.user = "root";
        login.host_key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
        const auto error = [&](const std::string& file) {
            login.private_key_file = dir.path / file;
            return session_error([&] { Pool().connect(login, {}); });
        };
        run_checked({.argv = {"ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", dir.path / "rsa"}});
        if (!can_use_rsa()) {
            CHECK(has(error("rsa").message, "RSA"));
            CHECK(has(error("rsa").hint, "ed25519"));
        }
        run_checked({.argv = {"ssh-keygen", "-q", "-m", "PEM", "-t", "rsa", "-N", "", "-f",
                              dir.path / "pem"}});
        if (!can_use_rsa()) CHECK(has(error("pem").message, "RSA"));
        run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "word", "-f",
                              dir.path / "locked"}});
        CHECK(has(error("locked").message, "passphrase"));
        run_checked(
            {.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir.path / "open"}});
        ::chmod((dir.path / "open").c_str(), 0644);
        CHECK(has(error("open").message, "0644"));
        CHECK(has(error("open").hint, "chmod 600"));
        CHECK(has(error("missing").message, "No such file"));
        write_file(dir.path / "text", "hello\n");
        CHECK(has(error("text").message, "not a private key"));
    }

    TEST_CASE("ecdsa keys work, and a key that the host rejects is named") {
        const SshServer server;
        Login login = login_to(server);
        login.private_key_file = server.directory() / "ecdsa";
        [[maybe_unused]] const LeaksAllowed
            of_the_key; // libssh2 1.10 loses some numbers of an ECDSA key
        run_checked(
            {.argv = {"ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", login.private_key_file}});
        const Error error = session_error([&] { Pool().connect(login, {}); });
        CHECK(has(error.message, "does not accept the key " + login.private_key_file));
        CHECK(has(error.hint, "authorized_keys"));
        write_file(server.directory() / "authorized_keys",
                   read_file(login.private_key_file + ".pub"));
        CHECK_NOTHROW(Pool().connect(login, {}));
    }

    TEST_CASE("a server without a common algorithm: the error lists what it offers") {
        const SshServer rsa("", "rsa");
        Login login = login_to(rsa);
        login.host_key.clear();
        login.trust_on_first_use = true;
        if (!can_use_rsa())
            CHECK(has(session_error([&] { Pool().connect(login, {}); }).message,
                      "no SSH algorithm in common"));
        const SshServer modern("KexAlgorithms sntrup761x25519-sha512@openssh.com");
        const Error error = session_error([&] { Pool().connect(login_to(modern), {}); });
        CHECK(has(error.message, "no SSH algorithm in common"));
        CHECK(has(error.hint, "aes"));
    }

    TEST_CASE("unreachable: refused, silent, unresolvable") {
        Login login;
        {
            const SshServer server;
            login = login_to(server); // its port is closed after it is destroyed
            login.private_key_file.clear();
        }
        login.timeout = std::chrono::milliseconds(400);
        CHECK(has(session_error([&] { Pool().connect(login, {}); }).message, "Connection refused"));
        login.address = "no-such-host.invalid";
        CHECK(has(session_error([&] { Pool().connect(login, {}); }).message, "does not resolve"));
    }

    TEST_CASE("a shell that does not start or falls silent is given up") {
        const SshServer server;
        const auto session = Session::open(login_to(server), {});
        Exchange hanging{.command = "sleep 600",
                         .first_word = std::chrono::milliseconds(300),
                         .receive = [](bool, std::string_view) { return false; }};
        CHECK(has(session_error([&] { session->run(hanging, {}); }).message, "does not start"));
        const auto other = Session::open(login_to(server), {});
        Exchange silent{.command = "echo word; exec sleep 600",
                        .quiet = std::chrono::milliseconds(300),
                        .receive = [](bool, std::string_view) { return false; }};
        CHECK(has(session_error([&] { other->run(silent, {}); }).message, "has not ended within"));
    }

    TEST_CASE("a host that is booting is waited for") {
        SshServer server;
        server.stop();
        Pool pool;
        const std::jthread client([&] { CHECK_NOTHROW(pool.connect(login_to(server), {})); });
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        server.start(); // in this thread, because it ends with the thread that starts it
    }

    TEST_CASE("banners and noisy start-up files do not break the frames") {
        const TempDir dir;
        write_file(dir.path / "banner", "*** authorised use only ***\nhadeploy-0 end 0\n");
        const SshServer server(
            "Banner " + (dir.path / "banner").string() +
            "\nForceCommand echo welcome; echo noise >&2; eval \"$SSH_ORIGINAL_COMMAND\"");
        Pool pool;
        const Run r = run(pool, login_to(server), {{.script = "echo hi"}});
        REQUIRE(!r.outcome.broken);
        CHECK(r.results[0].out == "hi\n");
        CHECK(r.results[0].err.empty());
    }

    TEST_CASE("a read that breaks its connection each time is given up, then all works again") {
        const SshServer server;
        Pool pool;
        const Login login = login_to(server);
        const Run r = run(pool, login,
                          {{.script = "echo one"},
                           {.script = "sleep 0.3; kill -9 $PPID; sleep 5"},
                           {.script = "echo three"}});
        REQUIRE(r.outcome.broken);
        CHECK(r.outcome.begun);
        CHECK(r.outcome.finished == 1);
        CHECK(r.outcome.broken->kind == ErrorKind::unreachable);
        CHECK(!r.outcome.broken->transient);
        CHECK(!run(pool, login, {{.script = "echo again"}}).outcome.broken);
    }

    TEST_CASE("a shell killed by a signal is a failure") {
        const SshServer server;
        Pool pool;
        const Run r =
            run(pool, login_to(server), {{.script = "kill -9 $$"}, {.script = "echo two"}});
        REQUIRE(r.outcome.broken);
        CHECK(has(r.outcome.broken->message, "ended while a step was running"));
        const Run section =
            run(pool, login_to(server), {{.script = "kill -9 $(exec sh -c 'echo $PPID')"}});
        CHECK(!section.outcome.broken);
        CHECK(section.results[0].status == 128 + 9);
    }

    TEST_CASE("a connection that is dead between two execs is opened again once") {
        SshServer server;
        Pool pool;
        const Login login = login_to(server);
        const Run r = run(pool, login, {{.script = "echo $PPID"}});
        ::kill(std::stoi(r.results.at(0).out), SIGKILL);
        const Counters before = counters();
        CHECK(!run(pool, login, {{.script = "true"}}).outcome.broken);
        CHECK(counters().connections - before.connections == 1);
    }

    TEST_CASE("large outputs and inputs at the same time") {
        const SshServer server;
        Pool pool;
        const Login login = login_to(server);
        const Run r = run(pool, login,
                          {{.script = "head -c 5000000 /dev/zero | tr '\\0' x; head -c 3000000 "
                                      "/dev/zero | tr '\\0' y >&2",
                            .strict = false},
                           {.script = "cat", .input = std::string(60'000, 'z')}});
        REQUIRE(r.results.size() == 2);
        CHECK(r.results[0].out == std::string(5'000'000, 'x'));
        CHECK(r.results[0].err == std::string(3'000'000, 'y'));

        const std::string file = server.directory() / "big";
        const std::string content = test::some_bytes(6'000'000);
        write_file(file, content);
        std::string out;
        const Outcome outcome = run_streaming(
            pool, login, {.script = "cat", .input = "head"}, file,
            [&](std::size_t, SectionResult result) { out = std::move(result.out); }, {});
        CHECK(!outcome.broken);
        CHECK((out == "head" + content));
    }

    TEST_CASE("a daemon that keeps the streams open is not waited for") {
        const SshServer server;
        Pool pool;
        const Run r = run(pool, login_to(server), {{.script = "sleep 600 & echo $!"}});
        REQUIRE(!r.outcome.broken);
        CHECK(
            !run(pool, login_to(server), {{.script = "kill " + r.results[0].out}}).outcome.broken);
    }

    TEST_CASE("a stop request ends an exec at once") {
        const SshServer server;
        Pool pool;
        std::stop_source stop;
        std::jthread later([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            stop.request_stop();
        });
        CHECK_THROWS_AS(run(pool, login_to(server), {{.script = "sleep 20"}}, stop.get_token()),
                        Interrupted);
    }

    TEST_CASE("parallel logins to more hosts than sshd accepts at once") {
        const SshServer server;
        Pool pool;
        std::atomic<int> good = 0;
        {
            std::vector<std::jthread> threads;
            for (int i = 1; i <= 24; ++i)
                threads.emplace_back([&, i] {
                    const Login login = login_to(server, "127.0.1." + std::to_string(i));
                    const Run r = run(pool, login, {{.script = "echo hi"}});
                    if (!r.outcome.broken && r.results[0].out == "hi\n") ++good;
                });
        }
        CHECK(good == 24);
    }

    TEST_CASE("sudo: a user other than root") {
        // Without sudo the shell reports that it is missing; with it, sudo requires a password or
        // works.
        const SshServer server("ForceCommand echo 'sudo: a password is required' >&2; exit 1");
        Pool pool;
        const Run r = run(pool, login_to(server), {{.script = "true"}});
        REQUIRE(r.outcome.broken);
        CHECK(!r.outcome.begun);
        CHECK(has(r.outcome.broken->message, "sudo requires a password"));
        CHECK(has(r.outcome.broken->hint, "NOPASSWD"));
    }

} // TEST_SUITE
