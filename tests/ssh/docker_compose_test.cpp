// The scripts of docker.compose, run by a real shell with a program that stands for docker. Not
// covered: what compose itself does.
#include "ssh/host_case.h"
#include "ssh/pretence.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
// The file `plugin` says that the plugin is installed; `ps` is the output of docker ps.
constexpr const char* kDockerCommand = R"sh(case $* in
'compose version') [ -e plugin ]; exit ;;
*' config -q') ! grep -qs bad "$was/compose.yml" || { echo "services.web additional properties 'bad' not allowed" >&2; exit 15; }; exit 0 ;;
ps*) cat ps; exit ;;
logs*) echo "panic: no database" ;;
esac
echo "docker $* (TAG=$TAG)" >>log
)sh";

struct ComposeHost : Pretence {
    ComposeHost() : Pretence({{"docker", kDockerCommand}}) {
        write_file(dir.path / "plugin", "");
        write_file(dir.path / "ps", "app-web-1 Up 5 seconds\napp-job-1 Exited (0) 1 second ago\n");
    }
    Value config(const std::string& text, const char* tag = "v1") const {
        return config_of("docker.compose", Value::map({{"host", some_connection()},
                                                       {"name", "app"},
                                                       {"directory", project()},
                                                       {"variables", Value::map({{"TAG", tag}})},
                                                       {"wait", "5s"},
                                                       {"content", text}}));
    }
    std::string project() const { return (dir.path / "project").string(); }
    ProcessResult apply(Change::Kind kind, const Value& config) const {
        Change change;
        change.kind = kind;
        change.identity = "0000";
        (kind == Change::Kind::remove ? change.before : change.after) = config;
        ProcessResult last;
        for (const ssh::Command& command : type_named("docker.compose").commands(change)) {
            last = run(command.script);
            if (last.status != 0) break;
        }
        return last;
    }
};
constexpr const char* kComposeFile = "services: {web: {image: 'web:${TAG}'}}\n";
} // namespace

TEST_SUITE("as root" * doctest::skip(!SshServer::possible())) {

    TEST_CASE(
        "docker.compose: started, changed, removed; the host has the file, not the variables") {
        const ComposeHost host;
        const ProcessResult made = host.apply(Change::Kind::create, host.config(kComposeFile));
        REQUIRE_MESSAGE(made.status == 0, made.err);
        CHECK(host.log() ==
              "docker compose -p app -f compose.yml up -d --remove-orphans (TAG=v1)\n");
        CHECK(read_file(fs::path(host.project()) / "compose.yml") == kComposeFile);
        CHECK((fs::status(host.project()).permissions() & fs::perms::all) == fs::perms::owner_all);
        CHECK(has(read_file(fs::path(host.project()) / ".hadeploy"), "owner 0000\ndigest "));

        const ProcessResult bad =
            host.apply(Change::Kind::update, host.config("services: {web: "
                                                         "{image: x, bad: 1}}"));
        CHECK(bad.status != 0);
        CHECK(has(bad.err, "additional properties 'bad' not allowed"));
        CHECK(has(bad.err, "does not accept the file; nothing was changed"));
        CHECK(read_file(fs::path(host.project()) / "compose.yml") == kComposeFile);
        CHECK(std::distance(fs::directory_iterator(host.project()), {}) == 2);

        CHECK(host.apply(Change::Kind::remove, host.config(kComposeFile)).status == 0);
        CHECK(has(host.log(), "-f compose.yml down --remove-orphans"));
        CHECK(!fs::exists(host.project()));
    }

    TEST_CASE("docker.compose: a container that fails, and one that never becomes healthy") {
        const ComposeHost host;
        write_file(host.dir.path / "ps", "app-web-1 Exited (2) 1 second ago\n");
        const ProcessResult failed = host.apply(Change::Kind::create, host.config(kComposeFile));
        CHECK(failed.status != 0);
        CHECK(has(failed.err, "panic: no database"));
        CHECK(has(failed.err, "the container app-web-1 does not run: (Exited (2) 1 second ago)"));
        write_file(host.dir.path / "ps", "app-web-1 Up 9 seconds (unhealthy)\n");
        const ProcessResult sick = host.apply(Change::Kind::create, host.config(kComposeFile));
        CHECK(has(sick.err, "app-web-1 does not run: (Up 9 seconds (unhealthy))"));
    }

    TEST_CASE("docker.compose: docker-compose instead of the plugin, and neither") {
        const ComposeHost host;
        fs::remove(host.dir.path / "plugin");
        const ProcessResult none = host.apply(Change::Kind::create, host.config(kComposeFile));
        CHECK(has(none.err, "neither docker compose nor docker-compose"));
        write_file(
            host.dir.path / "bin/docker-compose",
            fmt::format("#!/bin/sh\necho \"docker-compose $*\" >>{}/log\n", host.dir.path.string()),
            0755);
        const ProcessResult made = host.apply(Change::Kind::create, host.config(kComposeFile));
        CHECK_MESSAGE(made.status == 0, made.err);
        CHECK(has(host.log(), "docker-compose -p app -f compose.yml up -d --remove-orphans\n"));
    }

    TEST_CASE("docker.compose: the directory of another project is not touched") {
        const ComposeHost host;
        fs::create_directory(host.project());
        write_file(fs::path(host.project()) / ".hadeploy", "owner 9999\n");
        CHECK(has(host.apply(Change::Kind::create, host.config(kComposeFile)).err,
                  "belong to another project"));
        CHECK(host.apply(Change::Kind::remove, host.config(kComposeFile)).status == 0);
        CHECK(fs::exists(host.project()));
        fs::remove(fs::path(host.project()) / ".hadeploy");
        write_file(fs::path(host.project()) / "data", "x");
        CHECK(has(host.apply(Change::Kind::create, host.config(kComposeFile)).err, "is not empty"));
        CHECK(host.log() == "");
    }

} // TEST_SUITE
