// The types that change what belongs to the machine itself: on a host with an /etc of its own.
#include "core/process.h"
#include "ssh/own_host.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

TEST_SUITE("mount namespaces" * doctest::skip(!OwnHost::possible())) {

    TEST_CASE("host.hostname: set, changed by hand, set again, and the first name at the end") {
        OwnHost host;
        write_file(host.etc("hostname"), "before\n", 0644);
        const Value written = host.config({{"name", "web-a"}});
        Managed name(*host.endpoint, "host.hostname", written);
        CHECK(name.read().attributes.text("name") == "before");
        name.create();
        CHECK(read_file(host.etc("hostname")) == "web-a\n");
        CHECK(host.run("uname -n") == "web-a");
        CHECK(name.read().attributes.text("name") == "web-a");

        host.run("echo other >/proc/sys/kernel/hostname");
        CHECK(name.read().attributes.text("name") == "web-a (until the next start: other)");
        write_file(host.etc("hostname"), "# a comment\n\nanother\n", 0644);
        CHECK(name.read().attributes.text("name") == "another (until the next start: other)");
        name.update(written, {"name"});
        CHECK(name.read().attributes.text("name") == "web-a");

        name.remove();
        CHECK(read_file(host.etc("hostname")) == "before\n");
        CHECK(host.run("uname -n") == "before");
        CHECK(host.forgot());
    }

    TEST_CASE("host.hostname: a host without /etc/hostname has none afterwards") {
        OwnHost host;
        Managed name(*host.endpoint, "host.hostname", host.config({{"name", "web-b"}}));
        CHECK(name.read().attributes.text("name") == "before (not in /etc/hostname)");
        name.create();
        name.remove();
        CHECK(!fs::exists(host.etc("hostname")));
        CHECK(host.run("uname -n") == "before");
    }

    TEST_CASE("host.mount: mounted, changed by hand, mounted again, unmounted") {
        OwnHost host;
        write_file(host.etc("fstab"), "# kept\n/dev/sda1 / ext4 defaults 0 1\n", 0640);
        const auto mount = [&](const char* options) {
            return host.config({{"path", "/mnt/my data"},
                                {"source", "tmpfs"},
                                {"fs", "tmpfs"},
                                {"options", options}});
        };
        Managed data(*host.endpoint, "host.mount", mount("size=1m,noexec"));
        CHECK(data.read().state == Observation::State::absent);
        data.create();
        CHECK(data.read().attributes.text("options") == "size=1m,noexec");
        CHECK(read_file(host.etc("fstab")) == "# kept\n/dev/sda1 / ext4 defaults 0 1\n"
                                              "tmpfs /mnt/my\\040data tmpfs size=1m,noexec 0 0\n");
        CHECK(fs::status(host.etc("fstab")).permissions() == fs::perms(0640));
        host.run("echo x >'/mnt/my data/file'");

        host.run("mount -o remount,ro '/mnt/my data'");
        CHECK(data.read().attributes.text("options") == "size=1m,noexec (mounted with: ro)");
        data.update(mount("size=1m,noexec"), {"options"});
        CHECK(data.read().attributes.text("options") == "size=1m,noexec");
        data.update(mount("size=2m,noatime"), {"options"});
        CHECK(data.read().attributes.text("options") == "size=2m,noatime");
        CHECK(host.run("cat '/mnt/my data/file'") == "x"); // it was never unmounted

        host.run("umount '/mnt/my data'");
        CHECK(!data.read().attributes.flag("mounted", true));
        data.update(mount("size=2m,noatime"), {"mounted"});
        write_file(host.etc("fstab"), "/dev/sda1 / ext4 defaults 0 1\n", 0640);
        CHECK(data.read().attributes.text("options") == "(not in /etc/fstab)");
        data.update(mount("size=2m,noatime"), {"options"});
        CHECK(data.decision().action == std::nullopt);

        data.remove();
        CHECK(read_file(host.etc("fstab")) == "/dev/sda1 / ext4 defaults 0 1\n");
        CHECK(data.read().state == Observation::State::absent);
        CHECK(!fs::exists(host.dir.path / "mnt/my data"));
        CHECK(host.forgot());
    }

    TEST_CASE("host.mount: a file system in use stays mounted, and its users are named") {
        OwnHost host;
        Managed data(*host.endpoint, "host.mount",
                     host.config({{"path", "/mnt/busy"}, {"source", "tmpfs"}, {"fs", "tmpfs"}}));
        data.create();
        host.run("mkdir /mnt/busy/in; mount -t tmpfs tmpfs /mnt/busy/in\n"
                 "(cd /mnt/busy && exec sleep 60 >/dev/null 2>&1 </dev/null) & echo $! >/mnt/pid");
        const std::string pid = host.run("cat /mnt/pid");
        const Error error = error_of([&] { data.remove(); });
        CHECK(has(error.message, "/mnt/busy is in use by sleep (" + pid +
                                     "), the mount on "
                                     "/mnt/busy/in"));
        CHECK(data.read().attributes.flag("mounted"));
        host.run("kill " + pid + "; umount /mnt/busy/in");
        data.remove();
        CHECK(data.read().state == Observation::State::absent);
    }

    TEST_CASE("host.mount: a bind mount moves to another source") {
        OwnHost host;
        for (const char* name : {"a", "b"}) {
            fs::create_directory(host.dir.path / "mnt" / name);
            write_file(host.dir.path / "mnt" / name / "name", name);
        }
        const auto mount = [&](const char* source) {
            return host.config({{"path", "/mnt/view"},
                                {"source", source},
                                {"fs", "none"},
                                {"options", "bind,ro"}});
        };
        Managed view(*host.endpoint, "host.mount", mount("/mnt/a"));
        view.create();
        CHECK(view.read().attributes.text("options") == "bind,ro");
        CHECK(host.run("cat /mnt/view/name") == "a");
        view.update(mount("/mnt/b"), {"source"});
        CHECK(host.run("cat /mnt/view/name") == "b");
        CHECK(has(error_of([&] { view.update(mount("/mnt/none"), {"source"}); }).message,
                  "/mnt/none"));
        CHECK(host.run("cat /mnt/view/name") == "b"); // mounted again
        host.run("mount -t tmpfs stranger /mnt/view");
        CHECK(has(error_of([&] { view.update(mount("/mnt/a"), {"source"}); }).message,
                  "something else is mounted on /mnt/view: stranger tmpfs"));
        host.run("umount /mnt/view");
        view.update(mount("/mnt/b"), {"source"});
        view.remove();
        CHECK(!fs::exists(host.dir.path / "mnt/view"));
    }

    TEST_CASE("host.mount: what is not ours is refused or stays") {
        OwnHost host;
        const std::string entry = "tmpfs /mnt/theirs tmpfs size=1m 0 0\n";
        write_file(host.etc("fstab"), entry, 0644);
        fs::create_directory(host.dir.path / "mnt/theirs");
        const auto mount = [&](const char* path, const char* options) {
            return host.config(
                {{"path", path}, {"source", "tmpfs"}, {"fs", "tmpfs"}, {"options", options}});
        };
        Managed other(*host.endpoint, "host.mount", mount("/mnt/theirs", "size=2m"));
        CHECK(has(other.read().foreign, "tmpfs /mnt/theirs tmpfs size=1m 0 0"));
        CHECK(has(error_of([&] { other.decision(); }).message, "belongs to somebody else"));
        Managed same(*host.endpoint, "host.mount", mount("/mnt/theirs", "size=1m"));
        CHECK(same.read().foreign == "");
        same.create(); // it is only mounted
        same.remove();
        CHECK(read_file(host.etc("fstab")) == entry);
        CHECK(host.run("grep -c /mnt/theirs /proc/mounts || :") == "0");

        write_file(host.dir.path / "mnt/theirs/file", "x");
        Managed hiding(*host.endpoint, "host.mount", mount("/mnt/theirs", "size=1m"));
        CHECK(has(error_of([&] { hiding.create(); }).message, "the mount would hide its contents"));
        Managed broken(*host.endpoint, "host.mount", mount("/mnt/broken", "size=nonsense"));
        CHECK(error_of([&] { broken.create(); }).message != "(no error)");
        CHECK(read_file(host.etc("fstab")) == entry);

        fs::create_directory(host.dir.path / "mnt/home");
        REQUIRE(::chown((host.dir.path / "mnt/home").c_str(), 65534, 65534) == 0);
        Managed home(*host.endpoint, "host.mount", mount("/mnt/home/data", "size=1m"));
        CHECK(has(error_of([&] { home.create(); }).message,
                  "in a directory that a user other than root owns"));
    }

} // TEST_SUITE
