// host.fault: the faults of a host, through a real sshd whose tools are stand-ins.
#include "core/file.h"
#include "core/process.h"
#include "provider_api/fault_undo.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Stand-ins that write what they are asked to do into the file `log`.
constexpr std::pair<const char*, const char*> kTools[] = {
    {"nft", "case $1 in -f) echo \"nft $(tr '\\n' ';')\" >>log; touch table ;;\n"
            "list) [ ! -e table ] || echo 'table inet hadeploy_fault' ;;\n"
            "*) echo \"nft $*\" >>log; rm table ;; esac"},
    {"ip", "echo '10.77.0.12 dev eth7 src 10.77.0.11 uid 0'"},
    {"tc", "echo \"tc $*\" >>log\n"
           "case \"$*\" in *'add dev eth7 root'*) touch qdisc ;; *'del dev eth7'*) rm qdisc ;;\n"
           "'qdisc show dev'*) [ ! -e other ] || echo 'qdisc htb 1: root' ;;\n"
           "'qdisc show') [ ! -e qdisc ] || echo 'qdisc prio fa17: dev eth7 root' ;; esac"},
    {"systemd-run", "echo \"systemd-run $*\" >>log\n"
                    "while [ \"$1\" != sh ]; do shift; done\n"
                    "setsid \"$@\" </dev/null >/dev/null 2>&1 &"},
    {"systemctl", "echo \"systemctl $*\" >>log"},
    {"docker", "echo \"docker $*\" >>log\n"
               "case $1 in ps) cat container 2>/dev/null ;; inspect) cat pid ;; esac"},
    {"pgrep", "[ -e brick ]"},
    {"pkill", "echo \"pkill $*\" >>log"},
    {"gluster", "echo \"gluster $*\" >>log\n"
                "echo 'Volume Name: vol0'; echo 'Status: Started'\n"
                "echo 'Volume Name: old'; echo 'Status: Stopped'"},
};

/// A host with its own /run/hadeploy and with the stand-ins.
struct FaultyHost {
    FaultyHost() {
        for (const char* name : {"run", "bin", "disk"}) fs::create_directory(dir.path / name);
        for (const auto& [name, body] : kTools)
            write_file(dir.path / "bin" / name,
                       fmt::format("#!/bin/sh\ncd {}\n{}\n", dir.path.string(), body), 0755);
        server = std::make_unique<SshServer>("", "ed25519", [this] { become(); });
        Provider& provider = *registry().provider("ssh");
        endpoint = provider.open(
            provider.endpoints(type_named("host.fault"), config(), Value::map({})).at(0),
            ProviderContext{});
    }
    /// In the process of the server: a /run of its own, with the directory that systemd has in it.
    void become() const {
        const auto bind = [&](const char* name, const char* to) {
            return ::mount((dir.path / name).c_str(), to, nullptr, MS_BIND, nullptr) == 0;
        };
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") != 0)
            ::_exit(99);
        for (const char* name : {"/run/sshd", "/run/hadeploy", "/run/systemd/system"})
            fs::create_directories(name);
        fs::permissions("/run/sshd", fs::perms::owner_all | fs::perms::group_exec);
        if (!bind("run", "/run/hadeploy") || !bind("bin", "/usr/local/bin")) ::_exit(99);
        // not executable: only the stand-in exists
        if (fs::exists("/usr/sbin/nft") &&
            ::mount("/dev/null", "/usr/sbin/nft", nullptr, MS_BIND, nullptr) != 0)
            ::_exit(99);
    }
    static bool possible() {
        return SshServer::possible() &&
               run_process({.argv = {"unshare", "-m", "true"}}).status == 0;
    }
    ~FaultyHost() {
        for (const fault::Record& r : list()) (void)end(r.kind);
    }

    Value config(const std::string& kind = "", Value options = Value::map({}),
                 std::chrono::milliseconds after = 600s) const {
        return Value::map({{"host", server->connection()},
                           {"kind", kind},
                           {"node", "node1"},
                           {"lineage", "L"},
                           {"undo_after", std::int64_t{after.count()}},
                           {"options", std::move(options)},
                           {"others", Value::list({"10.77.0.12", "fd00::13"})}});
    }
    std::optional<Error> apply(Change change) {
        change.type = &type_named("host.fault");
        change.address = "a fault";
        Results results(1);
        endpoint->apply({&change, 1}, results);
        return results.errors[0];
    }
    std::optional<Error> inject(const Value& wanted) {
        Change change;
        change.after = wanted;
        return apply(change);
    }
    std::optional<Error> end(const std::string& kind) {
        Change change;
        change.kind = Change::Kind::remove;
        change.before = config(kind);
        return apply(change);
    }
    std::vector<fault::Record> list() {
        const ReadRequest request{"the faults", &type_named("host.fault"), config(), nullptr, {}};
        return fault::from_value(endpoint->read({&request, 1}, {}).at(0).attributes["faults"]);
    }
    std::string log() const {
        return fs::exists(dir.path / "log") ? read_file(dir.path / "log") : "";
    }
    bool logged(std::string_view text) const { return log().find(text) != std::string::npos; }

    TempDir dir;
    std::unique_ptr<SshServer> server;
    std::shared_ptr<OpenEndpoint> endpoint;
};

/// A fault, and what the stand-ins log of it and of its undo.
struct FaultCase {
    const char* name;
    Value options;
    const char* effect;
    const char* undo;
};

std::vector<FaultCase> kinds(const FaultyHost& host) {
    const std::string disk = (host.dir.path / "disk").string();
    return {
        {"partition", Value::map({{"way", "both"}}), "ip saddr { 10.77.0.12 } drop;",
         "nft delete table inet hadeploy_fault"},
        {"latency", Value::map({{"delay", 250}, {"jitter", 20}}), "netem delay 250ms 20ms",
         "tc qdisc del dev eth7 root"},
        {"loss", Value::map({{"percent", 30}}), "netem loss 30%", "tc qdisc del dev eth7 root"},
        {"stop-docker", Value::map({}), "systemctl stop docker.socket docker.service",
         "systemctl start docker.service"},
        {"kill-brick", Value::map({}), "pkill -KILL -x glusterfsd",
         "gluster --mode=script volume start vol0 force"},
        {"drain", Value::map({}), "docker node update --availability drain node1",
         "docker node update --availability active node1"},
        {"fill-disk", Value::map({{"path", disk}, {"size", 1 << 20}}), "", ""},
    };
}

void prepare(const FaultyHost& host) {
    write_file(host.dir.path / "brick", "");
}

} // namespace

TEST_SUITE("real sshd" * doctest::skip(!FaultyHost::possible())) {

    TEST_CASE("each fault of a host is listed while it lasts, and ends once") {
        FaultyHost host;
        prepare(host);
        for (const FaultCase& kind : kinds(host)) {
            CAPTURE(kind.name);
            const auto failed = host.inject(host.config(kind.name, kind.options));
            REQUIRE_MESSAGE(!failed, (failed ? failed->message : ""));
            CHECK(host.logged(kind.effect));
            if (*kind.undo != '\0') CHECK_FALSE(host.logged(kind.undo));
            REQUIRE(host.list().size() == 1);
            CHECK(host.list()[0].kind == kind.name);
            CHECK(host.list()[0].armed);
            const auto second = host.inject(host.config(kind.name, kind.options));
            REQUIRE(second);
            CHECK(second->message.find("node1 already has a fault: " + std::string(kind.name)) !=
                  std::string::npos);
            CHECK(!host.end(kind.name));
            CHECK(host.logged(kind.undo));
            CHECK(host.list().empty());
            CHECK(!host.end(kind.name));
            fs::remove(host.dir.path / "log");
        }
    }

    TEST_CASE("SIGKILL of hadeploy during each fault: the host undoes it") {
        FaultyHost host;
        prepare(host);
        for (const FaultCase& kind : kinds(host)) {
            CAPTURE(kind.name);
            const Value wanted = host.config(kind.name, kind.options, 4s);
            const pid_t child = ::fork();
            if (child == 0) {
                Provider& provider = *registry().provider("ssh");
                const auto own = provider.open(
                    provider.endpoints(type_named("host.fault"), wanted, Value::map({})).at(0),
                    ProviderContext{.lineage = "L"});
                Change change;
                change.type = &type_named("host.fault");
                change.after = wanted;
                Results results(1);
                own->apply({&change, 1}, results);
                ::kill(::getpid(), SIGKILL);
            }
            ::waitpid(child, nullptr, 0);
            CHECK(host.logged(kind.effect));
            CHECK(host.list().size() == 1);
            for (int i = 0; i < 300 && !host.list().empty(); ++i)
                std::this_thread::sleep_for(100ms);
            CHECK(host.list().empty());
            CHECK(host.logged(kind.undo));
            fs::remove(host.dir.path / "log");
        }
    }

    TEST_CASE("a fault that is not possible is refused, and nothing is armed") {
        FaultyHost host;
        const auto refusal = [&](const char* kind, Value options) {
            const auto error = host.inject(host.config(kind, std::move(options)));
            CHECK(host.list().empty());
            return error ? error->message : std::string("(no error)");
        };
        const std::string disk = (host.dir.path / "disk").string();
        CHECK(refusal("fill-disk", Value::map({{"path", disk}, {"size", std::int64_t{1} << 60}}))
                  .find("has space for at most") != std::string::npos);
        CHECK(refusal("fill-disk", Value::map({{"path", disk + "/nowhere"}, {"size", 1}}))
                  .find("there is no directory") != std::string::npos);
        CHECK(refusal("kill-service", Value::map({{"service", "app_web"}}))
                  .find("no task of app_web runs on this node") != std::string::npos);
        CHECK(refusal("kill-brick", Value::map({})).find("no brick process runs") !=
              std::string::npos);
        fs::remove(host.dir.path / "bin/nft");
        CHECK(refusal("partition", Value::map({{"way", "both"}})).find("in the package nftables") !=
              std::string::npos);
        CHECK(host.log().find("kill") == std::string::npos);
    }

    TEST_CASE("latency does not replace the host's own traffic control") {
        FaultyHost host;
        write_file(host.dir.path / "other", "");
        const auto error =
            host.inject(host.config("latency", Value::map({{"delay", 250}, {"jitter", 0}})));
        REQUIRE(error);
        CHECK(error->message.find("eth7 already has its own traffic control") != std::string::npos);
        CHECK(!host.end("latency"));
        CHECK_FALSE(host.logged("qdisc add"));
        CHECK_FALSE(host.logged("qdisc del"));
    }

    TEST_CASE("kill-service kills the first process of the task's container") {
        FaultyHost host;
        const pid_t task = ::fork();
        if (task == 0) {
            ::pause();
            ::_exit(0);
        }
        write_file(host.dir.path / "container", "c0ffee\n");
        write_file(host.dir.path / "pid", std::to_string(task) + "\n");
        CHECK(!host.inject(host.config("kill-service", Value::map({{"service", "app_web"}}))));
        int status = 0;
        ::waitpid(task, &status, 0);
        CHECK(WIFSIGNALED(status));
        CHECK(host.logged("label=com.docker.swarm.service.name=app_web"));
    }

    TEST_CASE("a filled disk takes the space, and frees it with the fault") {
        FaultyHost host;
        const fs::path disk = host.dir.path / "disk";
        const auto before = fs::space(disk).free;
        const std::int64_t size = std::int64_t{256} << 20;
        CHECK(!host.inject(
            host.config("fill-disk", Value::map({{"path", disk.string()}, {"size", size}}))));
        CHECK(fs::space(disk).free + size / 2 < before);
        CHECK(fs::is_empty(disk));                // a boot frees it too
        const auto filled = fs::space(disk).free; // other processes use the disk as well
        CHECK(!host.end("fill-disk"));
        CHECK(fs::space(disk).free > filled + size / 2);
    }

    TEST_CASE("a disk is filled as far as its file system allows") {
        FaultyHost host;
        const std::string disk = (host.dir.path / "disk").string();
        const auto refuse = [&](int times) { // a stand-in, because the real one would fill the disk
            write_file(host.dir.path / "bin/fallocate",
                       fmt::format("#!/bin/sh\ncd {}\necho \"$2\" >>sizes\n"
                                   "[ $(wc -l <sizes) -gt {} ] || {{\n"
                                   "echo 'fallocate: No space left on device' >&2; exit 1; }}\n",
                                   host.dir.path.string(), times),
                       0755);
        };
        refuse(3);
        CHECK(!host.inject(host.config("fill-disk", Value::map({{"path", disk}}))));
        std::ifstream file(host.dir.path / "sizes");
        std::vector<std::int64_t> sizes;
        for (std::int64_t size = 0; file >> size;) sizes.push_back(size);
        REQUIRE(sizes.size() == 4);
        for (std::size_t i = 1; i < sizes.size(); ++i)
            CHECK(sizes[i] == sizes[i - 1] - (std::int64_t{4} << 20));
        CHECK(!host.end("fill-disk"));

        refuse(1000);
        const auto error = host.inject(host.config("fill-disk", Value::map({{"path", disk}})));
        REQUIRE(error);
        CHECK(error->message.find("the disk is full") != std::string::npos);
        CHECK(!host.end("fill-disk"));

        fs::remove(host.dir.path / "sizes"); // a given size is not reduced
        CHECK(
            host.inject(host.config("fill-disk", Value::map({{"path", disk}, {"size", 1 << 20}}))));
        CHECK(read_file(host.dir.path / "sizes") == "1048576\n");
    }
}
