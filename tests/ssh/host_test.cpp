// The types on a real sshd: what they create on this machine, in a temporary directory.
#include "core/file.h"
#include "core/process.h"
#include "ssh/real_host.h"
#include "ssh/user_cleanup.h"

#include <doctest/doctest.h>
#include <functional>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
constexpr auto present = Observation::State::present;
constexpr auto absent = Observation::State::absent;
} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("host.file: created, drifted, repaired, removed") {
        const Host host;
        const std::string path = host.path("it's a file");
        const Value written =
            host.config({{"path", path}, {"content", "hello\n"}, {"mode", "0640"}});
        Managed file(*host.endpoint, "host.file", written);
        CHECK(file.read().state == absent);
        CHECK(file.create()["sha256"] == file.config["sha256"]);
        CHECK(read_file(path) == "hello\n");
        CHECK(mode_of(path) == 0640);
        CHECK(file.read().attributes["content"] == Value("hello\n"));

        write_file(path, "by hand\n", 0640);
        CHECK(file.read().attributes["sha256"] != file.config["sha256"]);
        file.update(written, {"sha256"});
        CHECK(read_file(path) == "hello\n");
        ::chmod(path.c_str(), 0777);
        CHECK(file.read().attributes["mode"] == Value("0777"));
        file.update(written, {"mode"});
        CHECK(mode_of(path) == 0640);

        fs::remove(path);
        const TempDir elsewhere; // nothing of this machine, in case the link is followed
        write_file(elsewhere.path / "kept", "x");
        fs::create_symlink(elsewhere.path / "kept", path);
        file.update(written, {"sha256"});
        CHECK(!fs::is_symlink(path));
        CHECK(read_file(path) == "hello\n");
        CHECK(read_file(elsewhere.path / "kept") == "x");
        file.remove();
        CHECK(fs::is_empty(host.dir.path)); // no temporary file either
    }

    TEST_CASE("host.file: a missing parent directory is detected when it is read") {
        const Host host;
        const auto lacks = [&](const std::string& path) {
            return Managed(*host.endpoint, "host.file",
                           host.config({{"path", host.path(path)}, {"content", "x"}}))
                .read()
                .lacks;
        };
        CHECK(lacks("a") == "");
        CHECK(lacks("none/deep/a") == host.path("none/deep"));
        write_file(host.path("regular"), "");
        CHECK(lacks("regular/a") == host.path("regular"));
    }

    TEST_CASE("host.file: large and binary content is streamed completely") {
        const Host host;
        const std::string content = test::some_bytes(3'000'000);
        write_file(host.path("source"), content);
        Managed file(*host.endpoint, "host.file",
                     host.config({{"path", host.path("copy")}, {"source", host.path("source")}}));
        file.create();
        CHECK((read_file(host.path("copy")) == content));
    }

    TEST_CASE("host.file: errors name step and cause, and keep the old file") {
        const Host host;
        Managed missing(*host.endpoint, "host.file",
                        host.config({{"path", host.path("no/such/file")}, {"content", "x"}}));
        const Error error = error_of([&] { missing.create(); });
        CHECK(error.message.find("writing " + host.path("no/such/file")) != std::string::npos);
        const std::string path = host.path("kept");
        write_file(path, "old");
        const Value bad =
            host.config({{"path", path}, {"content", "new"}, {"owner", "no-such-user"}});
        Managed file(*host.endpoint, "host.file", bad);
        CHECK(error_of([&] { file.create(); }).message.find("invalid user") != std::string::npos);
        CHECK(read_file(path) == "old");
        CHECK(std::distance(fs::directory_iterator(host.dir.path), {}) == 1);
        fs::create_directory(host.path("dir"));
        Managed other(*host.endpoint, "host.file",
                      host.config({{"path", host.path("dir")}, {"content", "x"}}));
        CHECK(other.read().error->kind == ErrorKind::conflict);
    }

    TEST_CASE("host.file: removal deletes partial files of a power cut") {
        const Host host;
        const std::string path = host.path("a");
        Managed file(*host.endpoint, "host.file", host.config({{"path", path}, {"content", "x"}}));
        file.create();
        fs::rename(path, host.path(".hadeploy-" + file.identity()));
        CHECK(file.read().state == present);
        file.remove();
        CHECK(fs::is_empty(host.dir.path));
        CHECK(file.read().state == absent);
    }

    TEST_CASE("host.directory: created, repaired, removed only if empty") {
        const Host host;
        const std::string path = host.path("a/b");
        const Value written = host.config({{"path", path}, {"mode", "0750"}});
        Managed directory(*host.endpoint, "host.directory", written);
        directory.create();
        CHECK(mode_of(path) == 0750);
        ::chmod(path.c_str(), 0700);
        CHECK(directory.read().attributes["mode"] == Value("0700"));
        directory.update(written, {"mode"});
        CHECK(mode_of(path) == 0750);
        write_file(path + "/file", "x");
        CHECK(error_of([&] { directory.remove(); }).hint.find("force: true") != std::string::npos);
        directory.update(written.with("keep", true), {});
        CHECK_NOTHROW(directory.remove());
        CHECK(fs::exists(path));
        Managed forced(*host.endpoint, "host.directory", written.with("force", true));
        forced.create();
        forced.remove();
        CHECK(!fs::exists(path));
    }

    TEST_CASE("host.hosts: only our block is changed") {
        const Host host;
        const std::string path = host.path("hosts");
        write_file(path, "127.0.0.1 localhost\n\n# a comment\n", 0644);
        const auto entries = [](const char* b) {
            return Value::map({{"a", "10.0.0.1"}, {"b", b}});
        };
        const Value written = host.config({{"path", path}, {"entries", entries("10.0.0.2")}});
        Managed names(*host.endpoint, "host.hosts", written);
        CHECK(names.read().state == absent);
        names.create();
        const std::string whole = read_file(path);
        CHECK(whole == "# BEGIN hadeploy (managed by hadeploy)\n10.0.0.1 a\n10.0.0.2 b\n"
                       "# END hadeploy\n127.0.0.1 localhost\n\n# a comment\n");
        CHECK(mode_of(path) == 0644);
        std::string drifted = whole;
        drifted.replace(drifted.find("10.0.0.2 b\n"), 11, "");
        write_file(path, drifted + "192.0.2.1 mine\n", 0644);
        CHECK(names.read().attributes["entries"] != written["entries"]);
        names.update(written, {"entries"});
        CHECK(read_file(path) == whole + "192.0.2.1 mine\n");
        names.update(written.with("entries", entries("10.0.0.3")), {"entries"});
        CHECK(read_file(path).find("10.0.0.3 b\n") != std::string::npos);
        // Somebody removed the end of the block: no line is lost.
        write_file(path, "1.1.1.1 before\n# BEGIN hadeploy (managed by hadeploy)\n2.2.2.2 after\n",
                   0644);
        CHECK(names.read().state == absent);
        names.create();
        CHECK(read_file(path).find("2.2.2.2 after\n") != std::string::npos);
        names.remove();
        CHECK(read_file(path).find("10.0.0.1") == std::string::npos);
        CHECK(read_file(path).find("1.1.1.1 before\n") != std::string::npos);
        CHECK(std::distance(fs::directory_iterator(host.dir.path), {}) == 1);
    }

    TEST_CASE("host.command: once, again when triggered, undone") {
        const Host host;
        const std::string log = host.path("log");
        const auto written = [&](const char* trigger) {
            return host.config({{"run", "echo \"$WORD\" >>" + log + "; echo out; echo err >&2"},
                                {"undo", "rm " + log},
                                {"environment", Value::map({{"WORD", "it's \"x\""}})},
                                {"triggers", Value::map({{"t", trigger}})}});
        };
        Managed command(*host.endpoint, "host.command", written("1"));
        CHECK(command.read().state == absent);
        CHECK(command.create()["stdout"] == Value("out"));
        CHECK(command.read().state == present);
        CHECK(read_file(log) == "it's \"x\"\n");
        command.update(written("2"), {"triggers"});
        CHECK(read_file(log) == "it's \"x\"\nit's \"x\"\n");
        command.remove();
        CHECK(!fs::exists(log));
        CHECK(command.read().state == absent);

        const char* bashism = "set -o pipefail; [[ a == a ]] && echo \"$WORD ok\"";
        Managed in_sh(*host.endpoint, "host.command", host.config({{"run", bashism}}));
        CHECK(error_of([&] { in_sh.create(); }).hint.find("shell: bash") != std::string::npos);
        Managed in_bash(*host.endpoint, "host.command",
                        host.config({{"run", bashism},
                                     {"shell", "bash"},
                                     {"environment", Value::map({{"WORD", "it's"}})}}));
        CHECK(in_bash.create()["stdout"] == Value("it's ok"));
        in_bash.remove();
        // any user can read command lines, so the script's text must not be on one
        Managed listing(*host.endpoint, "host.command",
                        host.config({{"run", "word=not-to-be-seen\ncat /proc/[0-9]*/cmdline 2>&- | "
                                             "tr '\\0' '\\n' | grep -c 'not-to-be[-]seen' || :"},
                                     {"shell", "bash"}}));
        CHECK(listing.create()["stdout"] == Value("0"));
        listing.remove();

        Managed broken(*host.endpoint, "host.command",
                       host.config({{"run", "echo 'what a pity' >&2; false; touch " + log}}));
        const Error error = error_of([&] { broken.create(); });
        CHECK(error.message.find("what a pity") != std::string::npos);
        CHECK(!fs::exists(log));
        CHECK(broken.read().state == absent);
        Managed slow(*host.endpoint, "host.command",
                     host.config({{"run", "echo begun; sleep 600 & sleep 600; touch " + log},
                                  {"timeout", "1s"}}));
        CHECK(error_of([&] { slow.create(); }).message.find("it took longer than 1 s") !=
              std::string::npos);
        CHECK(slow.read().state == absent);
        Managed syntax(*host.endpoint, "host.command", host.config({{"run", "if 'then"}}));
        CHECK_THROWS_AS(syntax.create(), Error);
        Managed creates(*host.endpoint, "host.command",
                        host.config({{"run", "touch " + log}, {"creates", log}}));
        creates.create();
        CHECK(creates.read().state == present);
        Managed unless(*host.endpoint, "host.command",
                       host.config({{"run", "true"}, {"unless", "[ -e " + log + " ]"}}));
        CHECK(unless.read().state == present);
        fs::remove(log);
        CHECK(unless.read().state == absent);
        creates.remove();
        if (fs::exists("/var/lib/hadeploy"))
            for (const auto& left : fs::directory_iterator("/var/lib/hadeploy"))
                CHECK(left.path().filename().string().find(fmt::format("test-{}-", ::getpid())) !=
                      0);
    }

    TEST_CASE("host.user and host.group: created and reverted; existing ones stay") {
        const Host host;
        // Names that are unique to this process; removed even if a check fails.
        struct Names {
            std::string user = fmt::format("hadeploy-u{}", ::getpid());
            std::string group = fmt::format("hadeploy-g{}", ::getpid());
            ~Names() {
                if (::getpwnam(user.c_str())) run_process({.argv = {"userdel", user}});
                if (::getgrnam(group.c_str())) run_process({.argv = {"groupdel", group}});
            }
        } names;
        const std::string &name = names.user, &group = names.group;
        REQUIRE(::getpwnam(name.c_str()) == nullptr);
        Managed made_group(*host.endpoint, "host.group",
                           host.config({{"name", group}, {"system", true}}));
        CHECK(made_group.create()["gid"].is_integer());
        const auto list = [](std::vector<std::string> all) {
            return Value::list(Value::List(all.begin(), all.end()));
        };
        const Value written =
            host.config({{"name", name},
                         {"groups", list({group})},
                         {"home", host.path("home")},
                         {"shell", "/bin/sh"},
                         {"authorized_keys", list({key_line("one"), key_line("two")})}});
        Managed user(*host.endpoint, "host.user", written);
        CHECK(user.create()["uid"].is_integer());
        CHECK(read_file(host.path("home/.ssh/authorized_keys")) ==
              key_line("one") + "\n" + key_line("two") + "\n");
        CHECK(mode_of(host.path("home/.ssh")) == 0700);

        // A second resource adopts the user, and reverts only its own additions.
        Managed second(*host.endpoint, "host.user",
                       host.config({{"name", name},
                                    {"groups", list({"adm"})},
                                    {"authorized_keys", list({key_line("three")})}}));
        CHECK(second.read().attributes["groups"] == list({}));
        second.create();
        CHECK(second.read().attributes["groups"] == list({"adm"}));
        run_checked({.argv = {"gpasswd", "-d", name, "adm"}});
        CHECK(second.read().attributes["groups"] == list({}));
        second.update(host.config({{"name", name},
                                   {"groups", list({"adm"})},
                                   {"authorized_keys", list({key_line("three")})}}),
                      {"groups"});
        second.remove();
        REQUIRE(::getpwnam(name.c_str()) != nullptr);
        CHECK(second.read().attributes["groups"] == list({}));
        CHECK(read_file(host.path("home/.ssh/authorized_keys")) ==
              key_line("one") + "\n" + key_line("two") + "\n");

        user.update(written.with("authorized_keys", list({key_line("two")})), {"authorized_keys"});
        CHECK(read_file(host.path("home/.ssh/authorized_keys")) == key_line("two") + "\n");
        user.remove();
        CHECK(::getpwnam(name.c_str()) == nullptr);
        CHECK(!fs::exists(host.path("home")));
        made_group.remove();
        CHECK(::getgrnam(group.c_str()) == nullptr);
    }

    TEST_CASE("host.user: for an existing user only files created for its keys are removed") {
        const Host host;
        const std::string name = fmt::format("hadeploy-k{}", ::getpid());
        run_checked({.argv = {"useradd", "-m", "-d", host.path("home"), name}});
        const UserCleanup cleanup(name);
        const fs::path ssh = host.path("home/.ssh"), keys = ssh / "authorized_keys";
        const Value written =
            host.config({{"name", name}, {"authorized_keys", Value::list({key_line("a")})}});
        const auto made_and_removed = [&](const std::function<void()>& meanwhile) {
            Managed user(*host.endpoint, "host.user", written);
            user.create();
            meanwhile();
            user.remove();
        };
        made_and_removed([] {});
        CHECK(!fs::exists(ssh));
        CHECK(fs::exists(host.path("home")));
        made_and_removed([&] { write_file(keys, key_line("a") + "\n" + key_line("b") + "\n"); });
        CHECK(read_file(keys) == key_line("b") + "\n"); // the other key is left alone
        fs::remove(keys);
        made_and_removed([] {});
        CHECK(!fs::exists(keys));
        CHECK(fs::exists(ssh)); // it existed before
        write_file(keys, "");
        made_and_removed([] {});
        CHECK(fs::exists(keys));
        // Text tools treat a file with a NUL as binary.
        const std::string others = std::string("# a\0b\n", 6) + key_line("b") + "\n";
        fs::remove(keys);
        made_and_removed([&] { write_file(keys, others + key_line("a") + "\n"); });
        CHECK(read_file(keys) == others);
    }

    TEST_CASE("host.user: a directory of somebody else is neither moved nor removed as a home") {
        const Host host;
        const std::string name = fmt::format("hadeploy-h{}", ::getpid());
        const UserCleanup cleanup(name);
        fs::create_directory(host.path("shared"));
        write_file(host.path("shared/file"), "kept");
        Managed made(*host.endpoint, "host.user",
                     host.config({{"name", name}, {"home", host.path("shared")}}));
        made.create();
        made.update(host.config({{"name", name}, {"home", host.path("own")}}), {"home"});
        CHECK(read_file(host.path("shared/file")) == "kept");
        made.update(host.config({{"name", name}, {"home", host.path("shared")}}), {"home"});
        made.remove();
        CHECK(::getpwnam(name.c_str()) == nullptr);
        CHECK(read_file(host.path("shared/file")) == "kept");

        const UserCleanup other(fmt::format("hadeploy-i{}", ::getpid()));
        Managed again(*host.endpoint, "host.user",
                      host.config({{"name", name}, {"home", host.path("own")}}));
        again.create();
        run_checked({.argv = {"useradd", "-M", "-d", host.path("own/inner"), other.name}});
        again.remove();
        CHECK(::getpwnam(name.c_str()) == nullptr);
        CHECK(fs::exists(host.path("own")));
    }

    TEST_CASE("host.user: a user that could not be created is not removed when somebody adds it") {
        const Host host;
        struct Names {
            std::string name = fmt::format("hadeploy-f{}", ::getpid());
            ~Names() {
                if (::getpwnam(name.c_str())) run_process({.argv = {"userdel", name}});
                if (::getgrnam(name.c_str())) run_process({.argv = {"groupdel", name}});
            }
        } names;
        run_checked({.argv = {"groupadd", names.name}}); // useradd refuses to create it again
        Managed user(*host.endpoint, "host.user",
                     host.config({{"name", names.name}, {"home", host.path("home")}}));
        CHECK(error_of([&] { user.create(); }).message.find("exists") != std::string::npos);
        run_checked(
            {.argv = {"useradd", "-m", "-d", host.path("home"), "-g", names.name, names.name}});
        CHECK(user.read().attributes["created"] == Value(false));
        user.create();
        user.remove();
        CHECK(::getpwnam(names.name.c_str()) != nullptr);
        CHECK(fs::exists(host.path("home")));
    }

    TEST_CASE("ssh.host: trusted on first use, with facts") {
        const Host host;
        const Value written = Value::map({{"address", "127.0.0.1"},
                                          {"port", host.server.port()},
                                          {"private_key_file", host.server.key_file()},
                                          {"trust_on_first_use", true}});
        Provider& provider = *registry().provider("ssh");
        const Value config = config_of("ssh.host", written);
        const auto endpoint =
            provider.open(provider.endpoints(type_named("ssh.host"), config, Value::map({})).at(0),
                          ProviderContext{});
        Managed machine(*endpoint, "ssh.host", written);
        const Value attributes = machine.create();
        CHECK(host.server.connection()
                  .text("host_key")
                  .starts_with(attributes["connection"].text("host_key")));
        CHECK(!attributes.text("hostname").empty());
        CHECK_NOTHROW(machine.remove());
    }

    TEST_CASE("ssh.key: a pair that ssh-keygen can read, removed without a trace") {
        const TempDir dir;
        ProviderContext context;
        context.data_dir = dir.path / ".hadeploy";
        context.project = "demo";
        Provider& provider = *registry().provider("ssh");
        const auto endpoint = provider.open(
            provider.endpoints(*registry().type("ssh.key"), Value::map({}), Value::map({})).at(0),
            context);
        Managed key(*endpoint, "ssh.key", Value::map({}));
        CHECK(key.read().state == absent);
        const Value made = key.create();
        const std::string file = made.text("private_key_file");
        CHECK(file == (context.data_dir / "keys/operator").string());
        CHECK(mode_of(file) == 0600);
        const std::string shown = run_checked({.argv = {"ssh-keygen", "-y", "-f", file}}).out;
        CHECK(shown.starts_with(made.text("public_key").substr(0, 60)));
        CHECK(key.create()["public_key"] == made["public_key"]);
        key.remove();
        CHECK(!fs::exists(context.data_dir / "keys"));
    }

    TEST_CASE("reads share one exec, and so do consecutive changes; a failure stops the rest") {
        const Host host;
        const ssh::Counters before = ssh::counters();
        std::vector<ReadRequest> requests(50);
        std::vector<Change> changes(4);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            const Value config =
                config_of("host.file", host.config({{"path", host.path(std::to_string(i))},
                                                    {"content", std::to_string(i)}}));
            requests[i].type = registry().type("host.file");
            requests[i].config = config;
            if (i >= changes.size()) continue;
            changes[i].address = "file" + std::to_string(i);
            changes[i].type = requests[i].type;
            changes[i].identity = std::to_string(i);
            changes[i].after = config;
        }
        changes[2].after = changes[2].after.with("owner", "no-such-user");
        CHECK(host.endpoint->read(requests, {}).size() == 50);
        CHECK(ssh::counters().execs - before.execs == 1);
        Results results(changes.size());
        host.endpoint->apply(changes, results);
        CHECK(ssh::counters().execs - before.execs == 2);
        CHECK(ssh::counters().connections == before.connections); // made when the host was opened
        CHECK(results.order == std::vector<std::size_t>{0, 1});
        REQUIRE(results.errors[2]);
        CHECK(results.left == std::vector<std::size_t>{3});
        CHECK(read_file(host.path("1")) == "1");
        CHECK(!fs::exists(host.path("3")));
    }

} // TEST_SUITE
