// The script of an operation, run by a local shell, and on a host that reboots.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/exec.h"
#include "providers/ssh/operation.h"
#include "ssh/server.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
struct Response {
    std::vector<SectionResult> sections;
    bool complete = false;
    std::string notice, boot;
};

/// One operation, run by a local shell.
struct LocalShell {
    TempDir dir;
    OperationName name{fmt::format("local-{}", fs::path(dir.path).filename().string()), "run",
                       make_boundary()};
    ~LocalShell() {
        for (const char* end : {".out", ".err"}) fs::remove(file(end));
    }
    [[nodiscard]] std::string path(const std::string& file) const { return dir.path / file; }
    [[nodiscard]] std::string file(const std::string& end) const {
        return fmt::format("/run/hadeploy/{}.{}.{}{}", name.lineage, name.process, name.id, end);
    }
    [[nodiscard]] bool begun() const {
        return fs::exists(file(".out")) && fs::file_size(file(".out")) > 0;
    }
    [[nodiscard]] Section until(const std::string& there) const {
        return {.script = "until [ -e " + path(there) + " ]; do sleep 0.05; done"};
    }
    [[nodiscard]] std::string script(const std::vector<Section>& sections,
                                     const std::string& boot = "") const {
        return compose_operation(sections, name, "", boot);
    }
    /// The client disconnects when it has its answer without a confirmation, so the files stay.
    Response run(const std::string& script) const {
        const TempDir here;
        write_file(here.path / "script", script);
        const std::string client = fmt::format("cd {}\n"
                                               "answered() {{ for f in out err; do grep -Eq '^{} "
                                               "(end|gone|rebooted) ' $f || return 1; "
                                               "done; }}\n"
                                               "{{ cat script; n=0; until answered || [ $n = 200 "
                                               "]; do n=$((n+1)); sleep 0.05; done; }} "
                                               "| sh >out 2>err\n"
                                               "cat out; cat err >&2\n",
                                               here.path.string(), name.id);
        return read(run_process({.argv = {"sh"}, .input = client}));
    }
    [[nodiscard]] Response read(const ProcessResult& result) const {
        Response answer;
        Frames frames(name.id, [&](std::size_t, SectionResult section) {
            answer.sections.push_back(std::move(section));
        });
        frames.out(result.out);
        frames.err(result.err);
        answer.complete = frames.complete();
        answer.notice = frames.notice();
        answer.boot = frames.start();
        return answer;
    }
};

/// A machine whose boot id and /run/hadeploy belong to this test. An operation detects a reboot
/// only by these; other effects of a reboot are not covered.
struct Machine {
    TempDir dir;
    std::string boot_id = dir.path / "boot_id", run = dir.path / "run";
    Machine() {
        write_file(boot_id, "first\n");
        fs::create_directory(run);
        fs::create_directories("/run/hadeploy");
    }
    void become() const {
        const auto bind = [](const std::string& what, const char* where) {
            return ::mount(what.c_str(), where, nullptr, MS_BIND, nullptr) == 0;
        };
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            !bind(run, "/run/hadeploy") || !bind(boot_id, "/proc/sys/kernel/random/boot_id"))
            ::_exit(126);
    }
    [[nodiscard]] std::string path(const std::string& name) const { return dir.path / name; }
    /// In a section: all processes of this connection die, and /run/hadeploy is empty afterwards.
    [[nodiscard]] std::string reboot() const {
        return fmt::format("sleep 0.3; echo $$ >{}; rm -f /run/hadeploy/*; kill -9 $$ $PPID; "
                           "sleep 1",
                           boot_id);
    }
    static bool possible() {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(::unshare(CLONE_NEWNS) == 0 ? 0 : 1);
        int status = 1;
        ::waitpid(child, &status, 0);
        return SshServer::possible() && status == 0;
    }
};
} // namespace

TEST_SUITE("as root" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("a script truncated at any byte does not start") {
        const LocalShell local;
        const std::string script = local.script({{.script = "touch " + local.path("begun")}});
        // The last byte is a line end, which the shell does not need.
        for (std::size_t size = 0; size + 1 < script.size(); size += 41)
            run_process({.argv = {"sh"}, .input = script.substr(0, size)});
        run_process({.argv = {"sh"}, .input = script.substr(0, script.size() - 2)});
        CHECK(!fs::exists(local.path("begun")));
        CHECK(!fs::exists(local.file(".out")));
        CHECK(local.run(script).complete);
        CHECK(fs::exists(local.path("begun")));
    }

    TEST_CASE("it starts once, and every attempt gets the complete answer") {
        const LocalShell local;
        const std::string script = local.script(
            {{.script = "echo line >>" + local.path("log") + "; sleep 0.5; echo out; echo err >&2"},
             {.script = "wc -c", .input = "input", .strict = false}});
        // Another operation blocks them all at the point where each has seen that none has started.
        LocalShell other;
        other.name.lineage = local.name.lineage;
        std::vector<Response> answers(4);
        {
            std::vector<std::jthread> attempts;
            attempts.emplace_back([&] { other.run(other.script({other.until("go")})); });
            while (!other.begun()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
            for (Response& answer : answers)
                attempts.emplace_back([&] { answer = local.run(script); });
            std::this_thread::sleep_for(std::chrono::milliseconds(700));
            write_file(other.path("go"), "");
        }
        answers.push_back(local.run(script)); // after it has ended
        for (const Response& answer : answers) {
            CHECK(answer.complete);
            REQUIRE(answer.sections.size() == 2);
            CHECK(answer.sections[0].out == "out\n");
            CHECK(answer.sections[0].err == "err\n");
            CHECK(answer.sections[1].out == "5\n");
        }
        CHECK(read_file(local.path("log")) == "line\n");
    }

    TEST_CASE("a started operation that is gone: after a reboot, or removed by somebody") {
        const LocalShell local;
        const std::vector<Section> sections{{.script = "touch " + local.path("begun")}};
        std::string boot = read_file("/proc/sys/kernel/random/boot_id");
        boot.pop_back();
        CHECK(local.run(local.script(sections, boot)).notice == "gone 0");
        CHECK(local.run(local.script(sections, "another")).notice == "rebooted 0");
        CHECK(!fs::exists(local.path("begun")));
        CHECK(local.run(local.script(sections)).boot == boot);
        CHECK(local.run(local.script(sections, boot)).complete);
    }

    TEST_CASE("only root can read the files") {
        const LocalShell local;
        CHECK(local.run(local.script({{.script = "true"}})).complete);
        CHECK((fs::status("/run/hadeploy").permissions() & fs::perms::mask) ==
              fs::perms::owner_all);
    }

    TEST_CASE("waits for other operations of the state, but not forever") {
        const LocalShell local;
        const auto wait = [&](const std::string& lineage) {
            const std::vector<Section> sections{{.script = "echo looked", .strict = false}};
            return local.read(run_process(
                {.argv = {"sh"},
                 .input = compose(sections, local.name.id, wait_for_operations(lineage, 1))}));
        };
        std::jthread other([&] {
            local.run(local.script(
                {{.script = "until [ -e " + local.path("go") + " ]; do sleep 0.05; done"}}));
        });
        while (!local.begun()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        const Response busy = wait(local.name.lineage);
        CHECK(busy.notice.starts_with("busy "));
        CHECK(busy.sections.empty());
        CHECK(wait(local.name.lineage + "x").sections.size() == 1);
        write_file(local.path("go"), "");
        other.join();
        CHECK(fs::exists(local.file(".out"))); // its answer exists, but it no longer runs
        CHECK(wait(local.name.lineage).sections.size() == 1);
    }

} // TEST_SUITE

TEST_SUITE("mount namespaces" * doctest::skip(!Machine::possible())) {

    namespace {
    struct Reboots {
        Machine machine;
        SshServer server{"", "ed25519", [this] { machine.become(); }};
        Pool pool;
        Login login = login_from(server.connection());
        std::vector<SectionResult> results = {};
        std::vector<std::string> notices = {};

        Outcome run(const std::vector<Section>& sections) {
            return run_operation(
                pool, login, sections,
                [&](std::size_t, SectionResult result) { results.push_back(std::move(result)); },
                [&](std::string_view text) { notices.emplace_back(text); }, {});
        }
    };
    } // namespace

    TEST_CASE("a host that reboots during an operation: continues at the interrupted step") {
        Reboots host;
        const std::string log = host.machine.path("log"), flag = host.machine.path("flag");
        const Outcome outcome =
            host.run({{.script = "echo one >>" + log},
                      {.script = fmt::format("echo two >>{0}; [ -e {1} ] || {{ touch {1}; {2}; }}",
                                             log, flag, host.machine.reboot())},
                      {.script = "echo three >>" + log}});
        CHECK(!outcome.broken);
        CHECK(outcome.finished == 3);
        CHECK(host.results.size() == 3);
        CHECK(read_file(log) == "one\ntwo\ntwo\nthree\n");
        CHECK(host.notices.back() == "the host rebooted; running the command again");
        CHECK(fs::is_empty(host.machine.run));
    }

    TEST_CASE("a step that reboots its host each time is given up") {
        Reboots host;
        const Outcome outcome = host.run({{.script = "true"}, {.script = host.machine.reboot()}});
        REQUIRE(outcome.broken);
        CHECK(outcome.begun);
        CHECK(outcome.finished == 1);
        CHECK(outcome.broken->message.find("ended while a step was running") != std::string::npos);
    }

} // TEST_SUITE
