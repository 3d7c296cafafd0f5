// Root in a directory of another user: no link of that user is followed.
#include "core/own_way.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hadeploy;
namespace fs = std::filesystem;

namespace {
constexpr uid_t kUser = 65534;

struct Places {
    fs::path dir, home, root;
    Places() {
        std::string name = (fs::temp_directory_path() / "hadeploy-way-XXXXXX").string();
        dir = ::mkdtemp(name.data());
        ::chmod(dir.c_str(), 0755);
        home = dir / "home";
        root = dir / "root";
        fs::create_directory(home);
        fs::create_directory(root);
        write_file(root / "shadow", "root's own", 0600);
        give(home);
    }
    ~Places() { fs::remove_all(dir); }
    static void give(const fs::path& path) { REQUIRE(::lchown(path.c_str(), kUser, kUser) == 0); }
    void check_untouched() const {
        CHECK(read_file(root / "shadow") == "root's own");
        struct stat info {};
        ::stat((root / "shadow").c_str(), &info);
        CHECK((info.st_mode & 07777) == 0600);
        CHECK(std::distance(fs::directory_iterator(root), {}) == 1);
    }
};
} // namespace

TEST_SUITE("as root" * doctest::skip(::geteuid() != 0)) {

    TEST_CASE("own links are followed, links of another user are rejected") {
        const Places at;
        fs::create_directory_symlink(at.root, at.home / "link");
        CHECK(open_own_way(at.dir / "none/x").get() < 0);
        CHECK_THROWS_AS(open_own_way(at.home / "link"), Error); // a user's directory
        fs::create_directory_symlink("root", at.dir / "ours");
        const Fd found = open_own_way(at.dir / "ours");
        REQUIRE(found);
        write_file_in(found, at.dir / "ours/new", "x", 0604);
        CHECK(read_file(at.root / "new") == "x");
        fs::remove(at.root / "new");
        Places::give(at.dir / "ours");
        CHECK_THROWS_AS(open_own_way(at.dir / "ours"), Error);
        fs::create_symlink("loop", at.dir / "loop");
        CHECK_THROWS_AS(open_own_way(at.dir / "loop"), Error);
        CHECK(open_own_way(at.home / "a/b", true));
        CHECK(fs::is_directory(at.home / "a/b"));
        at.check_untouched();
    }

    TEST_CASE("nothing is read or examined through another user's link") {
        const Places at;
        const fs::path link = at.dir / "link", ways = at.home / "ways";
        fs::create_symlink(at.root / "shadow", link);
        CHECK(read_own_way(link) == "root's own");
        CHECK(S_ISLNK(look_own_way(link)->st_mode));
        Places::give(link);
        CHECK_THROWS_AS(open_file_own_way(link), Error);
        CHECK(S_ISLNK(look_own_way(link)->st_mode)); // examining the link itself is allowed
        fs::create_directory_symlink(at.root, ways);
        CHECK_THROWS_AS(open_file_own_way(ways / "shadow"), Error);
        CHECK_THROWS_AS((void)look_own_way(ways / "shadow"), Error);
        CHECK_FALSE(look_own_way(at.home / "none/x"));
        CHECK_FALSE(look_own_way(at.root / "shadow/x"));
        CHECK(S_ISREG(look_own_way(at.root / "shadow")->st_mode));
        CHECK(S_ISDIR(look_own_way(at.root)->st_mode));
        CHECK_THROWS_AS(open_file_own_way(at.root / "none"), Error);
        CHECK_THROWS_AS(open_file_own_way(at.root), Error);
        const fs::path fifo = at.home / "fifo";
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        CHECK_THROWS_AS(open_file_own_way(fifo), Error); // without blocking
        at.check_untouched();
    }

    TEST_CASE("a mode is set only on a regular file, and not through a hard link") {
        const Places at;
        const Fd home = open_own_way(at.home);
        const fs::path it = at.home / "it";
        fs::create_symlink(at.root / "shadow", it);
        CHECK_THROWS_AS(set_mode_in(home, it, 0666), Error);
        fs::remove(it);
        fs::create_hard_link(at.root / "shadow", it);
        CHECK_THROWS_AS(set_mode_in(home, it, 0666), Error);
        fs::remove(it);
        REQUIRE(::mkfifo(it.c_str(), 0600) == 0);
        CHECK_THROWS_AS(set_mode_in(home, it, 0666), Error);
        fs::remove(it);
        write_file(it, "x", 0000);
        set_mode_in(home, it, 0640);
        struct stat info {};
        ::stat(it.c_str(), &info);
        CHECK((info.st_mode & 07777) == 0640);
        at.check_untouched();
    }

    TEST_CASE("a concurrent exchange of links by a user has no effect") {
        const Places at;
        const fs::path a = at.home / "a", link = at.home / "link";
        fs::create_directory(a);
        Places::give(a);
        fs::create_directory_symlink(at.root, link);
        Places::give(link);
        const pid_t racer = ::fork();
        if (racer == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::setuid(kUser) != 0) ::_exit(1);
            for (;;) ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
        }
        for (int round = 0; round < 200; ++round) {
            try {
                const std::string seen = read_own_way(a / "shadow");
                CHECK(seen != "root's own");
            } catch (const Error&) {
            }
            try {
                const Fd directory = open_own_way(a);
                write_file_in(directory, a / "shadow", "evil", 0666);
                set_mode_in(directory, a / "shadow", 0644);
            } catch (const Error&) { // failing is allowed
            }
        }
        ::kill(racer, SIGKILL);
        ::waitpid(racer, nullptr, 0);
        at.check_untouched();
    }

} // TEST_SUITE
