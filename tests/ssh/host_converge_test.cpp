// Applied values are read back as applied, even if a host spells them differently than the spec.
#include "core/process.h"
#include "ssh/real_host.h"

#include <csignal>
#include <doctest/doctest.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
/// Whether the observation matches the spec.
void check_converged(Managed& it) {
    const Observation seen = it.read();
    REQUIRE(seen.state == Observation::State::present);
    for (const Entry& e : it.config.as_map()) {
        const Attribute* a = find_attribute(registry().type(it.type())->schema, e.key);
        if (a == nullptr || a->operational || !seen.attributes.has(e.key) || e.value.is_null())
            continue;
        INFO(e.key);
        CHECK(seen.attributes[e.key] == e.value);
    }
}

/// A user name that is unique to this process; the user is removed even if a check fails.
struct User {
    std::string name = fmt::format("hadeploy-n{}", ::getpid());
    ~User() {
        if (::getpwnam(name.c_str())) run_process({.argv = {"userdel", "-f", "-r", name}});
    }
};
} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("host.directory: the set-group-ID bit follows the mode") {
        const Host host;
        const std::string path = host.path("shared");
        const Value written = host.config({{"path", path}, {"mode", "0755"}});
        Managed directory(*host.endpoint, "host.directory", written);
        directory.create();
        ::chmod(path.c_str(), 02755);
        CHECK(directory.read().attributes["mode"] == Value("2755"));
        directory.update(written, {"mode"});
        CHECK(mode_of(path) == 0755);
        directory.update(written.with("mode", "2775"), {"mode"});
        CHECK(mode_of(path) == 02775);
        check_converged(directory);
    }

    TEST_CASE("owners by number, with and without a user of that number") {
        const Host host;
        for (const char* type : {"host.directory", "host.file"}) {
            for (const char* number : {"0", "1", "54321"}) {
                Value written = host.config({{"path", host.path(std::string(type) + number)},
                                             {"owner", number},
                                             {"group", number}});
                if (std::string_view(type) == "host.file") written = written.with("content", "x");
                Managed made(*host.endpoint, type, written);
                made.create();
                check_converged(made);
            }
        }
    }

    TEST_CASE("host.user: a user with processes is removed only with force") {
        const Host host;
        const User user;
        const Value written = host.config({{"name", user.name}, {"home", host.path("home")}});
        Managed made(*host.endpoint, "host.user", written);
        made.create();
        const auto uid = ::getpwnam(user.name.c_str())->pw_uid;
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setuid(uid) == 0) ::pause();
            ::_exit(1);
        }
        while (run_process({.argv = {"stat", "-c", "%U", fmt::format("/proc/{}", child)}}).out !=
               user.name + "\n") {
        }
        const Error error = error_of([&] { made.remove(); });
        CHECK(error.message.find("the user still has processes") != std::string::npos);
        CHECK(error.hint.find("force: true") != std::string::npos);
        CHECK(::kill(child, 0) == 0);
        made.update(written.with("force", true), {});
        made.remove();
        int status = 0;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(WTERMSIG(status) == SIGKILL);
        CHECK(::getpwnam(user.name.c_str()) == nullptr);
    }

    TEST_CASE("host.user: a group by number") {
        const Host host;
        const User user;
        const auto groups = [&](std::vector<std::string> all) {
            return host.config({{"name", user.name},
                                {"home", host.path("home")},
                                {"groups", Value::list(Value::List(all.begin(), all.end()))}});
        };
        const std::string number = std::to_string(::getgrnam("adm")->gr_gid);
        Managed made(*host.endpoint, "host.user", groups({number, "games"}));
        made.create();
        check_converged(made);
        made.update(groups({"games"}), {"groups"});
        check_converged(made);
        CHECK(run_process({.argv = {"id", "-Gn", user.name}}).out.find("adm") == std::string::npos);
        made.remove();
    }

} // TEST_SUITE
