// Changes on a real sshd whose connection is cut, half closed, delayed or stalled: the same apply
// makes them exactly once.
#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/operation.h"
#include "providers/ssh/provider.h"
#include "ssh/fault_proxy.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using namespace hadeploy::test;
namespace fs = std::filesystem;
using Kind = Fault::Kind;
using Direction = Fault::Direction;

namespace {
constexpr const char* kAgain = "the connection broke; reconnecting";

/// A host behind a proxy, and the operation files of one state on it.
struct Faulty {
    SshServer server;
    FaultProxy proxy{server.port()};
    TempDir dir;
    std::string lineage =
        fmt::format("fault-{}-{}", ::getpid(), fs::path(dir.path).filename().string());
    std::shared_ptr<Pool> pool = std::make_shared<Pool>(lineage);
    Login login = [this] {
        Login l = login_from(server.connection().with("port", proxy.port()));
        l.timeout = std::chrono::seconds(8);
        return l;
    }();
    std::vector<std::string> notices;

    ~Faulty() { // cleans up after a failed check
        for (const std::string& file : left()) fs::remove(file);
    }
    [[nodiscard]] std::string path(const std::string& name) const { return dir.path / name; }
    [[nodiscard]] std::string text(const std::string& name) const {
        return fs::exists(path(name)) ? read_file(path(name)) : "";
    }
    [[nodiscard]] std::vector<std::string> left() const {
        std::vector<std::string> files;
        if (fs::exists("/run/hadeploy"))
            for (const auto& entry : fs::directory_iterator("/run/hadeploy"))
                if (entry.path().filename().string().starts_with(lineage))
                    files.push_back(entry.path());
        return files;
    }
    /// The host removes the files shortly after the confirmation.
    [[nodiscard]] bool nothing_left() const {
        for (int i = 0; i < 200 && !left().empty(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return left().empty();
    }

    struct Run {
        std::vector<SectionResult> results;
        Outcome outcome;
    };
    Run operate(const std::vector<Section>& sections, std::stop_token stop = {}) {
        Run run;
        run.outcome = run_operation(
            *pool, login, sections,
            [&](std::size_t index, SectionResult result) {
                CHECK(index == run.results.size());
                run.results.push_back(std::move(result));
            },
            [&](std::string_view text) { notices.emplace_back(text); }, std::move(stop));
        return run;
    }
};

/// A directory, a file in it, and a command that leaves a trace of each run.
class SmallApply {
  public:
    SmallApply(const Faulty& host, const std::string& name) : root_(host.path(name)) {
        const Value connection = host.server.connection();
        const auto add = [&](const char* type, std::initializer_list<Entry> written) {
            Value all = Value::map({{"host", connection}});
            for (const Entry& e : written) all = all.with(e.key, e.value);
            Change change;
            change.address = type;
            change.type = registry().type(type);
            change.identity = fmt::format("{}-{}-{}", host.lineage, name, changes_.size());
            change.after = config_of(type, all);
            changes_.push_back(std::move(change));
        };
        add("host.directory", {{"path", Value(root_)}});
        add("host.file", {{"path", Value(root_ + "/file")}, {"content", Value("hello\n")}});
        add("host.command", {{"run", Value("echo line >>" + root_ + "/log")}});
    }
    ~SmallApply() {
        std::error_code ignored;
        for (const Change& change : changes_)
            fs::remove("/var/lib/hadeploy/" + change.identity, ignored);
    }
    SmallApply(const SmallApply&) = delete;
    SmallApply& operator=(const SmallApply&) = delete;

    /// The problem; empty if everything was created.
    std::string run(Faulty& host) {
        Results results(changes_.size());
        SshEndpoint(host.pool, host.login, {}).apply(changes_, results);
        for (const auto& error : results.errors)
            if (error) return error->message;
        if (results.order != std::vector<std::size_t>{0, 1, 2}) return "not all is done";
        if (read_file(root_ + "/file") != "hello\n") return "the file is not as it was to be";
        const std::string log = read_file(root_ + "/log");
        return log == "line\n" ? "" : "the command has run otherwise than once: " + log;
    }

  private:
    std::string root_;
    std::vector<Change> changes_;
};

/// Applies once for every `step`-th byte in a direction, each time with the fault at that byte, on
/// an open connection or during login.
int sweep(Faulty& host, Kind kind, Direction direction, std::size_t step, bool connected) {
    const auto fresh = [&] {
        host.pool = std::make_shared<Pool>(host.lineage);
        if (connected) host.pool->connect(host.login, {});
        return host.proxy.passed(direction);
    };
    static int trials = 0;
    const std::size_t before = fresh();
    REQUIRE(SmallApply(host, fmt::format("t{}", ++trials)).run(host) == "");
    const std::size_t whole = host.proxy.passed(direction) - before;
    REQUIRE(whole > 500);
    MESSAGE(whole << " bytes");
    int struck = 0;
    for (std::size_t at = 0; at < whole; at += step) {
        CAPTURE(at);
        fresh();
        host.proxy.arm({.kind = kind, .direction = direction, .after = at});
        REQUIRE(SmallApply(host, fmt::format("t{}", ++trials)).run(host) == "");
        REQUIRE(host.nothing_left());
        struck += host.proxy.struck();
    }
    return struck;
}
} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    // Packets are encrypted and verified as a whole, so bytes of the same packet are equivalent,
    // and the steps hit most packets. HADEPLOY_FAULT_STEP=1 cuts at every byte, which takes half an
    // hour.
    TEST_CASE("a connection cut at any byte: the same apply makes every change once") {
        const char* every = std::getenv("HADEPLOY_FAULT_STEP");
        const auto step = [&](std::size_t usual) {
            return every ? static_cast<std::size_t>(std::max(1, std::atoi(every))) : usual;
        };
        Faulty host;
        int struck = 0;
        struck += sweep(host, Kind::cut, Direction::to_host, step(701), true);
        struck += sweep(host, Kind::cut, Direction::to_client, step(83), true);
        struck += sweep(host, Kind::half, Direction::to_host, step(3001), true);
        struck += sweep(host, Kind::half, Direction::to_client, step(307), true);
        struck += sweep(host, Kind::cut, Direction::to_client, step(1301), false);
        MESSAGE(struck << " faults");
        CHECK(struck > 40);
    }

    TEST_CASE("a step whose connection is cut continues, and is not started again") {
        Faulty host;
        const auto run = host.operate(
            {{.script = "echo one >>" + host.path("log")},
             {.script = "kill -9 $PPID; sleep 0.5; echo two >>" + host.path("log") + "; echo said"},
             {.script = "cat >>" + host.path("log"), .input = "three\n"},
             {.script = "echo seen; cat " + host.path("log"), .strict = false}});
        CHECK(!run.outcome.broken);
        REQUIRE(run.results.size() == 4);
        CHECK(run.results[1].out == "said\n");
        CHECK(run.results[3].out == "seen\none\ntwo\nthree\n");
        CHECK(host.notices == std::vector<std::string>{kAgain});
        CHECK(host.nothing_left());
    }

    TEST_CASE("a step that fails while its connection is cut is reported as failed") {
        Faulty host;
        const auto run =
            host.operate({{.script = "kill -9 $PPID; sleep 0.3; echo too bad >&2; exit 7"},
                          {.script = "touch " + host.path("never")}});
        CHECK(!run.outcome.broken);
        REQUIRE(run.results.size() == 1);
        CHECK(run.results[0].status == 7);
        CHECK(run.results[0].err == "too bad\n");
        CHECK(!fs::exists(host.path("never")));
        CHECK(host.nothing_left());
    }

    TEST_CASE("a delayed reply is waited for") {
        Faulty host;
        host.pool->connect(host.login, {});
        host.proxy.arm({.kind = Kind::delay,
                        .direction = Direction::to_client,
                        .after = 600,
                        .pause = std::chrono::milliseconds(1500)});
        CHECK(SmallApply(host, "it").run(host) == "");
        CHECK(host.proxy.struck());
        CHECK(host.proxy.connections() == 1);
        CHECK(host.nothing_left());
    }

    TEST_CASE("a silent host is detected, and asked over another connection") {
        Faulty host;
        host.login.silence = std::chrono::seconds(4);
        for (const Kind kind : {Kind::stall, Kind::swallow}) {
            host.pool = std::make_shared<Pool>(host.lineage);
            host.pool->connect(host.login, {});
            const int before = host.proxy.connections();
            host.proxy.arm({.kind = kind, .direction = Direction::to_client, .after = 300});
            CHECK(SmallApply(host, fmt::format("it{}", static_cast<int>(kind))).run(host) == "");
            CHECK(host.proxy.struck());
            CHECK(host.proxy.connections() == before + 1);
            CHECK(host.nothing_left());
        }
    }

    TEST_CASE("a long silent step does not count as a lost host") {
        Faulty host;
        host.login.silence = std::chrono::seconds(4);
        CHECK(!host.operate({{.script = "sleep 6"}}).outcome.broken);
        CHECK(host.proxy.connections() == 1);
    }

    TEST_CASE("a host that does not come back: the result is unknown") {
        Faulty host;
        host.login.timeout = std::chrono::milliseconds(500);
        std::jthread later([&] {
            while (host.text("log").empty())
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            host.server.stop();
            write_file(host.path("stopped"), "");
        });
        const auto run =
            host.operate({{.script = fmt::format("echo one >>{0}; until [ -e {1} ]; do sleep 0.05; "
                                                 "done; kill -9 $PPID",
                                                 host.path("log"), host.path("stopped"))}});
        REQUIRE(run.outcome.broken);
        CHECK(run.outcome.begun);
        CHECK(run.outcome.broken->kind == ErrorKind::unreachable);
        CHECK(run.results.empty());
    }

    TEST_CASE("a removed result: the result is unknown") {
        Faulty host;
        const auto run = host.operate(
            {{.script = "sleep 0.3; rm -f /run/hadeploy/" + host.lineage + ".*; kill -9 $PPID"}});
        REQUIRE(run.outcome.broken);
        CHECK(run.outcome.begun);
        CHECK(run.outcome.broken->message.find("is gone") != std::string::npos);
    }

    TEST_CASE("streamed input is sent again once") {
        Faulty host;
        const std::string content = test::some_bytes(400'000);
        write_file(host.path("source"), content);
        Change change;
        change.address = "it";
        change.type = registry().type("host.file");
        change.identity = host.lineage;
        change.after = config_of("host.file", Value::map({{"host", host.server.connection()},
                                                          {"path", host.path("copy")},
                                                          {"source", host.path("source")}}));
        host.pool->connect(host.login, {});
        host.proxy.arm({.after = 200'000});
        Results results(1);
        SshEndpoint(host.pool, host.login, {}).apply(std::span(&change, 1), results);
        CHECK(!results.errors[0]);
        CHECK(host.proxy.struck());
        CHECK((host.text("copy") == content));
    }

    TEST_CASE("reads are repeated, except those that were answered") {
        Faulty host;
        host.pool->connect(host.login, {});
        host.proxy.arm({.direction = Direction::to_client, .after = 3000});
        std::vector<Section> sections(
            60, {.script = "echo x >>" + host.path("asked") + "; head -c 300 /dev/zero",
                 .strict = false});
        std::vector<std::size_t> order;
        const Outcome outcome = run_sections(*host.pool, host.login, sections,
                                             [&](std::size_t index, const SectionResult& result) {
                                                 CHECK(result.out.size() == 300);
                                                 order.push_back(index);
                                             },
                                             {}, {});
        CHECK(!outcome.broken);
        CHECK(host.proxy.connections() == 2);
        REQUIRE(order.size() == 60);
        CHECK(std::is_sorted(order.begin(), order.end()));
        CHECK(outcome.finished == 60);
    }

    TEST_CASE(
        "a run waits for a running step of an interrupted run; no step starts after that one") {
        Faulty host;
        std::stop_source stop;
        std::jthread later([&] {
            while (host.text("log").empty())
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            stop.request_stop();
        });
        CHECK_THROWS_AS(host.operate({{.script = "echo one >>" + host.path("log") +
                                                 "; sleep 1.5; echo two >>" + host.path("log")},
                                      {.script = "touch " + host.path("never")}},
                                     stop.get_token()),
                        Interrupted);
        host.pool = std::make_shared<Pool>(host.lineage); // the next run of hadeploy
        std::string seen;
        const Outcome outcome = run_sections(
            *host.pool, host.login,
            std::vector<Section>{{.script = "cat " + host.path("log"), .strict = false}},
            [&](std::size_t, const SectionResult& result) { seen = result.out; },
            [&](std::string_view text) { host.notices.emplace_back(text); }, {});
        CHECK(!outcome.broken);
        CHECK(seen == "one\ntwo\n");
        REQUIRE(host.notices.size() == 1); // once, regardless of the time
        CHECK(host.notices[0].starts_with("waiting for commands of an earlier run on the host "));
        CHECK(!fs::exists(host.path("never")));
        CHECK(host.left().size() == 2); // the result that no client received
        CHECK(!host.operate({{.script = "echo three"}}).outcome.broken);
        CHECK(host.nothing_left());
    }

} // TEST_SUITE
