// Writes by root in directories of a user, on a real sshd, with files placed by that user.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/place.h"
#include "providers/ssh/provider.h"
#include "ssh/host_case.h"
#include "ssh/user_cleanup.h"
#include "ssh/user_home.h"

#include <chrono>
#include <doctest/doctest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

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
        UserHome host;
        fs::create_directory_symlink(host.dir.path / "etc", host.home / "conf");
        Managed file(*host.endpoint, "host.file",
                     host.config({{"path", (host.home / "conf/new").string()}, {"content", "x"}}));
        CHECK(has(message_of([&] { file.create(); }), "is a symbolic link that a user may have"));
        CHECK(file.read().state == Observation::State::failed);
        Managed directory(*host.endpoint, "host.directory",
                          host.config({{"path", (host.home / "conf").string()},
                                       {"owner", "nobody"},
                                       {"group", "nogroup"}}));
        CHECK(has(message_of([&] { directory.create(); }), "is a symbolic link that a user"));
        Managed below(*host.endpoint, "host.directory",
                      host.config({{"path", (host.home / "conf/a/b").string()}}));
        CHECK(has(message_of([&] { below.create(); }), "is a symbolic link that a user may have"));
        host.check_untouched();

        fs::create_directory(host.dir.path / "run");
        fs::create_directory_symlink("run", host.dir.path / "var-run");
        const Value written =
            host.config({{"path", (host.dir.path / "var-run/pid").string()}, {"content", "x"}});
        Managed linked(*host.endpoint, "host.file", written);
        // The directory of the server is created by mkdtemp below /tmp, where anybody may create
        // links.
        linked.create();
        CHECK(read_file(host.dir.path / "run/pid") == "x");
        CHECK(linked.read().attributes["content"] == Value("x"));
        linked.remove();
        CHECK(fs::is_empty(host.dir.path / "run"));
    }

    TEST_CASE("a FIFO, device, socket or hard link is refused without opening it") {
        UserHome host;
        const std::string path = (host.home / "it").string();
        const Value written =
            host.config({{"path", path}, {"content", "x"}, {"owner", "nobody"}, {"mode", "0600"}});
        Managed file(*host.endpoint, "host.file", written);
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
        UserHome host;
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
        Provider& provider = *registry().provider("ssh");
        ProviderContext context;
        context.stop = stop.get_token();
        const auto endpoint = provider.open(
            provider
                .endpoints(type_named("host.file"),
                           Value::map({{"host", host.server.connection()}}), Value::map({}))
                .at(0),
            context);
        const ReadRequest request{
            .type = &type_named("host.file"),
            .config = host.config(
                {{"path", path.string()}, {"source", source.string()}, {"owner", "root"}})};
        std::jthread reading([&] { // ends with an error, or Interrupted
            try {
                (void)endpoint->read({&request, 1}, {});
            } catch (const std::exception&) {
            }
        });
        while (readers() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        stop.request_stop();
        reading.join();
        while (readers() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }

    TEST_CASE("a plan reports that a foreign directory in a user's directory keeps its owner") {
        UserHome host;
        const std::string path = (host.home / "it").string();
        fs::create_directory(path);
        Managed directory(*host.endpoint, "host.directory",
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
        UserHome host;
        give_default_acl(host.home, kUser);
        const std::string path = (host.home / "it").string();
        const Value written = host.config({{"path", path}, {"content", "x"}, {"mode", "0640"}});
        Managed file(*host.endpoint, "host.file", written);
        file.create();
        CHECK((info_of(path).st_mode & 07777) == 0640);
        CHECK(::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) < 0);
        const std::string local = (host.home / "local").string();
        write_file(local, "x", 0640);
        CHECK(::getxattr(local.c_str(), "system.posix_acl_access", nullptr, 0) < 0);
        file.remove();
    }

    TEST_CASE("a foreign file or directory in a user's directory keeps its owner") {
        UserHome host;
        const std::string path = (host.home / "it").string();
        write_file(path, "root's too", 0600);
        const Value written = host.config(
            {{"path", path}, {"content", "x"}, {"owner", "nobody"}, {"group", "nogroup"}});
        Managed file(*host.endpoint, "host.file", written);
        CHECK(has(message_of([&] { file.update(written, {"owner"}); }), "a different owner than"));
        CHECK(info_of(path).st_uid == 0);
        {
            // if its content matches the spec, a new file replaces it
            write_file(path, "x", 0644);
            Managed planned(*host.endpoint, "host.file", written);
            CHECK_NOTHROW(planned.update(written, {"owner", "group"}));
            CHECK(info_of(path).st_uid == kUser);
            CHECK(read_file(path) == "x");
            write_file(path, "root's too", 0600);
            REQUIRE(::chown(path.c_str(), 0, 0) == 0);
        }
        UserHome::give(path);
        CHECK_NOTHROW(file.update(written, {"mode"}));
        CHECK((info_of(path).st_mode & 07777) == 0644);

        const fs::path other = host.home / "dir";
        fs::create_directory(other);
        write_file(other / "secret", "root's too", 0600);
        const Value wanted =
            host.config({{"path", other.string()}, {"owner", "nobody"}, {"group", "nogroup"}});
        Managed directory(*host.endpoint, "host.directory", wanted);
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
        UserHome host;
        Managed command(*host.endpoint, "host.command",
                        host.config({{"run", "umask; echo secret"}, {"undo", "true"}}));
        CHECK(command.create()["stdout"] == Value("0022\nsecret"));
        CHECK((info_of(notes).st_mode & 07777) == 0700);
        CHECK((info_of(notes / command.identity()).st_mode & 07777) == 0600);
        CHECK((info_of(old).st_mode & 07777) == 0600);
        fs::remove(old);
        command.remove();
        if (there) fs::create_directories(notes);
    }

    TEST_CASE("the home of a user is not made in a directory of another user") {
        UserHome host;
        const std::string name = fmt::format("hadeploy-h{}", ::getpid());
        const UserCleanup cleanup(name);
        const fs::path safe = host.dir.path / "homes/one", unsafe = host.home / "two";
        const auto user = [&](const fs::path& home) {
            return host.config({{"name", name}, {"home", home.string()}});
        };
        Managed there(*host.endpoint, "host.user", user(unsafe));
        CHECK(has(message_of([&] { there.create(); }), "is in a directory of a user"));
        CHECK(::getpwnam(name.c_str()) == nullptr);
        CHECK(fs::is_empty(host.home));
        Managed made(*host.endpoint, "host.user", user(safe)); // with its parent directory
        made.create();
        CHECK(info_of(safe).st_uid != 0);
        CHECK(info_of(safe.parent_path()).st_uid == 0);
        CHECK(has(message_of([&] { made.update(user(unsafe), {"home"}); }),
                  "is in a directory of a user"));
        CHECK(fs::is_empty(host.home));
        UserHome::give(safe.parent_path()); // a removal leaves it there
        made.remove();
        CHECK(::getpwnam(name.c_str()) == nullptr);
        CHECK(fs::exists(safe));
    }

    TEST_CASE("authorized_keys: links to files of root are refused, also for reading") {
        UserHome host;
        const std::string name = fmt::format("hadeploy-p{}", ::getpid());
        const UserCleanup cleanup(name);
        const Value written = host.config({{"name", name},
                                           {"home", (host.dir.path / "u").string()},
                                           {"authorized_keys", Value::list({key_line("one")})}});
        Managed user(*host.endpoint, "host.user", written);
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

} // TEST_SUITE
