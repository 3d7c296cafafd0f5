// Logins: keys that are tried, jump hosts, and error messages.
#include "core/error.h"
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/exec.h"
#include "providers/ssh/ssh_type.h"
#include "ssh/login_to.h"
#include "ssh/server.h"
#include "support/has.h"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using hadeploy::test::login_to;
using hadeploy::test::SshServer;
using hadeploy::test::TempDir;

namespace {

/// An SSH agent for this test.
class Agent {
  public:
    Agent() : socket(dir_.path / "agent") {
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            ::close(STDOUT_FILENO); // it prints its address
            ::execlp("ssh-agent", "ssh-agent", "-D", "-a", socket.c_str(), nullptr);
            ::_exit(127);
        }
        for (int i = 0; i < 500 && !std::filesystem::exists(socket); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ~Agent() {
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    void add(const std::string& file) const {
        run_checked({.argv = {"ssh-add", "-q", file}, .environment = {{"SSH_AUTH_SOCK", socket}}});
    }
    /// Creates a key, adds it to the agent, and returns its public key as a line.
    std::string add_new(const std::string& name) const {
        const std::string file = dir_.path / name;
        run_checked(
            {.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file}});
        add(file);
        return read_file(file + ".pub");
    }

  private:
    TempDir dir_;
    pid_t pid_ = -1;

  public:
    const std::string socket;
};

/// Sets $HOME for its lifetime.
class HomeIs {
  public:
    explicit HomeIs(const std::string& path) : before_(std::getenv("HOME")) {
        ::setenv("HOME", path.c_str(), 1);
    }
    ~HomeIs() { ::setenv("HOME", before_.c_str(), 1); }
    HomeIs(const HomeIs&) = delete;
    HomeIs& operator=(const HomeIs&) = delete;

  private:
    std::string before_;
};

/// The error of an attempt; "" if the login succeeds.
std::string attempt(const Login& login) {
    try {
        Pool().connect(login, {});
    } catch (const Error& error) {
        return fmt::format("{}\nhint: {}", error.message, error.hint);
    }
    return "";
}

std::string session_output(const Login& login) {
    Pool pool;
    std::string out;
    const std::vector<Section> sections{
        {.script = "echo hello; head -c 3000000 /dev/zero | wc -c"}};
    const Outcome outcome =
        run_sections(pool, login, sections,
                     [&](std::size_t, SectionResult result) { out = result.out; }, {}, {});
    return outcome.broken ? outcome.broken->message : out;
}
} // namespace

TEST_CASE("sudo gets its password only if it asks for one") {
    const TempDir dir;
    Login login;
    login.user = "ops";
    CHECK(shell(login).command == "exec sudo -n sh");
    login.become_password = "it's secret";
    const auto run = [&](const char* sudo, const std::string& arguments) {
        write_file(dir.path / "sudo", sudo, 0755);
        const Shell root = shell(login, arguments);
        CHECK(root.command.find("secret") == std::string::npos);
        return run_checked({.argv = {"sh", "-c", root.command},
                            .input = root.input + "echo script\n",
                            .environment = {{"PATH", dir.path.string() + ":/usr/bin:/bin"}}})
            .out;
    };
    const char* asks = "#!/bin/sh\n[ \"$1\" != -n ] || exit 1\n"
                       "IFS= read -r word\necho \"got $word\"\nshift 3\nexec \"$@\"\n";
    const char* open = "#!/bin/sh\n[ \"$1\" = -n ] || exit 1\nshift\nexec \"$@\"\n";
    CHECK(run(asks, "") == "got it's secret\nscript\n");
    CHECK(run(open, "") == "script\n");
    CHECK(run(asks, " -c 'echo \"$(head -c 4)\"'") == "got it's secret\necho\n");
    CHECK(run(open, " -c 'echo \"$(head -c 4)\"'") == "echo\n");
}

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("host_key may list several keys, any of which is accepted") {
        const SshServer server, other;
        Login login = login_to(server);
        const std::string good = login.host_key;
        login.host_key = "# scanned\n" + login_to(other).host_key + "127.0.0.1 " + good;
        CHECK(attempt(login).empty());
        login.host_key = login_to(other).host_key + "@revoked " + good;
        CHECK(has(attempt(login), "is revoked"));
    }

    TEST_CASE("keys of ~/.ssh are tried if none is named, or IdentityFile instead") {
        const SshServer server;
        const TempDir home;
        const HomeIs here(home.path);
        std::filesystem::create_directory(home.path / ".ssh");
        Login login = login_to(server);
        const std::string key = login.private_key_file;
        login.private_key_file.clear();
        login.agent = "none";
        CHECK(has(attempt(login), "there is no key to log in to root@127.0.0.1"));
        std::filesystem::copy_file(key, home.path / ".ssh/id_ed25519");
        CHECK(attempt(login).empty());
        login.identity_files = {home.path / "missing"};
        CHECK(has(attempt(login), "no usable key in IdentityFile"));
        login.identity_files.push_back(key);
        CHECK(attempt(login).empty());
    }

    TEST_CASE("a PKCS#8 key, and a key file with a passphrase that is in the agent") {
        const SshServer server;
        const Agent agent;
        Login login = login_to(server);
        const std::string pkcs8 = server.directory() / "pkcs8";
        run_checked({.argv = {"openssl", "genpkey", "-algorithm", "ed25519", "-out", pkcs8}});
        ::chmod(pkcs8.c_str(), 0600);
        const std::string der =
            run_checked({.argv = {"openssl", "pkey", "-in", pkcs8, "-pubout", "-outform", "DER"}})
                .out;
        REQUIRE(der.size() == 44);
        write_file(server.directory() / "raw", der.substr(12));
        const std::string blob =
            std::string("\0\0\0\x0bssh-ed25519\0\0\0\x20", 19) + der.substr(12);
        write_file(server.directory() / "blob", blob);
        const std::string line =
            "ssh-ed25519 " +
            run_checked({.argv = {"base64", "-w0", server.directory() / "blob"}}).out;
        login.private_key_file = pkcs8;
        CHECK(has(attempt(login), "does not accept the key " + pkcs8));
        write_file(server.directory() / "authorized_keys", line + "\n");
        CHECK(attempt(login).empty());

        const std::string locked = server.directory() / "locked";
        run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", locked}});
        agent.add(locked);
        run_checked({.argv = {"ssh-keygen", "-q", "-p", "-P", "", "-N", "word", "-f", locked}});
        write_file(server.directory() / "authorized_keys", read_file(locked + ".pub"));
        login.private_key_file = locked;
        login.agent = "none";
        CHECK(has(attempt(login), "is protected by a passphrase"));
        login.agent = agent.socket;
        CHECK(attempt(login).empty());
    }

    TEST_CASE("a public key instead of a private one") {
        const SshServer server;
        Login login = login_to(server);
        login.private_key_file = server.directory() / "user.pub";
        write_file(login.private_key_file, read_file(server.directory() / "authorized_keys"), 0644);
        const std::string text = attempt(login);
        CHECK(has(text, "is a public key, not a private one"));
        CHECK(has(text, "set `private_key_file` to the private key, " + server.key_file()));
    }

    TEST_CASE("an agent with more keys than the server accepts") {
        const SshServer server("MaxAuthTries 2");
        const Agent agent;
        for (const char* name : {"one", "two", "three"}) agent.add_new(name);
        agent.add(server.key_file());
        Login login = login_to(server);
        login.private_key_file.clear();
        login.agent = agent.socket;
        const std::string text = attempt(login);
        CHECK(has(text, "closed the connection after 2 keys: the server allows no more attempts "
                        "(MaxAuthTries)"));
        CHECK(has(text, "`public_key` for a key in the SSH agent"));
        login.public_key = read_file(server.directory() / "authorized_keys");
        CHECK(attempt(login).empty());
        login.public_key = fingerprint(parse_public_key(login.public_key));
        CHECK(attempt(login).empty());
        login.public_key = fingerprint(parse_public_key(login.host_key));
        CHECK(has(attempt(login), "the SSH agent does not have the key"));
        login.public_key.clear();
        login.identities_only = true;
        login.identity_files = {server.key_file()};
        CHECK(attempt(login).empty());
        // as in OpenSSH, agent keys that are also files come first
        login.identities_only = false;
        CHECK(attempt(login).empty());
    }

    TEST_CASE("an agent that does not answer is not waited for") {
        const SshServer server;
        const TempDir dir;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = dir.path / "agent";
        path.copy(address.sun_path, path.size());
        const Fd silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(silent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
        REQUIRE(::listen(silent.get(), 8) == 0);
        Login login = login_to(server);
        login.private_key_file.clear();
        login.agent = path;
        login.identity_files = {server.key_file()};
        CHECK(attempt(login).empty());
    }

    TEST_CASE("a server that requires two keys, or a key and a password") {
        const SshServer server("AuthenticationMethods publickey,publickey");
        const Agent agent;
        const std::string second = agent.add_new("second");
        Login login = login_to(server);
        login.agent = "none";
        const std::string text = attempt(login);
        CHECK(has(text, "accepts the key " + server.key_file() + ", but requires more to log in"));
        CHECK(has(text, "AuthenticationMethods"));
        write_file(server.directory() / "authorized_keys",
                   read_file(server.directory() / "authorized_keys") + second);
        login.agent = agent.socket;
        CHECK(attempt(login).empty());
        const SshServer password("AuthenticationMethods publickey,password\n"
                                 "PasswordAuthentication yes");
        login = login_to(password);
        login.agent = "none";
        CHECK(has(attempt(login), "it also requires password"));
    }

    TEST_CASE("RSA keys are used if libssh2 signs with SHA-2") {
        const SshServer server("", "rsa");
        Login login = login_to(server);
        const std::string rsa = server.directory() / "rsa";
        run_checked({.argv = {"ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", rsa}});
        write_file(server.directory() / "authorized_keys", read_file(rsa + ".pub"));
        if (can_use_rsa()) {
            login.private_key_file = rsa;
            CHECK(attempt(login).empty());
            const SshServer hardened("Ciphers chacha20-poly1305@openssh.com\n"
                                     "MACs hmac-sha2-512-etm@openssh.com");
            CHECK(attempt(login_to(hardened)).empty());
            const SshServer gcm("Ciphers aes256-gcm@openssh.com");
            CHECK(attempt(login_to(gcm)).empty());
            const SshServer etm("Ciphers aes256-ctr\nMACs hmac-sha2-256-etm@openssh.com");
            CHECK(attempt(login_to(etm)).empty());
        } else {
            CHECK(has(attempt(login), "no SSH algorithm in common"));
            login.private_key_file = rsa;
            CHECK(has(attempt(login), "is an RSA key, which is not supported\nhint: libssh2 1."));
        }
    }

    TEST_CASE("through jump hosts, with large outputs, and an unreachable target") {
        const SshServer inner, outer, target;
        Login login = login_to(target);
        Login second = login_to(inner);
        second.jump = std::make_shared<const Login>(login_to(outer));
        login.jump = std::make_shared<const Login>(second);
        CHECK(session_output(login) == "hello\n3000000\n");
        CHECK(login.route() ==
              fmt::format("{} via {} via {}", login.name(), second.name(), login_to(outer).name()));
        login.port = 1;
        login.timeout = std::chrono::milliseconds(300);
        CHECK(has(attempt(login), "root@127.0.0.1:1 cannot be reached through root@127.0.0.1:"));
        Login stranger = login_to(outer);
        stranger.host_key = login_to(target).host_key;
        login = login_to(target);
        login.jump = std::make_shared<const Login>(stranger);
        CHECK(has(attempt(login), "presents an unexpected host key"));
        const SshServer closed("AllowTcpForwarding no");
        login.jump = std::make_shared<const Login>(login_to(closed));
        login.timeout = std::chrono::milliseconds(300);
        CHECK(has(attempt(login), "AllowTcpForwarding"));
    }

    TEST_CASE("a dead jump host breaks the connection, which is then replaced") {
        SshServer hop;
        const SshServer target;
        Login login = login_to(target);
        login.jump = std::make_shared<const Login>(login_to(hop));
        Pool pool;
        std::string pid;
        const auto run = [&](const std::string& script) {
            const std::vector<Section> sections{{.script = script}};
            return run_sections(pool, login, sections,
                                [&](std::size_t, SectionResult result) { pid = result.out; }, {},
                                {});
        };
        CHECK(!run("echo $PPID").broken);
        ::kill(std::stoi(pid), SIGKILL);
        CHECK(!run("echo $PPID").broken);
    }

    TEST_CASE("IPv6, with brackets and without") {
        const SshServer server("ListenAddress ::1");
        Login login = login_from(server.connection("[::1]"));
        CHECK(login.address == "::1");
        CHECK(attempt(login).empty());
    }
}

namespace {
/// Accepts connections and calls `with` for each.
class Listener {
  public:
    explicit Listener(bool hangs_up) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* any = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(socket_.get(), any, size) == 0);
        REQUIRE(::listen(socket_.get(), 5) == 0);
        REQUIRE(::getsockname(socket_.get(), any, &size) == 0);
        port = ntohs(address.sin_port);
        thread_ = std::jthread([this, hangs_up] {
            std::vector<Fd> kept;
            for (;;) {
                Fd one(::accept(socket_.get(), nullptr, nullptr));
                if (!one) return;
                if (!hangs_up) kept.push_back(std::move(one));
            }
        });
    }
    ~Listener() { ::shutdown(socket_.get(), SHUT_RDWR); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    int port = 0;

  private:
    Fd socket_;
    std::jthread thread_;
};
} // namespace

TEST_CASE("a port that accepts and stays silent, and one that closes the connection") {
    const Listener silent(false), closing(true);
    Login login;
    login.address = "127.0.0.1";
    login.user = "root";
    login.trust_on_first_use = true;
    login.timeout = std::chrono::milliseconds(700);
    login.silence = std::chrono::hours(1); // too long for a test to wait for
    login.port = silent.port;
    CHECK(has(attempt(login), "accepts connections, but no SSH server responds"));
    login.port = closing.port;
    const std::string text = attempt(login);
    CHECK(has(text, "closes the connection before the SSH greeting"));
    CHECK(has(text, "MaxStartups"));
}
