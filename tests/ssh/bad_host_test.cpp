// Problems of a host in the order of the catalogue, each with its complete error: step, host, cause
// and hint. Problems that need no host are in tests/cli/catalogue, under `remote-`.
#include "core/file.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/operation.h"
#include "providers/ssh/provider.h"
#include "ssh/host_case.h"
#include "ssh/login_to.h"
#include "ssh/server.h"

#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using namespace hadeploy::test;

namespace {
std::string shown(const Error& error) {
    std::string text = error.message + "\n";
    for (const Note& note : error.notes) text += "note: " + note.text + "\n";
    return text + (error.hint.empty() ? "" : "hint: " + error.hint + "\n");
}

/// The error of a connection to the host.
std::string refusal(const Login& login) {
    try {
        Pool().connect(login, {});
    } catch (const Error& error) {
        CHECK(error.kind == ErrorKind::unreachable);
        return shown(error);
    }
    return "connected";
}

/// The error of a change on the host.
std::string broken(const SshServer& server, const std::string& script) {
    Pool pool;
    const Outcome outcome = run_operation(
        pool, login_to(server), std::vector<Section>{{.script = script}},
        [](std::size_t, const SectionResult&) {}, [](std::string_view) {}, {});
    return outcome.broken ? shown(*outcome.broken) : "done";
}

std::string print_of(const Login& login) {
    return fingerprint(parse_public_key(login.host_key));
}

/// A port that never answers: its backlog is full.
class SilentPort {
  public:
    SilentPort() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* any = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(listener_.get(), any, size) == 0);
        REQUIRE(::listen(listener_.get(), 0) == 0);
        REQUIRE(::getsockname(listener_.get(), any, &size) == 0);
        port = ntohs(address.sin_port);
        for (Fd& waiting : waiting_) {
            waiting = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            (void)::connect(waiting.get(), any, size);
        }
    }
    int port = 0;

  private:
    Fd listener_;
    std::array<Fd, 4> waiting_;
};

constexpr const char* kNobody = "hint: check that the machine is on, that sshd is running, and "
                                "that address and port are correct\n";
} // namespace

TEST_CASE("the name does not resolve") {
    Login login;
    login.address = "no-such-host.invalid";
    login.user = "root";
    login.host_key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    login.timeout = std::chrono::milliseconds(300);
    addrinfo* found = nullptr; // the cause differs if there is no name server
    const int cause = ::getaddrinfo(login.address.c_str(), "22", nullptr, &found);
    REQUIRE(cause != 0);
    CHECK(refusal(login) ==
          fmt::format("the host name no-such-host.invalid does not resolve: {}\n"
                      "hint: correct the address, or add the name to DNS or /etc/hosts (the "
                      "`address` of an ssh.host may be an alias from ~/.ssh/config)\n",
                      ::gai_strerror(cause)));
}

TEST_CASE("refused, and no answer") {
    Login login;
    login.address = "127.0.0.1";
    login.user = "root";
    login.host_key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    login.timeout = std::chrono::milliseconds(700);
    login.port = 1;
    CHECK(refusal(login) ==
          fmt::format("root@127.0.0.1:1 cannot be reached: Connection refused\n{}", kNobody));
    const SilentPort silent;
    login.port = silent.port;
    CHECK(refusal(login) ==
          fmt::format("root@127.0.0.1:{} cannot be reached: Connection timed out\n{}", silent.port,
                      kNobody));
}

TEST_CASE("package lock, full disk, clocks, a missing program") {
    CHECK(shown(explain_failure(
              "root@h:22", "installing jq", 100,
              "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)\n"
              "E: Unable to acquire the dpkg frontend lock\n")) ==
          "installing jq failed on root@h:22: E: Could not get lock /var/lib/dpkg/lock-frontend. "
          "It is held by process 7 (apt) (exit status 100)\n"
          "note: standard error:\n"
          "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)\n"
          "E: Unable to acquire the dpkg frontend lock\n"
          "hint: another package manager is running on the host (unattended upgrades?); wait "
          "until it has finished, then apply again\n");
    CHECK(shown(explain_failure("root@h:22", "writing /srv/x", 1,
                                "cat: write error: No space left on device\n")) ==
          "writing /srv/x failed on root@h:22: the disk is full: cat: write error: No space left "
          "on device (exit status 1)\n"
          "hint: free up space on the host (`df -h`), then apply again\n");
    CHECK(
        shown(explain_failure("root@h:22", "installing jq", 100,
                              "E: Release file for http://deb/InRelease is not valid yet (invalid "
                              "for another 2h). Updates for this repository will not be "
                              "applied.\n")) ==
        "installing jq failed on root@h:22: E: Release file for http://deb/InRelease is not "
        "valid yet (invalid for another 2h). Updates for this repository will not be applied. "
        "(exit status 100)\n"
        "hint: the host's clock is behind; set it (`date`) and enable time synchronization "
        "(`timedatectl`)\n");
    CHECK(shown(explain_failure("root@h:22", "joining", 127, "sh: 3: docker: not found\n")) ==
          "joining failed on root@h:22: the program `docker` is not installed on the host (exit "
          "status 127)\n"
          "hint: install it with a host.package that this resource depends on\n");
}

TEST_CASE("a distribution without dpkg") {
    const Value packages = Value::map(
        {{"host", some_connection()}, {"packages", Value::list({Value("jq"), Value("rsync")})}});
    const Observation nothing =
        seen("host.package", packages, "", 127, "sh: dpkg-query: not found");
    REQUIRE(nothing.state == Observation::State::failed);
    CHECK(shown(*nothing.error) ==
          "there is no dpkg on the host\n"
          "hint: host.package supports only Debian, Ubuntu and their derivatives\n");
}

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("another host key") {
        const SshServer server, other;
        Login login = login_to(server);
        login.host_key = login_to(other).host_key;
        CHECK(refusal(login) ==
              fmt::format(
                  "{} presents an unexpected host key: {}, expected {}\n"
                  "hint: if the machine was reinstalled, correct `host_key`, remove the old key "
                  "from known_hosts with `ssh-keygen -R`, or, for an ssh.host with "
                  "trust_on_first_use, run `hadeploy state trust-host-key`; otherwise this may be "
                  "an attack\n",
                  login.name(), print_of(login_to(server)), print_of(login)));
    }

    TEST_CASE("no common algorithm") {
        const SshServer server("KexAlgorithms sntrup761x25519-sha512@openssh.com");
        const Login login = login_to(server);
        std::string text = refusal(login);
        const std::size_t cause = text.find(" ("),
                          end = text.find(")\n"); // the text of the library
        REQUIRE(end != std::string::npos);
        CHECK(text.erase(cause, end + 1 - cause) ==
              fmt::format("{} and hadeploy have no SSH algorithm in common\n"
                          "hint: libssh2 {} offers the host keys ssh-ed25519, the ciphers {} and "
                          "the MACs {}; the host must support one of each: see HostKey, "
                          "KexAlgorithms, Ciphers and "
                          "MACs in its sshd_config\n",
                          login.name(), libssh2_version(0),
                          can_use_rsa() ? "aes*-gcm and aes*-ctr" : "aes*-ctr",
                          can_use_rsa() ? "hmac-sha2-*" : "hmac-sha2-* without -etm"));
    }

    TEST_CASE("sudo requires a password") {
        const SshServer server("ForceCommand echo 'sudo: a password is required' >&2; exit 1");
        CHECK(broken(server, "true") ==
              fmt::format("sudo requires a password on {}\n"
                          "hint: set `become_password` of the ssh.host or under providers: ssh, "
                          "log in as root, or allow the user to run sudo without a password: `USER "
                          "ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d\n",
                          login_to(server).name()));
    }

    TEST_CASE("sudo requires a terminal, or another password") {
        const SshServer tty("ForceCommand echo 'sudo: sorry, you must have a tty to run sudo' >&2; "
                            "exit 1");
        CHECK(broken(tty, "true") ==
              fmt::format("sudo requires a terminal on {}\n"
                          "hint: allow the user to run sudo without a terminal: `Defaults:USER "
                          "!requiretty` in /etc/sudoers.d\n",
                          login_to(tty).name()));
        const SshServer wrong(
            "ForceCommand echo 'sudo: 3 incorrect password attempts' >&2; exit 1");
        CHECK(
            broken(wrong, "true") ==
            fmt::format("sudo does not accept the password on {}\n"
                        "hint: correct `become_password` of the ssh.host or under providers: ssh\n",
                        login_to(wrong).name()));
    }

    TEST_CASE("the host dies during a change") {
        SshServer server;
        const std::string name = login_to(server).name();
        CHECK(broken(server, "kill -9 $$") ==
              fmt::format("the shell on {} ended while a step was running\n"
                          "hint: the shell was killed, or the host went down; the result of the "
                          "step is not known, and the next plan reads the current state\n",
                          name));
    }

    TEST_CASE("a banner and output of start-up files are ignored") {
        const TempDir dir;
        write_file(dir.path / "banner", "*** authorised use only ***\n");
        const SshServer server("Banner " + (dir.path / "banner").string() +
                               "\nForceCommand echo welcome; echo noise >&2; eval "
                               "\"$SSH_ORIGINAL_COMMAND\"");
        CHECK(broken(server, "true") == "done");
    }

    TEST_CASE("a full disk, with a real command") {
        const SshServer server;
        Pool pool;
        const Login login = login_to(server);
        SectionResult full;
        const Outcome outcome = run_operation(
            pool, login, std::vector<Section>{{.script = "cat /proc/version >/dev/full"}},
            [&](std::size_t, SectionResult result) { full = std::move(result); },
            [](std::string_view) {}, {});
        CHECK(!outcome.broken);
        const Error error = explain_failure(login.name(), "writing", full.status, full.err);
        CHECK(error.message == fmt::format("writing failed on {}: the disk is full: {} (exit "
                                           "status {})",
                                           login.name(), tail(full.err, 1), full.status));
        CHECK(error.hint == "free up space on the host (`df -h`), then apply again");
    }

} // TEST_SUITE
