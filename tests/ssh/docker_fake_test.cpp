// The scripts of docker.engine and docker_again, run by a real shell with fake tools.
#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/explain.h"
#include "ssh/cluster_fixture.h"
#include "ssh/pretence.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
// Docker starts unless its daemon.json contains "bad"; it runs while the file `running` exists.
constexpr const char* kDockerSystemctl = R"sh(echo "systemctl $*" >>log
case $* in
stop*) rm -f running ;;
start*) if grep -qs bad etc/daemon.json; then exit 1; fi; : >running ;;
esac
)sh";
constexpr const char* kJournal =
    "echo 'unable to configure the Docker daemon with file daemon.json: \"bad\" is none'\n"
    "echo 'docker.service: Failed with result exit-code.'\n";

/// A host with Docker whose /etc/docker is a test directory.
struct Docker : Pretence {
    explicit Docker(const char* dockerd)
        : Pretence({{"dockerd", dockerd},
                    {"apparmor_parser", ":\n"},
                    {"systemctl", kDockerSystemctl},
                    {"journalctl", kJournal}}) {
        fs::create_directory(dir.path / "etc");
        write_file(dir.path / "running", "");
    }
    ProcessResult configure(const Value& settings) const {
        const ssh::SshType& type = cluster_type("docker.engine");
        const Value config =
            normal(type, Value::map({{"host", connection("10.77.0.11")}, {"settings", settings}}));
        const ssh::Command command =
            type.commands(change_of(type, Change::Kind::update, config, config, {"settings"}))
                .back();
        write_file(dir.path / "input", command.input);
        std::string script = command.script;
        for (std::size_t at = 0; (at = script.find("/etc/docker", at)) != script.npos;)
            script.replace(at, 11, (dir.path / "etc").string());
        return run("exec <input\n" + script);
    }
    bool runs() const { return fs::exists(dir.path / "running"); }
    std::string daemon_json() const {
        const fs::path file = dir.path / "etc/daemon.json";
        return fs::exists(file) ? read_file(file) : "(none)";
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(dir.path / "etc"), {}));
    }
};

constexpr const char* kOldDocker = "echo 'unknown flag: --validate' >&2; exit 125\n";
} // namespace

TEST_CASE("docker.engine: if Docker does not start, the previous daemon.json is restored") {
    for (const char* before : {"(none)", "{\"debug\": false}\n"}) {
        INFO(before);
        const Docker host(kOldDocker);
        if (before[0] != '(') write_file(host.dir.path / "etc/daemon.json", before);
        const ProcessResult failed = host.configure(Value::map({{"bad", true}}));
        CHECK(failed.status != 0);
        CHECK(host.runs());
        CHECK(host.daemon_json() == before);
        const Error error = ssh::explain_failure("h", "configuring", failed.status, failed.err);
        CHECK(contains(error.message, "it runs with the previous ones again"));
        CHECK(contains(error.message, "\"bad\" is none"));

        const ProcessResult good = host.configure(Value::map({{"debug", true}}));
        CHECK_MESSAGE(good.status == 0, good.err);
        CHECK(host.runs());
        CHECK(contains(host.daemon_json(), "\"debug\": true"));
        CHECK(host.files() == 1);
        // The same again: Docker keeps running.
        fs::remove(host.dir.path / "log");
        CHECK(host.configure(Value::map({{"debug", true}})).status == 0);
        CHECK(!contains(host.log(), "stop docker"));
        CHECK(host.files() == 1);
        CHECK(host.configure(Value::map({})).status == 0);
        CHECK(host.daemon_json() == "(none)");
        CHECK(host.files() == 0);
    }
}

TEST_CASE("docker.engine: after an interrupted run the previous daemon.json is known") {
    const Docker host(kOldDocker);
    write_file(host.dir.path / "etc/daemon.json", "{\n  \"bad\": true\n}\n");
    write_file(host.dir.path / "etc/daemon.json.hadeploy-old", "{\"debug\": false}\n");
    fs::remove(host.dir.path / "running");
    CHECK(host.configure(Value::map({{"bad", true}})).status != 0);
    CHECK(host.runs());
    CHECK(host.daemon_json() == "{\"debug\": false}\n");
}

TEST_CASE("docker.engine: settings that Docker rejects are never installed") {
    const Docker host("echo 'unable to configure: bad is none' >&2; exit 1\n");
    const ProcessResult failed = host.configure(Value::map({{"bad", true}}));
    CHECK(failed.status != 0);
    CHECK(contains(ssh::cause_in(failed.err), "nothing was changed: unable to configure: bad"));
    CHECK(host.log() == "");
    CHECK(host.files() == 0);
}

namespace {
/// A host without Docker whose apt has the packages in the file `known`. A package installs the
/// programs that have its name as their content in the directory `contents`; `apt-get update` makes
/// those of `new` known.
struct Fresh : Pretence {
    Fresh()
        : Pretence({{"apt-get", R"sh(echo "$*" | sed 's/.*--no-install-recommends //' >>log
case $* in
*update) cat new >>known; exit ;;
esac
for p in $(echo "$*" | sed 's/.*--no-install-recommends [a-z]* //'); do
    grep -qx "$p" known || { echo "E: Unable to locate package $p"; exit 100; }
done
for p in $(echo "$*" | sed 's/.*--no-install-recommends [a-z]* //'); do
    for program in $(grep -lx "$p" contents/* | sed 's,.*/,,'); do
        case $* in
        *' remove '*) rm -f "bin/$program" ;;
        *) printf '#!/bin/sh\n' >"bin/$program" && chmod +x "bin/$program" ;;
        esac
    done
done
)sh"},
                    {"apt-cache", "grep -qx \"$2\" known\n"}}) {
        fs::create_directory(dir.path / "contents");
        for (const char* list : {"known", "new"}) write_file(dir.path / list, "");
        // Tools of this machine are hidden, because Docker may be one of them.
        for (const char* tool : {"sh", "sed", "grep", "cat", "rm", "chmod", "timeout", "mkdir"})
            fs::create_symlink(fs::path("/bin") / tool, dir.path / "bin" / tool);
    }
    void debian(bool with_client_package) const {
        write_file(dir.path / "contents/dockerd", "docker.io\n");
        write_file(dir.path / "contents/docker",
                   with_client_package ? "docker-cli\n" : "docker.io\n");
        write_file(dir.path / "contents/apparmor_parser", "apparmor\n");
        write_file(dir.path / (hidden ? "new" : "known"),
                   std::string("docker.io\napparmor\n") +
                       (with_client_package ? "docker-cli\n" : ""));
    }
    void provide(const char* program) const {
        write_file(dir.path / "bin" / program, "#!/bin/sh\n", 0755);
    }
    bool has(const char* program) const { return fs::exists(dir.path / "bin" / program); }
    ProcessResult install() const { return in_root(command(Change::Kind::create)); }
    ProcessResult remove() const { return in_root(command(Change::Kind::remove)); }
    bool hidden = false; ///< the packages are known only after an update

  private:
    static std::string command(Change::Kind kind) {
        const ssh::SshType& type = cluster_type("docker.engine");
        const Value config = normal(type, Value::map({{"host", connection("10.77.0.11")}}));
        const Change change = kind == Change::Kind::create
                                  ? change_of(type, kind, {}, config)
                                  : change_of(type, kind, config.with("installed", true), {});
        return type.commands(change).front().script;
    }
    ProcessResult in_root(std::string script) const {
        const std::string path = "/var/lib/hadeploy", there = dir.path.string() + "/root" + path;
        for (std::size_t at = 0; (at = script.find(path, at)) != script.npos; at += there.size())
            script.replace(at, path.size(), there);
        return run(fmt::format("PATH={}/bin\n{}", dir.path.string(), script));
    }
};
} // namespace

TEST_CASE("docker.engine: the client is installed, from its own package if there is one") {
    for (const bool own_package : {false, true})
        for (const bool hidden : {false, true}) {
            INFO(own_package << hidden);
            Fresh host;
            host.hidden = hidden;
            host.debian(own_package);
            const ProcessResult result = host.install();
            CHECK_MESSAGE(result.status == 0, result.err);
            for (const char* program : {"dockerd", "docker", "apparmor_parser"})
                CHECK_MESSAGE(host.has(program), program);
            CHECK(contains(host.log(), "update") == hidden);
            CHECK(fs::exists(host.dir.path / "root/var/lib/hadeploy/docker.engine"));
            // the second time there is nothing to do
            fs::remove(host.dir.path / "log");
            CHECK(host.install().status == 0);
            CHECK(host.log() == "");
        }
}

TEST_CASE("docker.engine: a Docker of another origin gets only what it lacks") {
    Fresh host;
    host.debian(true);
    host.provide("dockerd");
    SUBCASE("the client") {
        host.provide("apparmor_parser");
        CHECK(host.install().status == 0);
        CHECK(host.log() == "install docker-cli\n");
        CHECK(host.remove().status == 0);
        CHECK(host.log() == "install docker-cli\nremove docker-cli\n");
        CHECK(host.has("dockerd"));
    }
    SUBCASE("apparmor") {
        host.provide("docker");
        CHECK(host.install().status == 0);
        CHECK(host.log() == "install apparmor\n");
    }
    CHECK_FALSE(fs::exists(host.dir.path / "root/var/lib/hadeploy/docker.engine"));
}

TEST_CASE("docker.engine: a client that no package has is an error") {
    Fresh host;
    host.debian(false);
    host.provide("dockerd");
    host.provide("apparmor_parser");
    const ProcessResult result = host.install();
    CHECK(result.status != 0);
    CHECK(contains(result.err, "the docker program is missing, and apt knows no package"));
}

TEST_CASE("docker.engine: removal also removes the client") {
    Fresh host;
    host.debian(true);
    REQUIRE(host.install().status == 0);
    const ProcessResult result = host.remove();
    CHECK_MESSAGE(result.status == 0, result.err);
    CHECK_FALSE(host.has("docker"));
    CHECK_FALSE(host.has("dockerd"));
}

namespace {
/// A `docker` that fails with the lines of the file `errors`, one per call, and then succeeds.
constexpr const char* kBusyDocker = R"sh(echo "docker $*" >>log
read -r error <errors || exit 0
sed -i 1d errors
echo "$error" >&2
exit 1
)sh";
} // namespace

TEST_CASE("docker.stack: unused configs are removed, and an error of their list is reported") {
    const Pretence host({{"docker", R"sh(case $* in
*ls*) if [ -e broken ]; then cat broken >&2; exit 1; fi
      echo app_page_0123456789ab; echo app_page_ba9876543210; echo app_other ;;
*) echo "$*" >>log ;;
esac
)sh"},
                         {"sleep", "mv broken was\n"}});
    const std::string script = ssh::docker::functions() +
                               "stack=app current=' app_page_0123456789ab '\n" +
                               std::string(ssh::scripts::docker_stack_clean);
    CHECK(host.run(script).status == 0);
    CHECK(host.log() == "config rm app_page_ba9876543210\nsecret rm app_page_ba9876543210\n");
    write_file(host.dir.path / "broken", "the swarm does not have a leader\n"); // for a while
    CHECK(host.run(script).status == 0);
    write_file(host.dir.path / "broken", "permission denied\n");
    const ProcessResult failed = host.run(script);
    CHECK(failed.status != 0);
    CHECK(contains(failed.err, "permission denied"));
}

TEST_CASE("docker_again: retries if a manager did not answer in time") {
    const Pretence host({{"docker", kBusyDocker}, {"sleep", ":\n"}});
    const std::string script = ssh::docker::functions() + "docker_again docker stack deploy app\n";
    const auto calls = [&] {
        const std::string log = host.log();
        return std::count(log.begin(), log.end(), '\n');
    };
    write_file(
        host.dir.path / "errors",
        "failed to update service app_db: rpc error: code = DeadlineExceeded\n"
        "Error response from daemon: rpc error: code = Unknown desc = update out of sequence\n"
        "Error response from daemon: rpc error: The swarm does not have a leader.\n");
    CHECK(host.run(script).status == 0);
    CHECK(calls() == 4);
    SUBCASE("another error is reported at once") {
        write_file(host.dir.path / "errors", "no such image: web\n");
        const ProcessResult failed = host.run(script);
        CHECK(failed.status != 0);
        CHECK(contains(failed.err, "no such image: web"));
        CHECK(calls() == 5);
    }
}
