// host.git with the git of this machine, on a real sshd.
#include "core/process.h"
#include "providers/ssh/host.h"
#include "ssh/real_host.h"
#include "ssh/user_home.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
bool has_git() {
    return SshServer::possible() && fs::exists("/usr/bin/git") && fs::exists("/usr/bin/setpriv");
}

std::string git(const fs::path& at, std::vector<std::string> words) {
    std::vector<std::string> all{"git",
                                 "-C",
                                 at.string(),
                                 "-c",
                                 "user.name=t",
                                 "-c",
                                 "user.email=t@example.org",
                                 "-c",
                                 "init.defaultBranch=main",
                                 "-c",
                                 "safe.directory=*"};
    all.insert(all.end(), words.begin(), words.end());
    const ProcessResult done = run_process({.argv = all});
    REQUIRE_MESSAGE(done.status == 0, done.err);
    return done.out.substr(0, done.out.find('\n'));
}

/// Removes the notes of a create that has failed.
void forget(const Managed& tree) {
    fs::remove(ssh::memory_file(tree.identity()));
}

/// A repository with a branch `main` and the tag `v1` on its first commit.
struct Repository {
    explicit Repository(const fs::path& in) : path(in / "repository") {
        fs::create_directory(path);
        git(path, {"init", "-q"});
        first = commit("one");
        git(path, {"tag", "-a", "-m", "v1", "v1"});
    }
    std::string commit(const std::string& text) const {
        write_file(path / "file", text, 0644);
        git(path, {"add", "file"});
        git(path, {"commit", "-q", "-m", text});
        return git(path, {"rev-parse", "HEAD"});
    }
    fs::path path;
    std::string first;
};
} // namespace

TEST_SUITE("real sshd" * doctest::skip(!has_git())) {

    TEST_CASE("host.git: a tag, a branch, a commit; what changed by hand is found and repaired") {
        const Host host;
        const Repository origin(host.dir.path);
        const std::string second = origin.commit("two");
        const fs::path path = host.dir.path / "deep/it's a tree";
        const auto tree = [&](const std::string& ref) {
            return host.config(
                {{"path", path.string()}, {"repository", origin.path.string()}, {"ref", ref}});
        };
        Managed made(*host.endpoint, "host.git", tree("v1"));
        CHECK(made.read().state == Observation::State::absent);
        CHECK(made.create()["commit"] == Value(origin.first));
        CHECK(read_file(path / "file") == "one");
        CHECK(made.decision().action == std::nullopt);
        made.update(tree("main"), {"ref"});
        CHECK(read_file(path / "file") == "two");
        made.update(tree(origin.first.substr(0, 10)), {"ref"});
        CHECK(read_file(path / "file") == "one");
        CHECK(has(error_of([&] { made.update(tree("none"), {"ref"}); }).message,
                  "no branch, tag or commit none"));
        made.update(tree("main"), {"ref"});

        git(path, {"checkout", "-q", origin.first});
        CHECK(made.decision().action == Action::update);
        made.update(tree("main"), {"commit"});
        CHECK(git(path, {"rev-parse", "HEAD"}) == second);

        origin.commit("three"); // seen only with `follow`
        CHECK(made.decision().action == std::nullopt);
        made.config = made.config.with("follow", true);
        CHECK(has(made.read().attributes.text("ref"), "main (now at "));
        made.update(tree("main").with("follow", true), {"ref"});
        CHECK(read_file(path / "file") == "three");
        CHECK(made.decision().action == std::nullopt);

        Managed adopted(*host.endpoint, "host.git", tree("main"));
        CHECK(adopted.decision().action == Action::adopt);
        CHECK(Managed(*host.endpoint, "host.git", tree("v1")).decision().action == Action::update);
        made.remove();
        CHECK(!fs::exists(path));
    }

    TEST_CASE("host.git: local changes, commits and untracked files are kept unless told") {
        const Host host;
        const Repository origin(host.dir.path);
        const fs::path path = host.dir.path / "tree";
        const Value written = host.config(
            {{"path", path.string()}, {"repository", origin.path.string()}, {"ref", "main"}});
        Managed made(*host.endpoint, "host.git", written);
        made.create();
        write_file(path / "file", "by hand", 0644);
        CHECK(made.read().attributes["changes"] == Value::list({" M file"}));
        CHECK(made.decision().action == Action::update);
        CHECK(has(error_of([&] { made.update(written, {"changes"}); }).message,
                  "has changes of file, which would be lost"));
        CHECK(read_file(path / "file") == "by hand");
        git(path, {"commit", "-q", "-a", "-m", "local"});
        CHECK(has(error_of([&] { made.update(written, {"commit"}); }).message,
                  "has commits that no branch of origin has"));
        write_file(path / "untracked", "x", 0644);
        made.update(written.with("discard_changes", true), {"commit"});
        CHECK(read_file(path / "file") == "one");
        CHECK(read_file(path / "untracked") == "x");
        made.update(written, {});
        CHECK(has(error_of([&] { made.remove(); }).message, "has changes of untracked"));
        CHECK(fs::exists(path / "untracked"));
        made.update(written.with("keep", true), {});
        made.remove();
        CHECK(fs::exists(path / "untracked"));

        Managed occupied(*host.endpoint, "host.git", written.with("path", host.path("repository")));
        CHECK(occupied.read().attributes.text("repository") == "");
        fs::create_directory(host.dir.path / "full");
        write_file(host.path("full") + "/x", "", 0644);
        Managed full(*host.endpoint, "host.git", written.with("path", host.path("full")));
        CHECK(full.read().error->kind == ErrorKind::conflict);
    }

    TEST_CASE("host.git: over SSH with a key, which is gone afterwards") {
        const Host host;
        const Repository origin(host.dir.path);
        const Value login = host.server.connection();
        const Value written =
            host.config({{"path", host.path("tree")},
                         {"repository", fmt::format("ssh://root@127.0.0.1:{}{}", host.server.port(),
                                                    origin.path.string())},
                         {"ref", "main"},
                         {"private_key", read_file(host.server.key_file())}});
        Managed unknown(*host.endpoint, "host.git", written.with("known_hosts", "# none"));
        CHECK(has(message_of([&] { unknown.create(); }), "Host key verification failed"));
        forget(unknown);
        Managed made(*host.endpoint, "host.git",
                     written.with("follow", true)
                         .with("known_hosts", fmt::format("[127.0.0.1]:{} {}", host.server.port(),
                                                          login.text("host_key"))));
        made.create();
        CHECK(read_file(host.path("tree/file")) == "one");
        CHECK(made.decision().action == std::nullopt);
        for (const auto& left : fs::directory_iterator("/run"))
            CHECK(!left.path().filename().string().starts_with("hadeploy-git."));
        made.remove();
    }

    TEST_CASE("host.git: root does not run what a user has configured") {
        UserHome host;
        const Repository origin(host.dir.path);
        run_process({.argv = {"chmod", "-R", "go+rX", origin.path.string()}});
        const std::string path = (host.home / "tree").string();
        const Value written =
            host.config({{"path", path}, {"repository", origin.path.string()}, {"ref", "main"}});
        Managed as_root(*host.endpoint, "host.git", written);
        CHECK(has(message_of([&] { as_root.create(); }), "set `owner` to that user"));
        forget(as_root);
        fs::remove_all(path);
        // git reads only repositories of the same user
        run_process({.argv = {"chown", "-R", "nobody", origin.path.string()}});
        Managed as_user(*host.endpoint, "host.git", written.with("owner", "nobody"));
        as_user.create();
        CHECK(info_of(path).st_uid == kUser);
        CHECK(info_of(path + "/file").st_uid == kUser);
        const std::string hook = path + "/.git/hooks/post-checkout";
        write_file(hook, fmt::format("#!/bin/sh\nid -u >{}/hook\n", host.home.string()), 0755);
        origin.commit("two");
        CHECK(as_user.read().attributes.text("commit") == origin.first);
        as_user.update(written.with("owner", "nobody"), {"commit"});
        CHECK(!fs::exists(host.home / "hook"));
        host.check_untouched();
        as_user.remove();
    }

} // TEST_SUITE
