// Writes by root in directories of a user, on a real sshd: with files placed by that user, and with
// a process of that user that swaps names all the time.
#include "core/file.h"
#include "core/hash.h"
#include "core/process.h"
#include "providers/ssh/place.h"
#include "providers/ssh/provider.h"
#include "providers/ssh/ssh_type.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
constexpr uid_t kUser = 65534; // nobody, which exists on every host
constexpr int kRounds = 35;    ///< of several changes each; the racer hits them at any point

struct stat info_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info;
}

/// New files in the directory get an ACL by which this user can read and write them.
void give_default_acl(const fs::path& directory, uid_t user) {
    struct Entry {
        std::uint16_t tag, permissions;
        std::uint32_t id;
    };
    constexpr std::uint32_t none = 0xffffffff; // owner, user, group, mask, others (acl(5))
    const struct {
        std::uint32_t version = 2;
        Entry entries[5];
    } acl{.entries = {{1, 7, none}, {2, 7, user}, {4, 5, none}, {16, 7, none}, {32, 5, none}}};
    REQUIRE(::setxattr(directory.c_str(), "system.posix_acl_default", &acl, sizeof acl, 0) == 0);
}

/// A home directory of a user, and files of root beside it, which must never change.
struct Home {
    Home() {
        ::chmod(dir.path.c_str(), 0755);
        home = dir.path / "home";
        fs::create_directory(home);
        give(home);
        fs::create_directory(dir.path / "etc");
        write_file(secret(), "root's own\n", 0600);
        write_file(keys(), "ssh-ed25519 ROOT root\n", 0600);
        const Provider& kind = *registry().provider("ssh");
        provider = registry().provider("ssh")->open(
            kind.endpoints(type_named("host.file"), Value::map({{"host", server.connection()}}),
                           Value::map({}))
                .at(0),
            ProviderContext{});
    }
    ~Home() { stop_racing(); }

    fs::path secret() const { return dir.path / "etc/shadow"; }
    fs::path keys() const { return dir.path / "etc/authorized_keys"; }
    static void give(const fs::path& path) { REQUIRE(::lchown(path.c_str(), kUser, kUser) == 0); }
    Value config(std::initializer_list<std::pair<std::string_view, Value>> more) const {
        Value all = Value::map({{"host", server.connection()}});
        for (const auto& [key, value] : more) all = all.with(key, value);
        return all;
    }
    /// Checks that the files of root are unchanged.
    void check_untouched() const {
        for (const fs::path& path : {secret(), keys(), dir.path / "etc"}) {
            INFO(path.string());
            const struct stat info = info_of(path);
            CHECK(info.st_uid == 0);
            CHECK((info.st_mode & 07777) == (path.filename() == "etc" ? 0755 : 0600));
        }
        CHECK(read_file(secret()) == "root's own\n");
        CHECK(read_file(keys()) == "ssh-ed25519 ROOT root\n");
        CHECK(std::distance(fs::directory_iterator(dir.path / "etc"), {}) == 2);
    }
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

    SshServer server;
    TempDir dir;
    fs::path home;
    std::shared_ptr<OpenEndpoint> provider;
    pid_t racer = -1;
};

template<typename What>
std::string message_of(What what) {
    try {
        what();
    } catch (const Error& error) {
        std::string all = error.message;
        for (const auto& note : error.notes) all += "\n" + note.text;
        return all;
    }
    return "(no error)";
}

/// A script that a type runs on a host.
struct Run {
    std::string script, input;
};

/// All scripts of a resource: its probe, and the commands to create it, to set owner and mode, and
/// to remove it.
std::vector<Run> runs_of(std::string_view name, const Value& written) {
    const ssh::SshType& type = test::type_named(name);
    Change change{.type = &type, .identity = "0000", .after = test::config_of(name, written)};
    ReadRequest request{.type = &type, .config = change.after, .identity = "0000"};
    std::vector<Run> all{{type.probe(request), ""}};
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
int repeat(const std::vector<Run>& runs, int rounds) {
    std::string script = fmt::format("{}done=0 round=0\nwhile [ $round -lt {} ]; do\n"
                                     "round=$((round + 1))\n",
                                     ssh::place_functions(), rounds);
    for (const Run& run : runs)
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

bool has(const std::string& text, std::string_view part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}
} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("several hosts create the same directory on a shared volume at once") {
        const TempDir dir;
        const std::string path = (std::filesystem::canonical(dir.path) / "shared").string();
        for (int round = 0; round < 20; ++round) {
            const ProcessResult done =
                run_process({.argv = {"sh"},
                             .input = fmt::format(
                                 "{}set -eu\nfor i in 1 2 3 4 5 6 7 8; do\n"
                                 "    ( {} ) & pids=\"${{pids-}} $!\"\ndone\n"
                                 "for p in $pids; do wait \"$p\"; done\n",
                                 ssh::place_functions(),
                                 ssh::make_directory(path + "/app/data", "root:root", "0750"))});
            CHECK_MESSAGE(done.status == 0, done.err);
            std::filesystem::remove_all(path);
        }
    }

    TEST_CASE("links of a user in a path are refused, links of root are followed") {
        Home host;
        fs::create_directory_symlink(host.dir.path / "etc", host.home / "conf");
        Managed file(*host.provider, "host.file",
                     host.config({{"path", (host.home / "conf/new").string()}, {"content", "x"}}));
        CHECK(has(message_of([&] { file.create(); }), "is a symbolic link that a user may have"));
        CHECK(file.read().state == Observation::State::failed);
        Managed directory(*host.provider, "host.directory",
                          host.config({{"path", (host.home / "conf").string()},
                                       {"owner", "nobody"},
                                       {"group", "nogroup"}}));
        CHECK(has(message_of([&] { directory.create(); }), "is a symbolic link that a user"));
        Managed below(*host.provider, "host.directory",
                      host.config({{"path", (host.home / "conf/a/b").string()}}));
        CHECK(has(message_of([&] { below.create(); }), "is a symbolic link that a user may have"));
        host.check_untouched();

        fs::create_directory(host.dir.path / "run");
        fs::create_directory_symlink("run", host.dir.path / "var-run");
        const Value written =
            host.config({{"path", (host.dir.path / "var-run/pid").string()}, {"content", "x"}});
        Managed linked(*host.provider, "host.file", written);
        // The directory of the server is created by mkdtemp below /tmp, where anybody may create
        // links.
        linked.create();
        CHECK(read_file(host.dir.path / "run/pid") == "x");
        CHECK(linked.read().attributes["content"] == Value("x"));
        linked.remove();
        CHECK(fs::is_empty(host.dir.path / "run"));
    }

    TEST_CASE("a FIFO, device, socket or hard link is refused without opening it") {
        Home host;
        const std::string path = (host.home / "it").string();
        const Value written =
            host.config({{"path", path}, {"content", "x"}, {"owner", "nobody"}, {"mode", "0600"}});
        Managed file(*host.provider, "host.file", written);
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        CHECK(file.read().error->kind == ErrorKind::conflict);
        CHECK(has(message_of([&] { file.update(written, {"mode"}); }), "is not a regular file"));
        fs::remove(path);
        REQUIRE(::mknod(path.c_str(), S_IFCHR | 0600, 0) == 0);
        CHECK(file.read().error->kind == ErrorKind::conflict);
        CHECK(has(message_of([&] { file.update(written, {"mode"}); }), "is not a regular file"));
        fs::remove(path);
        fs::create_hard_link(host.secret(), path);
        CHECK(has(message_of([&] { file.update(written, {"owner"}); }), "hard links"));
        fs::remove(path);
        fs::create_symlink(host.secret(), path);
        CHECK(has(message_of([&] { file.update(written, {"owner"}); }), "is a symbolic link"));
        CHECK_NOTHROW(file.update(written, {"content"})); // replaces the link
        CHECK(!fs::is_symlink(path));
        CHECK(info_of(path).st_uid == kUser);
        CHECK(std::distance(fs::directory_iterator(host.home), {}) == 1);
        host.check_untouched();
    }

    TEST_CASE("reading a large file ends on the host with the connection") {
        Home host;
        const fs::path path = host.dir.path / "large", source = host.dir.path / "source";
        for (const fs::path& file : {path, source}) {
            write_file(file, "");
            fs::resize_file(file, std::uintmax_t{64} << 30);
        }
        const auto readers = [&] {
            int count = 0;
            for (const auto& process : fs::directory_iterator("/proc")) {
                std::error_code gone;
                for (fs::directory_iterator it(process.path() / "fd", gone), end;
                     !gone && it != end; it.increment(gone))
                    if (fs::read_symlink(it->path(), gone) == fs::canonical(path)) ++count;
            }
            return count;
        };
        std::stop_source stop;
        const Provider& kind = *registry().provider("ssh");
        ProviderContext setting;
        setting.stop = stop.get_token();
        const auto provider = registry().provider("ssh")->open(
            kind.endpoints(type_named("host.file"),
                           Value::map({{"host", host.server.connection()}}), Value::map({}))
                .at(0),
            setting);
        const ReadRequest request{
            .type = &type_named("host.file"),
            .config = host.config(
                {{"path", path.string()}, {"source", source.string()}, {"owner", "root"}})};
        std::jthread reading([&] { // ends with an error, or Interrupted
            try {
                (void)provider->read({&request, 1}, {});
            } catch (const std::exception&) {
            }
        });
        while (readers() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        stop.request_stop();
        reading.join();
        while (readers() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }

    TEST_CASE("a plan reports that a foreign directory in a user's directory keeps its owner") {
        Home host;
        const std::string path = (host.home / "it").string();
        fs::create_directory(path);
        Managed directory(*host.provider, "host.directory",
                          host.config({{"path", path}, {"owner", "nobody"}, {"group", "nogroup"}}));
        CHECK(directory.read().state ==
              Observation::State::present); // an empty directory is accepted
        write_file(path + "/f", "root's");
        const Observation seen = directory.read();
        REQUIRE(seen.state == Observation::State::failed);
        CHECK(seen.error->kind == ErrorKind::conflict);
        CHECK(has(seen.error->message, "has a different owner than its parent directory"));
        CHECK(has(seen.error->hint, "set its owner by hand"));
        REQUIRE(::lchown(path.c_str(), kUser, kUser) == 0);
        CHECK(directory.read().state == Observation::State::present);
    }

    TEST_CASE("a default ACL of a user's directory gives no access to new files of root") {
        Home host;
        give_default_acl(host.home, kUser);
        const std::string path = (host.home / "it").string();
        const Value written = host.config({{"path", path}, {"content", "x"}, {"mode", "0640"}});
        Managed file(*host.provider, "host.file", written);
        file.create();
        CHECK((info_of(path).st_mode & 07777) == 0640);
        CHECK(::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) < 0);
        const std::string local = (host.home / "local").string();
        write_file(local, "x", 0640);
        CHECK(::getxattr(local.c_str(), "system.posix_acl_access", nullptr, 0) < 0);
        file.remove();
    }

    TEST_CASE("a foreign file or directory in a user's directory keeps its owner") {
        Home host;
        const std::string path = (host.home / "it").string();
        write_file(path, "root's too", 0600);
        const Value written = host.config(
            {{"path", path}, {"content", "x"}, {"owner", "nobody"}, {"group", "nogroup"}});
        Managed file(*host.provider, "host.file", written);
        CHECK(has(message_of([&] { file.update(written, {"owner"}); }), "a different owner than"));
        CHECK(info_of(path).st_uid == 0);
        {
            // if its content matches the spec, a new file replaces it
            write_file(path, "x", 0644);
            Managed planned(*host.provider, "host.file", written);
            CHECK_NOTHROW(planned.update(written, {"owner", "group"}));
            CHECK(info_of(path).st_uid == kUser);
            CHECK(read_file(path) == "x");
            write_file(path, "root's too", 0600);
            REQUIRE(::chown(path.c_str(), 0, 0) == 0);
        }
        Home::give(path);
        CHECK_NOTHROW(file.update(written, {"mode"}));
        CHECK((info_of(path).st_mode & 07777) == 0644);

        const fs::path other = host.home / "dir";
        fs::create_directory(other);
        write_file(other / "secret", "root's too", 0600);
        const Value wanted =
            host.config({{"path", other.string()}, {"owner", "nobody"}, {"group", "nogroup"}});
        Managed directory(*host.provider, "host.directory", wanted);
        CHECK(has(message_of([&] { directory.create(); }), "a different owner than"));
        CHECK(info_of(other).st_uid == 0);
        fs::remove(other / "secret");
        CHECK_NOTHROW(directory.create()); // an empty directory reveals nothing
        CHECK(info_of(other).st_uid == kUser);
        ::chmod(other.c_str(), 06755);
        CHECK_NOTHROW(directory.update(wanted, {"mode"}));
        CHECK((info_of(other).st_mode & 07777) == 0755);
    }

    TEST_CASE("only root can read notes, even if their directory already exists") {
        const fs::path notes = "/var/lib/hadeploy";
        const bool there = fs::exists(notes);
        fs::create_directories(notes);
        ::chmod(notes.c_str(), 0755);
        const fs::path old = notes / fmt::format("test-old-{}", ::getpid());
        write_file(old, "x\n", 0644);
        Home host;
        Managed command(*host.provider, "host.command",
                        host.config({{"run", "umask; echo secret"}, {"undo", "true"}}));
        CHECK(command.create()["stdout"] == Value("0022\nsecret"));
        CHECK((info_of(notes).st_mode & 07777) == 0700);
        CHECK((info_of(notes / command.identity()).st_mode & 07777) == 0600);
        CHECK((info_of(old).st_mode & 07777) == 0600);
        fs::remove(old);
        command.remove();
        if (there) fs::create_directories(notes);
    }

    TEST_CASE("authorized_keys: links to files of root are refused, also for reading") {
        Home host;
        const std::string name = fmt::format("hadeploy-p{}", ::getpid());
        struct Gone {
            std::string name;
            ~Gone() {
                if (::getpwnam(name.c_str())) run_process({.argv = {"userdel", name}});
            }
        } gone{name};
        const Value written = host.config({{"name", name},
                                           {"home", (host.dir.path / "u").string()},
                                           {"authorized_keys", Value::list({key_line("one")})}});
        Managed user(*host.provider, "host.user", written);
        user.create();
        const fs::path ssh = host.dir.path / "u/.ssh", keys = ssh / "authorized_keys";
        CHECK(read_file(keys) == key_line("one") + "\n");
        CHECK((info_of(keys).st_mode & 07777) == 0600);
        CHECK(info_of(keys).st_uid == info_of(host.dir.path / "u").st_uid);

        fs::remove(keys);
        fs::create_symlink(host.keys(), keys);
        CHECK(user.read().attributes["authorized_keys"] == Value::list({}));
        CHECK(has(message_of([&] { user.update(written, {"authorized_keys"}); }),
                  "is a symbolic link"));
        fs::remove(keys);
        REQUIRE(::mkfifo(keys.c_str(), 0600) == 0);
        CHECK(user.read().attributes["authorized_keys"] == Value::list({}));
        CHECK(has(message_of([&] { user.update(written, {"authorized_keys"}); }),
                  "is not a regular file"));
        fs::remove_all(ssh);
        fs::create_directory_symlink(host.dir.path / "etc", ssh);
        CHECK(user.read().state == Observation::State::failed);
        CHECK(has(message_of([&] { user.update(written, {"authorized_keys"}); }),
                  "is a symbolic link that a user may have created"));
        host.check_untouched();
        fs::remove(ssh);
        user.update(written, {"authorized_keys"});
        CHECK(read_file(keys) == key_line("one") + "\n");
        user.remove();
    }

    TEST_CASE("names swapped by a user's process do no harm: directories") {
        Home host;
        const fs::path a = host.home / "a", b = host.home / "b", link = host.home / "link";
        fs::create_directory(a);
        Home::give(a);
        fs::create_directory_symlink(host.dir.path / "etc", link);
        Home::give(link);
        host.race([&] { // `a` is a directory of the user, then a link to root's
            ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
        });
        int made = 0;
        for (int i = 0; i < kRounds; ++i) {
            Managed directory(
                *host.provider, "host.directory",
                host.config({{"path", a.string()}, {"owner", "nobody"}, {"mode", "0777"}}));
            made += tried([&] { directory.create(); });
            const Value written = host.config({{"path", (a / "shadow").string()},
                                               {"content", "owned"},
                                               {"owner", "nobody"},
                                               {"mode", "0666"}});
            Managed file(*host.provider, "host.file", written);
            made += tried([&] { file.create(); });
            tried([&] { file.update(written, {"mode"}); });
            tried([&] { file.remove(); });
            Managed below(*host.provider, "host.directory",
                          host.config({{"path", (a / "x/y").string()}, {"force", true}}));
            made += tried([&] { below.create(); });
            tried([&] { below.remove(); });
            host.check_untouched();
        }
        host.stop_racing();
        MESSAGE("of " << 3 * (kRounds) << " changes under attack " << made << " worked");
    }

    TEST_CASE("names swapped by a user's process do no harm: files") {
        Home host;
        const fs::path file = host.home / "file", own = host.home / "own",
                       link = host.home / "link", fifo = host.home / "fifo";
        for (const fs::path& p : {file, own}) {
            write_file(p, "mine", 0644);
            Home::give(p);
        }
        fs::create_symlink(host.secret(), link);
        Home::give(link);
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        Home::give(fifo);
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
            Managed managed(*host.provider, "host.file", written);
            managed.read(); // must end, even with a FIFO
            tried([&] { managed.create(); });
            tried([&] { managed.update(written, {"mode"}); });
            host.check_untouched();
        }
        host.stop_racing();
    }

    TEST_CASE("names swapped by a user's process do no harm: keys and trees") {
        Home host;
        const std::string name = fmt::format("hadeploy-r{}", ::getpid());
        run_checked({.argv = {"useradd", "-M", "-o", "-u", std::to_string(kUser), "-g", "nogroup",
                              "-d", host.home, name}});
        struct Gone {
            std::string name;
            ~Gone() { run_process({.argv = {"userdel", name}}); }
        } gone{name};
        const fs::path ssh = host.home / ".ssh", other = host.home / "other",
                       link = host.home / "link", keys_link = host.home / "keys";
        for (const fs::path& p : {ssh, other}) {
            fs::create_directory(p);
            Home::give(p);
        }
        fs::create_directory_symlink(host.dir.path / "etc", link);
        fs::create_symlink(host.keys(), keys_link);
        Home::give(link);
        Home::give(keys_link);
        host.race([&] {
            ::renameat2(AT_FDCWD, link.c_str(), AT_FDCWD, ssh.c_str(), RENAME_EXCHANGE);
            ::rename(keys_link.c_str(), (ssh / "authorized_keys").c_str());
            ::rename((ssh / "authorized_keys").c_str(), keys_link.c_str());
        });
        for (int i = 0; i < kRounds; ++i) {
            Managed user(*host.provider, "host.user",
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
            Managed tree(*host.provider, "host.directory",
                         host.config({{"path", ssh.string()}, {"force", true}}));
            if (i % 10 == 9) tried([&] { tree.remove(); });
            host.check_untouched();
        }
        host.stop_racing();
    }

    TEST_CASE("200 rounds of each type under attack in a user's home") {
        Home host;
        const std::string name = fmt::format("hadeploy-s{}", ::getpid());
        run_checked({.argv = {"useradd", "-M", "-o", "-u", std::to_string(kUser), "-g", "nogroup",
                              "-d", host.home, name}});
        struct Gone {
            std::string name;
            ~Gone() { run_process({.argv = {"userdel", name}}); }
        } gone{name};
        const fs::path a = host.home / ".ssh", link = host.home / "link", keys = host.home / "keys",
                       secret = host.home / "secret";
        fs::create_directory(a);
        fs::create_directory_symlink(host.dir.path / "etc", link);
        fs::create_symlink(host.keys(), keys);
        fs::create_symlink(host.secret(), secret);
        for (const fs::path& p : {a, link, keys, secret}) Home::give(p);
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
        const std::vector<std::pair<std::string, std::vector<Run>>> types{
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

namespace {
/// The owner of the directory replaces the file of root, whose mode is to be changed, with their
/// own file, and keeps it open.
template<typename Run>
void check_file_of_user(const std::string& path, const Run& run) {
    const std::string sha256 = sha256_hex("text\n");
    fs::remove(path);
    write_file(path, "text\n");
    Home::give(path);
    const Fd kept(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(run(ssh::own_file(path, "id", "root:root", "4755", sha256)).err == "");
    CHECK(info_of(path).st_uid == 0);
    CHECK((info_of(path).st_mode & 07777) == 04755);
    REQUIRE(::pwrite(kept.get(), "evil\n", 5, 0) == 5);
    CHECK(read_file(path) == "text\n");

    fs::remove(path);
    write_file(path, "evil\n", 0644);
    Home::give(path);
    CHECK(run(ssh::own_file(path, "id", "root:root", "4755", sha256)).err ==
          path + " has changed since it was read; run the command again\n");
    CHECK(info_of(path).st_uid == kUser);
    CHECK((info_of(path).st_mode & 07777) == 0644);
    CHECK(run(ssh::own_file(path, "id", "nobody:nogroup", "0600", sha256)).err == "");
    CHECK((info_of(path).st_mode & 07777) == 0600); // of the user's own file only the mode is set
    CHECK(std::distance(fs::directory_iterator(fs::path(path).parent_path()), {}) == 1);
}
} // namespace

namespace {
/// A tree is not removed through a mount, not even one of the same file system.
void check_mounts_in(const std::vector<std::string>& shell) {
    const TempDir dir;
    const std::string at = dir.path.string();
    std::vector<std::string> apart{"unshare", "-m"};
    apart.insert(apart.end(), shell.begin(), shell.end());
    for (const std::string name : {"tree", "a tree, with \\"}) {
        const std::string tree = at + "/" + name, kept = at + "/kept";
        fs::create_directories(tree + "/deep/mount");
        fs::create_directories(at + "/tree beside it");
        fs::create_directories(kept);
        write_file(kept + "/f", "x");
        const ProcessResult done = run_process(
            {.argv = apart,
             .input = fmt::format("{}mount --bind {} {}\n( set -eu\n{})\n", ssh::place_functions(),
                                  ssh::shell_quote(kept), ssh::shell_quote(tree + "/deep/mount"),
                                  ssh::remove_directory(tree, true))});
        CHECK(done.err ==
              fmt::format("{0} cannot be removed: something is mounted on {0}/deep/mount\n",
                          fs::canonical(tree).string()));
        CHECK(read_file(kept + "/f") == "x");
        const ProcessResult beside = run_process(
            {.argv = apart,
             .input = fmt::format("{}mount --bind {} {}\n( set -eu\n{})\n", ssh::place_functions(),
                                  ssh::shell_quote(kept), ssh::shell_quote(at + "/tree beside it"),
                                  ssh::remove_directory(tree, true))});
        CHECK(beside.err == "");
        CHECK(!fs::exists(tree));
    }
}

/// A file whose size differs is not read, even a sparse one of terabytes.
void check_large(const std::string& at, const auto& run) {
    const std::string path = at + "/large";
    write_file(path, "");
    fs::resize_file(path, std::uintmax_t{8} << 40);
    const auto hash = [&](const std::string& size) {
        return run(ssh::look_into(at) + "hadeploy_kind large -f >&2\nhadeploy_hash large '" + size +
                   "'")
            .out;
    };
    for (const char* size : {"5", "", "8796093022208"}) // larger than any source
        CHECK(hash(size) == "sha256 (8796093022208 bytes, not read)\n");
    fs::resize_file(path, 300u << 20);
    std::string all = hash("314572800");
    CHECK(all.ends_with("sha256 " + sha256_file(path) + "\n"));
    CHECK(all.starts_with("reading\n"));
    CHECK(!has(all, "unread"));
    fs::resize_file(path, 5);
    CHECK(hash("7") == "sha256 " + sha256_file(path) + "\n");
    fs::remove(path);
}

/// The functions do the same in every shell that a host may have.
void check_functions_in(const std::vector<std::string>& shell) {
    const TempDir dir;
    const std::string at = dir.path.string();
    const auto run = [&](const std::string& script, const std::string& input = "") {
        // BusyBox's own applets too, where the shell has them
        return run_process({.argv = shell,
                            .input = std::string(ssh::place_functions()) + "( set -eu\n" + script +
                                     ") <<'END'\n" + input + "\nEND\n"});
    };
    CHECK(run(ssh::make_directory(at + "/a/b", "nobody:nogroup", "0750")).err == "");
    CHECK(info_of(at + "/a/b").st_uid == kUser);
    CHECK(info_of(at + "/a").st_uid == 0);
    CHECK(run(ssh::put_file(at + "/a/b/f", "id", "root:root", "0640"), "text").err == "");
    CHECK(read_file(at + "/a/b/f") == "text\n");
    CHECK((info_of(at + "/a/b/f").st_mode & 07777) == 0640);
    CHECK(run(ssh::put_file(at + "/a/b/f", "id", "root:root", "0640", "00"), "new").err ==
          at + "/a/b/f arrived incomplete\n");
    CHECK(read_file(at + "/a/b/f") == "text\n");
    CHECK(std::distance(fs::directory_iterator(at + "/a/b"), {}) == 1);
    CHECK(run(ssh::look_into(at + "/a/b") + "( hadeploy_read f cat )").out == "text\n");
    CHECK(run(ssh::own_file(at + "/a/b/f", "id", "root:nogroup", "4755", "")).err == "");
    CHECK((info_of(at + "/a/b/f").st_mode & 07777) == 04755);
    check_file_of_user(at + "/a/b/f", run);
    fs::create_symlink("/etc", at + "/a/b/link");
    CHECK(run(ssh::remove_file(at + "/a/b/link/passwd", "id")).status == 1);
    fs::create_directories(at + "/a/b/c/.d/..e");
    write_file(at + "/a/b/c/.d/f", "x");
    CHECK(run(ssh::remove_directory(at + "/a/b", false)).status != 0);
    CHECK(run(ssh::remove_directory(at + "/a/b", true)).err == "");
    CHECK(!fs::exists(at + "/a/b"));
    CHECK(fs::exists("/etc/passwd"));
    CHECK(run(ssh::remove_directory(at + "/a/b", true)).status == 0);
    CHECK(run(ssh::look_into(at + "/none/x")).out == "absent\nnowhere\n");
    check_large(at, run);
}

bool mounts_possible() {
    return ::geteuid() == 0 && run_process({.argv = {"unshare", "-m", "true"}}).status == 0;
}
} // namespace

TEST_SUITE("as root" * doctest::skip(::geteuid() != 0)) {

    TEST_CASE("the functions work in dash") {
        check_functions_in({"dash"});
    }
    TEST_CASE("the functions work in bash") {
        check_functions_in({"bash", "--posix"});
    }

} // TEST_SUITE

TEST_SUITE("mount namespaces" * doctest::skip(!mounts_possible())) {

    TEST_CASE("a tree is not removed through a mount, in dash and bash") {
        check_mounts_in({"dash"});
        check_mounts_in({"bash", "--posix"});
    }

} // TEST_SUITE

TEST_SUITE("busybox" * doctest::skip(!mounts_possible() || !fs::exists("/bin/busybox"))) {

    TEST_CASE("the functions work in BusyBox's shell") {
        check_functions_in({"/bin/busybox", "sh"});
        check_mounts_in({"/bin/busybox", "sh"});
    }

} // TEST_SUITE
