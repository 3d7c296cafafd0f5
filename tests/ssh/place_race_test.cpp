// Writes by root in directories of a user, on a real sshd, while a process of that user swaps names
// all the time.
#include "core/process.h"
#include "providers/ssh/place.h"
#include "providers/ssh/ssh_type.h"
#include "ssh/user_cleanup.h"
#include "ssh/user_home.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
constexpr int kRounds = 35; ///< of several changes each; the racer hits them at any point

/// A home directory whose user can run a process that changes it all the time.
struct RacedHome : UserHome {
    ~RacedHome() { stop_racing(); }
    /// A process of the user runs `swap` in a loop, as fast as it can.
    template<typename Swap>
    void race(Swap swap) {
        racer = ::fork();
        if (racer == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::setgid(kUser) != 0 || ::setuid(kUser) != 0) ::_exit(1);
            for (;;) swap();
        }
    }
    void stop_racing() {
        if (racer <= 0) return;
        ::kill(racer, SIGKILL);
        ::waitpid(racer, nullptr, 0);
        racer = -1;
    }

    pid_t racer = -1;
};

/// A script that a type runs on a host.
struct HostScript {
    std::string script, input;
};

/// All scripts of a resource: its probe, and the commands to create it, to set owner and mode, and
/// to remove it.
std::vector<HostScript> runs_of(std::string_view name, const Value& written) {
    const ssh::SshType& type = test::type_named(name);
    Change change{.type = &type, .identity = "0000", .after = test::config_of(name, written)};
    ReadRequest request{.type = &type, .config = change.after, .identity = "0000"};
    std::vector<HostScript> all{{type.probe(request), ""}};
    const auto add = [&](Change::Kind kind) {
        change.kind = kind;
        for (const ssh::Command& command : type.commands(change))
            all.push_back({command.script, command.input});
    };
    add(Change::Kind::create);
    change.changed = {"owner", "group", "mode"};
    change.before = change.after;
    add(Change::Kind::update);
    add(Change::Kind::remove);
    return all;
}

/// Runs the scripts repeatedly in one shell, as root.
/// @return  the number of successful runs
int repeat(const std::vector<HostScript>& runs, int rounds) {
    std::string script = fmt::format("{}done=0 round=0\nwhile [ $round -lt {} ]; do\n"
                                     "round=$((round + 1))\n",
                                     ssh::place_functions(), rounds);
    for (const HostScript& run : runs)
        script += fmt::format("( set -eu\n{}\n) >/dev/null 2>&1 <<'HADEPLOY_END' && "
                              "done=$((done + 1)) || :\n{}{}HADEPLOY_END\n",
                              run.script, run.input,
                              run.input.empty() || run.input.ends_with('\n') ? "" : "\n");
    return std::stoi(run_checked({.argv = {"sh"}, .input = script + "done\necho $done\n"}).out);
}

/// Ignores the result: under attack a change may fail, but must not do harm.
template<typename What>
bool tried(What what) {
    try {
        what();
        return true;
    } catch (const Error&) {
        return false;
    }
}

} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("names swapped by a user's process do no harm: directories") {
        RacedHome host;
        const fs::path a = host.home / "a", b = host.home / "b", link = host.home / "link";
        fs::create_directory(a);
        UserHome::give(a);
        fs::create_directory_symlink(host.dir.path / "etc", link);
        UserHome::give(link);
        host.race([&] { // `a` is a directory of the user, then a link to root's
            ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
        });
        int made = 0;
        for (int i = 0; i < kRounds; ++i) {
            Managed directory(
                *host.endpoint, "host.directory",
                host.config({{"path", a.string()}, {"owner", "nobody"}, {"mode", "0777"}}));
            made += tried([&] { directory.create(); });
            const Value written = host.config({{"path", (a / "shadow").string()},
                                               {"content", "owned"},
                                               {"owner", "nobody"},
                                               {"mode", "0666"}});
            Managed file(*host.endpoint, "host.file", written);
            made += tried([&] { file.create(); });
            tried([&] { file.update(written, {"mode"}); });
            tried([&] { file.remove(); });
            Managed below(*host.endpoint, "host.directory",
                          host.config({{"path", (a / "x/y").string()}, {"force", true}}));
            made += tried([&] { below.create(); });
            tried([&] { below.remove(); });
            host.check_untouched();
        }
        host.stop_racing();
        MESSAGE("of " << 3 * (kRounds) << " changes under attack " << made << " worked");
    }

    TEST_CASE("names swapped by a user's process do no harm: files") {
        RacedHome host;
        const fs::path file = host.home / "file", own = host.home / "own",
                       link = host.home / "link", fifo = host.home / "fifo";
        for (const fs::path& p : {file, own}) {
            write_file(p, "mine", 0644);
            UserHome::give(p);
        }
        fs::create_symlink(host.secret(), link);
        UserHome::give(link);
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        UserHome::give(fifo);
        host.race([&] { // all names, and all files that root creates beside them
            for (const fs::path& p : {own, link, fifo})
                ::renameat2(AT_FDCWD, p.c_str(), AT_FDCWD, file.c_str(), RENAME_EXCHANGE);
            std::error_code ignored;
            for (fs::directory_iterator it(host.home, ignored), end; !ignored && it != end;
                 it.increment(ignored))
                if (it->path().filename().string().starts_with(".hadeploy-")) {
                    ::rename(it->path().c_str(), (it->path().string() + "x").c_str());
                    if (::symlink((host.dir.path / "etc").c_str(), it->path().c_str()) != 0) return;
                }
        });
        for (int i = 0; i < kRounds; ++i) {
            const Value written = host.config({{"path", file.string()},
                                               {"content", fmt::format("round {}", i)},
                                               {"owner", "nobody"},
                                               {"mode", "0604"}});
            Managed managed(*host.endpoint, "host.file", written);
            managed.read(); // must end, even with a FIFO
            tried([&] { managed.create(); });
            tried([&] { managed.update(written, {"mode"}); });
            host.check_untouched();
        }
        host.stop_racing();
    }

    TEST_CASE("names swapped by a user's process do no harm: keys and trees") {
        RacedHome host;
        const std::string name = fmt::format("hadeploy-r{}", ::getpid());
        run_checked({.argv = {"useradd", "-M", "-o", "-u", std::to_string(kUser), "-g", "nogroup",
                              "-d", host.home, name}});
        const UserCleanup cleanup(name);
        const fs::path ssh = host.home / ".ssh", other = host.home / "other",
                       link = host.home / "link", keys_link = host.home / "keys";
        for (const fs::path& p : {ssh, other}) {
            fs::create_directory(p);
            UserHome::give(p);
        }
        fs::create_directory_symlink(host.dir.path / "etc", link);
        fs::create_symlink(host.keys(), keys_link);
        UserHome::give(link);
        UserHome::give(keys_link);
        host.race([&] {
            ::renameat2(AT_FDCWD, link.c_str(), AT_FDCWD, ssh.c_str(), RENAME_EXCHANGE);
            ::rename(keys_link.c_str(), (ssh / "authorized_keys").c_str());
            ::rename((ssh / "authorized_keys").c_str(), keys_link.c_str());
        });
        for (int i = 0; i < kRounds; ++i) {
            Managed user(*host.endpoint, "host.user",
                         host.config({{"name", name},
                                      {"authorized_keys",
                                       Value::list({"ssh-ed25519 "
                                                    "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg"
                                                    "8QERITFBUWFxgZGhscHR4f user"})}}));
            tried([&] { user.create(); });
            user.read();
            tried([&] { user.remove(); });
            CHECK(!fs::exists("/var/lib/hadeploy/" + user.identity() + ".keys"));
            fs::remove("/var/lib/hadeploy/" + user.identity()); // a failed removal keeps its notes
            Managed tree(*host.endpoint, "host.directory",
                         host.config({{"path", ssh.string()}, {"force", true}}));
            if (i % 10 == 9) tried([&] { tree.remove(); });
            host.check_untouched();
        }
        host.stop_racing();
    }

    TEST_CASE("200 rounds of each type under attack in a user's home") {
        RacedHome host;
        const std::string name = fmt::format("hadeploy-s{}", ::getpid());
        run_checked({.argv = {"useradd", "-M", "-o", "-u", std::to_string(kUser), "-g", "nogroup",
                              "-d", host.home, name}});
        const UserCleanup cleanup(name);
        const fs::path a = host.home / ".ssh", link = host.home / "link", keys = host.home / "keys",
                       secret = host.home / "secret";
        fs::create_directory(a);
        fs::create_directory_symlink(host.dir.path / "etc", link);
        fs::create_symlink(host.keys(), keys);
        fs::create_symlink(host.secret(), secret);
        for (const fs::path& p : {a, link, keys, secret}) UserHome::give(p);
        host.race([&] { // swaps the directory and names in it for links to root's
            ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
            ::rename(keys.c_str(), (a / "authorized_keys").c_str());
            ::rename((a / "authorized_keys").c_str(), keys.c_str());
            ::rename(secret.c_str(), (a / "shadow").c_str());
            ::rename((a / "shadow").c_str(), secret.c_str());
        });
        const auto owned = [&](const fs::path& path, const char* mode) {
            return host.config({{"path", path.string()}, {"owner", "nobody"}, {"mode", mode}});
        };
        const std::vector<std::pair<std::string, std::vector<HostScript>>> types{
            {"host.file",
             runs_of("host.file", owned(a / "shadow", "0666").with("content", "evil"))},
            {"host.directory", runs_of("host.directory", owned(a, "0777"))},
            {"a directory below",
             runs_of("host.directory", owned(a / "x/y", "0777").with("force", true))},
            {"host.user", runs_of("host.user", host.config({{"name", name},
                                                            {"authorized_keys",
                                                             Value::list({key_line("evil")})}}))},
            {"gluster.mount.directories",
             {{ssh::make_directory((a / "shadow").string(), "nobody:nogroup", "0777"), ""}}},
        };
        constexpr int rounds = 200, at_once = 20;
        for (const auto& type : types) {
            INFO(type.first);
            int worked = 0;
            for (int i = 0; i < rounds; i += at_once) {
                worked += repeat(type.second, at_once);
                host.check_untouched();
            }
            MESSAGE(type.first << ": of " << rounds * static_cast<int>(type.second.size())
                               << " runs " << worked << " worked");
        }
        host.stop_racing();
        fs::remove("/var/lib/hadeploy/0000");
    }

} // TEST_SUITE
