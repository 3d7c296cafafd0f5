// The shell functions for paths of which users may own a part, in every shell that a host may have.
#include "core/file.h"
#include "core/hash.h"
#include "core/own_way.h"
#include "core/process.h"
#include "providers/ssh/place.h"
#include "ssh/user_home.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
/// A shell that can write only to this directory: a mistake in the functions, which delete and
/// replace files as root, does no harm.
std::vector<std::string> walled(const std::vector<std::string>& shell, const fs::path& writable) {
    std::vector<std::string> out{"unshare",
                                 "-m",
                                 "sh",
                                 "-c",
                                 R"(mount --bind "$0" "$0" && mount -o remount,bind,ro / || exit 1
while read -r _ at _; do # such as a /tmp of its own
    case $at in "$0"|/|/dev*|/proc*|/sys*) ;; *) mount -o remount,bind,ro "$at" 2>/dev/null ;; esac
done </proc/mounts
TMPDIR=$0 exec "$@")",
                                 writable.string()};
    out.insert(out.end(), shell.begin(), shell.end());
    return out;
}

/// The owner of the directory replaces the file of root, whose mode is to be changed, with their
/// own file, and keeps it open.
template<typename Run>
void check_file_of_user(const std::string& path, const Run& run) {
    const std::string sha256 = sha256_hex("text\n");
    fs::remove(path);
    write_file(path, "text\n");
    UserHome::give(path);
    const Fd kept(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(run(ssh::own_file(path, "id", "root:root", "4755", sha256)).err == "");
    CHECK(info_of(path).st_uid == 0);
    CHECK((info_of(path).st_mode & 07777) == 04755);
    REQUIRE(::pwrite(kept.get(), "evil\n", 5, 0) == 5);
    CHECK(read_file(path) == "text\n");

    fs::remove(path);
    write_file(path, "evil\n", 0644);
    UserHome::give(path);
    CHECK(run(ssh::own_file(path, "id", "root:root", "4755", sha256)).err ==
          path + " has changed since it was read; run the command again\n");
    CHECK(info_of(path).st_uid == kUser);
    CHECK((info_of(path).st_mode & 07777) == 0644);
    CHECK(run(ssh::own_file(path, "id", "nobody:nogroup", "0600", sha256)).err == "");
    CHECK((info_of(path).st_mode & 07777) == 0600); // of the user's own file only the mode is set
    CHECK(std::distance(fs::directory_iterator(fs::path(path).parent_path()), {}) == 1);
}

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
    CHECK(hash("7") == "sha256 " + sha256_file(path) + "  -\n");
    fs::remove(path);
}

/// The functions find no setfacl, even if it is installed.
constexpr const char* kWithoutSetfacl = "command() { [ \"$2\" = install ]; }\n";
/// The functions cannot do without setfacl.
constexpr const char* kWithoutTar = "tar() { exit 9; }\nls() { exit 9; }\n";

/// A default ACL of root's own directory gives others no access to what root creates in it.
void check_default_acl(const std::string& at, const auto& run_it, const std::string& before) {
    const auto run = [&](const std::string& script, const std::string& input = "") {
        return run_it(before + script, input);
    };
    fs::create_directory(at + "/acl");
    give_default_acl(at + "/acl", kUser);
    CHECK(run(ssh::make_directory(at + "/acl/a/b", "root:root", "0750")).err == "");
    for (const auto& [path, mode] : {std::pair("/acl/a", 0755), {"/acl/a/b", 0750}}) {
        INFO(path);
        CHECK((info_of(at + path).st_mode & 07777) == mode);
        CHECK(!has_acl(at + path));
    }
    for (const std::string path : {"/acl/f", "/acl/a/f"}) {
        CHECK(run(ssh::put_file(at + path, "id", "root:root", "0640"), "text").err == "");
        CHECK((info_of(at + path).st_mode & 07777) == 0640);
        CHECK(!has_acl(at + path));
    }
    const std::string local = at + "/acl/local/f";
    (void)open_own_way(fs::path(local).parent_path(), true);
    write_file(local, "x", 0640);
    CHECK(!has_acl(at + "/acl/local"));
    CHECK(!has_acl(local));
    fs::remove_all(at + "/acl");
}

/// In a directory where only root can create names, the file itself gets owner and mode.
void check_file_of_root(const std::string& at, const auto& run) {
    const std::string path = at + "/root/f", other = at + "/root/other";
    const auto own = [&](const char* owner, const char* mode) {
        return run(ssh::own_file(path, "id", owner, mode, "")).err;
    };
    fs::create_directory(at + "/root");
    CHECK(run(ssh::put_file(path, "id", "nobody:nogroup", "6755"), "text").err == "");
    CHECK(info_of(path).st_uid == kUser);
    CHECK((info_of(path).st_mode & 07777) == 06755);
    CHECK(read_file(path) == "text\n");
    CHECK(own("root:nogroup", "4755") == "");
    CHECK(info_of(path).st_uid == 0);
    CHECK(info_of(path).st_gid == kUser);
    CHECK((info_of(path).st_mode & 07777) == 04755);
    CHECK(own("0:0", "0640") == "");
    CHECK(info_of(path).st_gid == 0);
    CHECK(own("root:root", "0600") == "");
    CHECK((info_of(path).st_mode & 07777) == 0600);
    fs::create_hard_link(path, other);
    CHECK(own("root:root", "0644") == path + " has several hard links\n");
    CHECK((info_of(other).st_mode & 07777) == 0600);
    fs::remove(path);
    fs::create_symlink("other", path);
    CHECK(own("nobody:nogroup", "0644") == path + " is a symbolic link\n");
    CHECK(info_of(other).st_uid == 0);
    fs::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(own("nobody:nogroup", "0644") == path + " is not a regular file\n");
    fs::remove_all(at + "/root");
}

/// The owner of the directory replaces the private directory by another one of root's, in which
/// users can create names, or which has a file.
void check_replaced_private_directory(const std::string& at, const auto& run) {
    const std::string home = at + "/home", taken = home + "/taken", target = at + "/target";
    fs::create_directory(home);
    UserHome::give(home);
    write_file(target, "root's own\n", 0600);
    const std::string replaced = "hadeploy_install=\n"
                                 "mktemp() { d=$(command mktemp \"$@\"); mv \"$d\" ./moved; mv "
                                 "./taken \"$d\"; echo \"$d\"; }\n";
    const std::string put = ssh::put_file(home + "/f", "id", "root:root", "0644");
    const auto entry = [&](const char* name) {
        for (const auto& found : fs::directory_iterator(home))
            if (fs::exists(fs::symlink_status(found.path() / name))) return found.path() / name;
        return fs::path();
    };

    fs::create_directory(taken);
    ::chmod(taken.c_str(), 0777);
    const std::string linked =
        "install() { command install \"$@\"; rm -f ./new; ln -s ../../target ./new; }\n";
    CHECK(has(run(replaced + linked + put, "evil").err, "was replaced while it was entered"));
    CHECK(read_file(target) == "root's own\n");
    CHECK((info_of(target).st_mode & 07777) == 0600);
    fs::remove_all(home + "/moved");

    fs::create_directory(taken);
    write_file(taken + "/new", "root's too\n", 0600);
    CHECK(has(run(replaced + put, "evil").err, "was replaced while it was entered"));
    REQUIRE(!entry("new").empty());
    CHECK(read_file(entry("new")) == "root's too\n");
    fs::remove_all(home);
}

/// What the shell writes for root is readable only by root, also in a directory that all can enter.
void check_temporary_mode(const std::string& at, const auto& run) {
    fs::create_directory(at + "/mode");
    for (const mode_t mode : {0755, 01777}) {
        ::chmod((at + "/mode").c_str(), mode);
        CHECK(run(fmt::format("hadeploy_need '{}/mode'\nhadeploy_private id\n"
                              ">./made; stat -c %a ./made; rm -f ./made\n",
                              at))
                  .out == "600\n");
    }
    fs::remove_all(at + "/mode");
}

/// A directory at the place of the file is neither entered nor replaced.
void check_directory_in_the_way(const std::string& at, const auto& run) {
    fs::create_directories(at + "/way/f");
    CHECK(run(ssh::put_file(at + "/way/f", "id", "root:root", "0640"), "text").status != 0);
    CHECK(fs::is_empty(at + "/way/f"));
    fs::remove(at + "/way/f");
    fs::create_directory(at + "/way/other");
    fs::create_directory_symlink("other", at + "/way/f");
    const auto put = run(ssh::put_file(at + "/way/f", "id", "root:root", "0640"), "text");
    CHECK(fs::is_empty(at + "/way/other")); // BusyBox refuses, GNU mv replaces the link
    CHECK(fs::is_symlink(at + "/way/f") == (put.status != 0));
    fs::remove_all(at + "/way");
}

/// Runs scripts with the functions in one shell, which can write only to a directory of its own.
struct FunctionsIn {
    ProcessResult operator()(const std::string& script, const std::string& input = "") const {
        // BusyBox's own applets too, where the shell has them
        return run_process({.argv = walled(shell, dir.path),
                            .input = std::string(ssh::place_functions()) + before + "( set -eu\n" +
                                     script + ") <<'END'\n" + input + "\nEND\n"});
    }

    std::vector<std::string> shell;
    std::string before = {}; ///< is run first
    TempDir dir = {};
};

/// The functions do the same in every shell that a host may have.
void check_functions_in(const std::vector<std::string>& shell, const std::string& before = "") {
    const FunctionsIn run{shell, before};
    const std::string at = run.dir.path.string();
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
    fs::create_directory(at +
                         "/elsewhere"); // nothing of this machine, in case the link is followed
    write_file(at + "/elsewhere/kept", "x");
    fs::create_symlink(at + "/elsewhere", at + "/a/b/link");
    CHECK(run(ssh::remove_file(at + "/a/b/link/kept", "id")).status == 1);
    fs::create_directories(at + "/a/b/c/.d/..e");
    write_file(at + "/a/b/c/.d/f", "x");
    CHECK(run(ssh::remove_directory(at + "/a/b", false)).status != 0);
    CHECK(run(ssh::remove_directory(at + "/a/b", true)).err == "");
    CHECK(!fs::exists(at + "/a/b"));
    CHECK(read_file(at + "/elsewhere/kept") == "x");
    CHECK(run(ssh::remove_directory(at + "/a/b", true)).status == 0);
    CHECK(run(ssh::look_into(at + "/none/x")).out == "absent\nnowhere\n");
    check_file_of_root(at, run);
    check_replaced_private_directory(at, run);
    check_large(at, run);
    check_temporary_mode(at, run);
    check_directory_in_the_way(at, run);
    const bool busybox = shell.front().find("busybox") != std::string::npos;
    if (!busybox) check_default_acl(at, run, kWithoutSetfacl); // BusyBox has no GNU tar
}

bool mounts_possible() {
    return ::geteuid() == 0 && run_process({.argv = {"unshare", "-m", "true"}}).status == 0;
}

bool setfacl_possible() {
    return mounts_possible() &&
           run_process({.argv = {"sh", "-c", "command -v setfacl"}}).status == 0;
}
} // namespace

TEST_SUITE("mount namespaces" * doctest::skip(!mounts_possible())) {

    TEST_CASE("the shell can write only to its directory") {
        const TempDir dir;
        const fs::path outside = dir.path / "outside", inside = dir.path / "inside";
        fs::create_directory(inside);
        const std::string script = fmt::format("touch {} {}/f", outside.string(), inside.string());
        CHECK(run_process({.argv = walled({"dash"}, inside), .input = script}).status != 0);
        CHECK(!fs::exists(outside));
        CHECK(fs::exists(inside / "f"));
    }
    TEST_CASE("the functions work in dash") {
        check_functions_in({"dash"});
    }
    TEST_CASE("the functions work without GNU install") {
        check_functions_in({"dash"}, "hadeploy_install=\n");
    }
    TEST_CASE("the functions work in bash") {
        check_functions_in({"bash", "--posix"});
    }
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

TEST_SUITE("setfacl" * doctest::skip(!setfacl_possible())) {

    TEST_CASE("a default ACL is removed with setfacl, in dash and bash") {
        for (const auto& shell : {std::vector<std::string>{"dash"}, {"bash", "--posix"}}) {
            const FunctionsIn run{shell};
            check_default_acl(run.dir.path.string(), run, kWithoutTar);
        }
    }

} // TEST_SUITE
