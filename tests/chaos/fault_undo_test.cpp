// The shell scripts of the armed undo, in the shells of this machine.
#include "core/file.h"
#include "core/process.h"
#include "provider_api/fault_undo.h"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr const char* kLineage = "11111111-2222-5333-8444-555555555555";

struct Records {
    Records() {
        std::string name = (fs::temp_directory_path() / "hadeploy-fault-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;
    ~Records() {
        for (const fault::Record& r : list()) run(end(r.kind, r.lineage));
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }

    std::string directory() const { return (path / "records").string(); }
    fault::Undo undo(std::chrono::milliseconds after) const {
        return {.directory = directory(),
                .node = "node2",
                .kind = "latency",
                .lineage = kLineage,
                .after = after,
                .script = fmt::format("echo undone >>'{}/log'", path.string())};
    }
    std::string end(const std::string& kind = "latency",
                    const std::string& lineage = kLineage) const {
        return fault::end(directory(), "node2", kind, lineage);
    }
    ProcessResult run(const std::string& script) const {
        return run_process({.argv = shell, .input = "set -eu\n{\n" + script + "\n}\n"});
    }
    std::vector<fault::Record> list() const {
        return fault::parse(run(fault::list(directory())).out);
    }
    std::string log() const { return fs::exists(path / "log") ? read_file(path / "log") : ""; }
    bool undone_within(std::chrono::milliseconds time) const {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            if (!log().empty() && !fs::exists(directory() + "/fault.node2")) return true;
            std::this_thread::sleep_for(50ms);
        }
        return false;
    }

    fs::path path;
    std::vector<std::string> shell{"sh", "-s"};
};

std::vector<std::vector<std::string>> shells() {
    std::vector<std::vector<std::string>> out{{"sh", "-s"}};
    if (fs::exists("/bin/busybox")) out.push_back({"/bin/busybox", "ash", "-s"});
    if (fs::exists("/bin/bash")) out.push_back({"bash", "-s"});
    return out;
}

int keeper_of(const Records& records) {
    return std::stoi(read_file(records.directory() + "/fault.node2/armed").substr(37));
}

} // namespace

TEST_CASE("an armed undo is listed, excludes a second fault, and ends once") {
    for (const auto& shell : shells()) {
        Records records;
        records.shell = shell;
        CAPTURE(shell[0]);
        const ProcessResult armed = records.run(fault::arm(records.undo(600s)));
        REQUIRE_MESSAGE(armed.status == 0, armed.err);
        const std::vector<fault::Record> all = records.list();
        REQUIRE(all.size() == 1);
        CHECK(all[0].node == "node2");
        CHECK(all[0].kind == "latency");
        CHECK(all[0].lineage == kLineage);
        CHECK(all[0].since < 20s);
        CHECK(all[0].left > 570s);
        CHECK(all[0].armed);
        // what is sent as attributes arrives unchanged
        CHECK(fault::from_value(fault::to_value(all))[0].left == all[0].left);

        const ProcessResult second = records.run(fault::arm(records.undo(600s)));
        CHECK(second.status != 0);
        CHECK(second.err == "hadeploy: node2 already has a fault: latency\n");
        CHECK(records.list().size() == 1);

        // neither another fault nor that of another project is ended
        CHECK(records.run(records.end("loss")).status == 0);
        CHECK(records.run(records.end("latency", "another")).status == 0);
        CHECK(records.list().size() == 1);
        CHECK(records.log().empty());

        const int keeper = keeper_of(records);
        CHECK(::kill(keeper, 0) == 0);
        CHECK(records.run(records.end()).status == 0);
        CHECK(records.log() == "undone\n");
        CHECK(records.list().empty());
        CHECK(records.run(records.end()).status == 0);
        CHECK(records.log() == "undone\n"); // nothing was left to end
    }
}

TEST_CASE("the undo comes by itself, even when everything else has been killed") {
    Records records;
    const std::string script = fault::arm(records.undo(2s)) + "echo armed; exec sleep 100";
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        ::execlp("sh", "sh", "-euc", script.c_str(), nullptr);
        ::_exit(127);
    }
    while (records.list().empty()) std::this_thread::sleep_for(20ms);
    while (!records.list().empty() && !records.list()[0].armed) std::this_thread::sleep_for(20ms);
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(records.log().empty());
    CHECK(records.undone_within(60s));
    CHECK(records.log() == "undone\n");
}

TEST_CASE("an undo that cannot be armed is refused, and leaves no record") {
    Records records;
    fault::Undo undo = records.undo(600s);
    undo.hold = "echo 'no such disk' >&2; exit 1";
    const ProcessResult refused =
        records.run(fault::arm(undo) + "touch '" + records.path.string() + "/injected'\n");
    CHECK(refused.status != 0);
    CHECK(refused.err == "hadeploy: the undo cannot be armed: no such disk\n");
    CHECK(records.list().empty());
    CHECK_FALSE(fs::exists(records.path / "injected"));
}

TEST_CASE("a fault whose undo was killed is listed as such, and can be ended") {
    Records records;
    REQUIRE(records.run(fault::arm(records.undo(600s))).status == 0);
    ::kill(-keeper_of(records), SIGKILL);
    for (int i = 0; i < 500 && records.list()[0].armed; ++i) std::this_thread::sleep_for(10ms);
    CHECK_FALSE(records.list()[0].armed);
    CHECK(records.run(records.end()).status == 0);
    CHECK(records.log() == "undone\n");
    CHECK(records.list().empty());
}

TEST_CASE("an undo that fails keeps the fault recorded and armed") {
    Records records;
    fault::Undo undo = records.undo(600s);
    undo.script = "[ -e '" + records.path.string() + "/repaired' ]";
    REQUIRE(records.run(fault::arm(undo)).status == 0);
    const ProcessResult failed = records.run(records.end());
    CHECK(failed.status != 0);
    CHECK(failed.err == "hadeploy: the undo failed\n");
    REQUIRE(records.list().size() == 1);
    CHECK(records.list()[0].armed);
    write_file(records.path / "repaired", "");
    CHECK(records.run(records.end()).status == 0);
    CHECK(records.list().empty());
}

TEST_CASE("a file that the keeper holds is gone with it") {
    Records records;
    fault::Undo undo = records.undo(600s);
    const fs::path file = records.path / "held";
    undo.hold = fmt::format("exec 9>'{0}'; rm '{0}'", file.string());
    REQUIRE(records.run(fault::arm(undo)).status == 0);
    const fs::path held = fmt::format("/proc/{}/fd/9", keeper_of(records));
    CHECK(fs::exists(held));
    CHECK_FALSE(fs::exists(file));
    CHECK(records.run(records.end()).status == 0);
    CHECK_FALSE(fs::exists(held));
}

TEST_CASE("other lines than those of faults are ignored") {
    const auto records = fault::parse("fault node1 kill L 5 60 yes\nfault node2 kill\nhello\n\n"
                                      "fault node3 unknown unknown 0 -7 no\n");
    REQUIRE(records.size() == 2);
    CHECK(records[0].armed);
    CHECK(records[1].node == "node3");
    CHECK(records[1].left == -7s);
}
