// host.line and host.block on a real sshd.
#include "core/file.h"
#include "ssh/real_host.h"
#include "ssh/user_home.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("host.line: replaces what matches, follows changes, puts back what was there") {
        const Host host;
        const std::string path = host.path("sshd config"),
                          before = "Port 22\n#Root yes\nX\nRoot no\n";
        write_file(path, before, 0640);
        const auto line = [&](const char* text) {
            return host.config({{"path", path}, {"regexp", "^#?Root "}, {"line", text}});
        };
        Managed root(*host.endpoint, "host.line", line("Root it's \\1 & \"x\""));
        root.create();
        CHECK(read_file(path) == "Port 22\nRoot it's \\1 & \"x\"\nX\n");
        CHECK(mode_of(path) == 0640);
        write_file(path, "Port 22\nX\nRoot by hand\nRoot twice\n", 0640);
        CHECK(root.read().attributes.text("line") == "Root by hand\nRoot twice");
        root.update(line("Root later"), {"line"});
        CHECK(read_file(path) == "Port 22\nX\nRoot later\n");
        CHECK(root.decision().action == std::nullopt);
        root.remove();
        CHECK(read_file(path) == "Port 22\nX\n#Root yes\nRoot no\n");
    }

    TEST_CASE("host.line: added at its place, changed without a pattern, removed") {
        const Host host;
        const std::string path = host.path("list");
        write_file(path, "one\ntwo\nthree"); // no newline at the end
        const auto line = [&](const char* text, const char* anchor, const char* where) {
            return host.config({{"path", path}, {"line", text}, {anchor, where}});
        };
        Managed first(*host.endpoint, "host.line", line("zero", "before", "^one$"));
        Managed middle(*host.endpoint, "host.line", line("two and a half", "after", "^two"));
        Managed last(*host.endpoint, "host.line", host.config({{"path", path}, {"line", "four"}}));
        for (Managed* one : {&first, &middle, &last}) one->create();
        CHECK(read_file(path) == "zero\none\ntwo\ntwo and a half\nthree\nfour\n");
        middle.update(line("2.5", "after", "^none"), {"line"});
        CHECK(read_file(path) == "zero\none\ntwo\n2.5\nthree\nfour\n");
        Managed nowhere(*host.endpoint, "host.line", line("x", "after", "^none"));
        CHECK(has(error_of([&] { nowhere.create(); }).message, "no line of " + path + " matches"));
        for (Managed* one : {&first, &middle, &last}) one->remove();
        CHECK(read_file(path) == "one\ntwo\nthree\n");
        CHECK(std::distance(fs::directory_iterator(host.dir.path), {}) == 1);

        Managed there(*host.endpoint, "host.line", host.config({{"path", path}, {"line", "two"}}));
        CHECK(there.decision().action == Action::adopt);
        there.create(); // even after a run that did not record it
        there.remove();
        CHECK(read_file(path) == "one\ntwo\nthree\n");
    }

    TEST_CASE("host.line, host.block: a missing file is created only if the spec says so") {
        const Host host;
        const std::string path = host.path("new");
        for (const char* type : {"host.line", "host.block"}) {
            const std::string text = std::string(type) == "host.line" ? "line" : "content";
            const Value written = host.config({{"path", path}, {text, "x"}});
            Managed refused(*host.endpoint, type, written);
            CHECK(has(error_of([&] { refused.create(); }).message, "there is no file " + path));
            Managed made(*host.endpoint, type, written.with("create", true));
            made.create();
            CHECK(mode_of(path) == 0644);
            made.remove();
            CHECK(!fs::exists(path));
        }
    }

    TEST_CASE("host.block: written, changed by hand, repaired in its place, removed") {
        const Host host;
        const std::string path = host.path("limits");
        const auto block = [&](const char* text) {
            return host.config({{"path", path}, {"block", "app"}, {"content", text}});
        };
        write_file(path, "first\n# BEGIN app (managed by hadeploy)\nunfinished\n", 0600);
        Managed app(*host.endpoint, "host.block", block("a\n\n  $b 'c' \\n\n"));
        CHECK(app.read().state == Observation::State::absent);
        app.create();
        CHECK(read_file(path) ==
              "first\n# BEGIN app (managed by hadeploy)\nunfinished\n"
              "# BEGIN app (managed by hadeploy)\na\n\n  $b 'c' \\n\n# END app\n");
        write_file(path, "first\n# BEGIN app (managed by hadeploy)\nhand\n# END app\nlast\n", 0600);
        CHECK(app.read().attributes.text("content") == "hand\n");
        app.update(block("new"), {"content"});
        CHECK(app.decision().action == std::nullopt);
        CHECK(read_file(path) ==
              "first\n# BEGIN app (managed by hadeploy)\nnew\n# END app\nlast\n");
        app.remove();
        CHECK(read_file(path) == "first\nlast\n");
        CHECK(mode_of(path) == 0600);
    }

    TEST_CASE("host.line: links of a user and files that are no text are not written") {
        const UserHome host;
        const std::string link = (host.home / "link").string();
        fs::create_symlink(host.secret(), link);
        const auto line = [&](const std::string& path) {
            return host.config({{"path", path}, {"line", "owned"}});
        };
        Managed through(*host.endpoint, "host.line", line(link));
        CHECK(through.read().state == Observation::State::failed);
        CHECK(has(message_of([&] { through.create(); }), "is a symbolic link"));
        fs::create_hard_link(host.secret(), host.home / "hard");
        Managed hard(*host.endpoint, "host.line", line((host.home / "hard").string()));
        CHECK(has(message_of([&] { hard.create(); }), "has several hard links"));
        fs::remove(host.home / "hard");
        fs::create_directory_symlink(host.dir.path / "etc", host.home / "conf");
        Managed below(*host.endpoint, "host.line", line((host.home / "conf/shadow").string()));
        CHECK(has(message_of([&] { below.create(); }), "is a symbolic link that a user may have"));
        write_file(host.home / "binary", std::string("a\0b\n", 4));
        Managed binary(*host.endpoint, "host.line", line((host.home / "binary").string()));
        CHECK(has(message_of([&] { binary.create(); }), "is not a text file"));
        host.check_untouched();
    }

} // TEST_SUITE
