// The scripts of docker.compose, run by a real shell with a program that stands for docker. Not
// covered: what compose itself does.
#include "ssh/host_case.h"
#include "ssh/pretence.h"
#include "support/has.h"

#include <arpa/inet.h>
#include <atomic>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
// The file `plugin` says that the plugin is installed; `ps` is the output of docker ps, and
// `ps.broken` the output while a project with the word "broken" is deployed.
constexpr const char* kDockerCommand = R"sh(case $* in
'compose version') [ -e plugin ]; exit ;;
*' config -q') ! grep -qs bad "$was/compose.yml" || { echo "services.web additional properties 'bad' not allowed" >&2; exit 15; }; exit 0 ;;
ps*) [ ! -e ps.fails ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
    if grep -qs broken "$was/compose.yml"; then cat ps.broken; else cat ps; fi; exit ;;
logs*) echo "panic: no database"; exit ;;
esac
echo "docker $* (TAG=${TAG-})" >>log
case $* in *' up '*) if grep -qs missing "$was/compose.yml"; then echo "no such image" >&2; exit 1; fi ;; esac
)sh";

struct ComposeHost : Pretence {
    ComposeHost() : Pretence({{"docker", kDockerCommand}}) {
        write_file(dir.path / "plugin", "");
        write_file(dir.path / "ps", "app-web-1 Up 5 seconds\napp-job-1 Exited (0) 1 second ago\n");
        write_file(dir.path / "ps.broken", "app-web-1 Exited (2) 1 second ago\n");
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
    ProcessResult apply(Change::Kind kind, const Value& config, const Value& before = {},
                        std::size_t steps = 9) const {
        Change change;
        change.kind = kind;
        change.identity = "0000";
        change.before = before;
        (kind == Change::Kind::remove ? change.before : change.after) = config;
        if (kind == Change::Kind::update) change.changed = {"sha256"};
        ProcessResult last;
        for (const ssh::Command& command : type_named("docker.compose").commands(change)) {
            if (steps-- == 0) break;
            last = run(command.script);
            if (last.status != 0) break;
        }
        return last;
    }
    std::string file(const char* name) const {
        const fs::path path = fs::path(project()) / name;
        return fs::exists(path) ? read_file(path) : "";
    }
};

/// A page on the loopback interface that always gives the same answer, and counts the requests.
class Page {
  public:
    explicit Page(std::string answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_, generic, length) == 0);
        REQUIRE(::listen(listener_, 8) == 0);
        REQUIRE(::getsockname(listener_, generic, &length) == 0);
        port_ = ntohs(address.sin_port);
        serving_ = std::thread([this] { serve(); });
    }
    ~Page() {
        ::shutdown(listener_, SHUT_RDWR);
        serving_.join();
        ::close(listener_);
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    Value check(Value::Map more = {}) const {
        Value out = Value::map({{"url", fmt::format("http://127.0.0.1:{}/ping", port_)},
                                {"attempts", 2},
                                {"interval", "0s"}});
        for (const Entry& e : more) out = out.with(e.key, e.value);
        return out;
    }
    int requests() const { return requests_; }

  private:
    void serve() {
        for (int client = -1; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
            char request[4096];
            if (::read(client, request, sizeof request) > 0) ++requests_;
            (void)!::write(client, answer_.data(), answer_.size());
            ::close(client);
        }
    }
    const std::string answer_;
    int listener_ = -1, port_ = 0;
    std::atomic<int> requests_ = 0;
    std::thread serving_;
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
        write_file(host.dir.path / "ps.fails", ""); // no containers are listed, but not because
        const ProcessResult blind = host.apply(Change::Kind::create, host.config(kComposeFile));
        CHECK(blind.status != 0); // they run
        CHECK(has(blind.err, "hadeploy: Docker does not list the containers: Cannot connect"));
    }

    TEST_CASE("docker.compose: a version that fails is replaced by the previous one") {
        const ComposeHost host;
        const Value old = host.config(kComposeFile, "v1");
        REQUIRE(host.apply(Change::Kind::create, old).status == 0);
        const std::string notes = host.file(".hadeploy");
        const char* broken = "services: {web: {image: 'broken:${TAG}'}}\n";
        const char* missing = "services: {web: {image: 'missing:${TAG}'}}\n";
        const std::string up = "docker compose -p app -f compose.yml up -d --remove-orphans ";
        for (const auto& [text, why] :
             {std::pair(broken, "the container app-web-1 does not run: (Exited (2) 1 second ago)"),
              std::pair(missing, "the containers cannot be started: no such image")}) {
            fs::remove(host.dir.path / "log");
            const ProcessResult failed =
                host.apply(Change::Kind::update, host.config(text, "v2"), old);
            CHECK(failed.status != 0);
            CHECK(has(failed.err,
                      std::string("hadeploy: the compose project app was rolled back: ") + why));
            CHECK(host.log() == up + "(TAG=v2)\n" + up + "(TAG=v1)\n");
            CHECK(host.file("compose.yml") == kComposeFile);
            CHECK(host.file(".hadeploy") == notes);
            CHECK(!fs::exists(fs::path(host.project()) / ".old"));
        }
        // a run that was killed after the start of a version leaves the one before it
        REQUIRE(host.apply(Change::Kind::update, host.config("services: {web: {image: x}}"), old, 1)
                    .status == 0);
        CHECK(!has(host.file(".hadeploy"), "digest"));
        CHECK(has(host.apply(Change::Kind::update, host.config(broken), old).err, "rolled back"));
        CHECK(host.file("compose.yml") == kComposeFile);
        // the previous version does not run either
        write_file(host.dir.path / "ps", "app-web-1 Exited (3) 1 second ago\n");
        const ProcessResult lost = host.apply(Change::Kind::update, host.config(broken), old);
        CHECK(has(lost.err, "(Exited (2) 1 second ago); its previous version does not run either: "
                            "the container app-web-1 does not run: (Exited (3) 1 second ago)"));
    }

    TEST_CASE("docker.compose: without `rollback` a version that fails stays") {
        const ComposeHost host;
        const Value old = host.config(kComposeFile);
        REQUIRE(host.apply(Change::Kind::create, old).status == 0);
        const Value next =
            host.config("services: {web: {image: broken}}").with("rollback", Value(false));
        const ProcessResult failed = host.apply(Change::Kind::update, next, old);
        CHECK(failed.status != 0);
        CHECK(!has(failed.err, "rolled back"));
        CHECK(has(host.file("compose.yml"), "broken"));
        CHECK(!has(host.file(".hadeploy"), "digest")); // the next plan applies it again
    }

    TEST_CASE("docker.compose: a health check decides whether a version stays") {
        const ComposeHost host;
        const auto config = [&](const Value& check, const char* tag = "v1") {
            Value written = Value::map({{"host", some_connection()},
                                        {"name", "app"},
                                        {"directory", host.project()},
                                        {"variables", Value::map({{"TAG", tag}})},
                                        {"health_check", check},
                                        {"wait", "5s"},
                                        {"content", kComposeFile}});
            return config_of("docker.compose", written);
        };
        const Page pong("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npong\n"),
            ill("HTTP/1.0 503 Sorry\r\n\r\nno database\n"), stray("SSH-2.0-x\r\n");
        const Value old = config(pong.check({{"body", "pong"}}));
        REQUIRE(host.apply(Change::Kind::create, old).status == 0);
        CHECK(pong.requests() == 1);
        const auto failure = [&](const Value& check) {
            const ProcessResult failed = host.apply(Change::Kind::update, config(check, "v2"), old);
            CHECK(failed.status != 0);
            CHECK(has(host.log(), "(TAG=v2)\n"));
            CHECK(host.log().ends_with("(TAG=v1)\n"));
            return failed.err;
        };
        const std::string ill_error = failure(ill.check());
        CHECK(ill.requests() == 2);
        CHECK(has(ill_error, "was rolled back: http://127.0.0.1:"));
        CHECK(has(ill_error, "/ping answers with status 503 instead of 200 (2 attempts)"));
        CHECK(has(ill_error, "panic: no database")); // the log of the container
        CHECK(has(failure(pong.check({{"body", "hello"}})),
                  "/ping answers \"pong\", without \"hello\" (2 attempts)"));
        CHECK(has(failure(stray.check()), "/ping does not answer with HTTP (2 attempts)"));
        CHECK(has(failure(Value::map({{"url", "http://127.0.0.1:1"}, {"attempts", 1}})),
                  "http://127.0.0.1:1 cannot be reached: Connection refused (1 attempt)"));
        CHECK(host.apply(Change::Kind::update, config(ill.check({{"status", 503}}), "v3"), old)
                  .status == 0);
        CHECK(host.log().ends_with("(TAG=v3)\n"));
        CHECK(!fs::exists(fs::path(host.project()) / ".old"));
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
