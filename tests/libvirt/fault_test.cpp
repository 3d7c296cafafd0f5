// libvirt.fault with libvirt's test driver, and with a stand-in of virsh, which the undo uses.
#include "core/file.h"
#include "driver_world.h"
#include "provider_api/fault_undo.h"

#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::libvirt;
using namespace hadeploy::libvirt::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kTheirs = "33333333-3333-4333-8333-333333333333";

struct FaultWorld {
    FaultWorld() : old_path(std::getenv("PATH")) {
        std::filesystem::create_directory(dir.path() / "bin");
        write_file(dir.path() / "bin/virsh",
                   fmt::format("#!/bin/sh\ncd {}\necho \"$*\" >>log\n"
                               "case $* in '-q list'*) echo {} ;; *domstate*) cat state ;; esac\n",
                               dir.path().string(), kTheirs),
                   0755);
        write_file(dir.path() / "state", "shut off\n");
        ::setenv("PATH", ((dir.path() / "bin").string() + ":" + old_path).c_str(), 1);
    }
    FaultWorld(const FaultWorld&) = delete;
    FaultWorld& operator=(const FaultWorld&) = delete;
    ~FaultWorld() {
        (void)end("node1");
        ::setenv("PATH", old_path.c_str(), 1);
    }

    Value config(const char* kind, std::chrono::milliseconds after = 600s,
                 const char* domain = kTheirs) const {
        return Value::map({{"records", (dir.path() / "faults").string()},
                           {"kind", kind},
                           {"node", "node1"},
                           {"lineage", "L"},
                           {"undo_after", std::int64_t{after.count()}},
                           {"domain", domain}});
    }
    Outcome inject(const Value& wanted) { return world.create("libvirt.fault", wanted, "fault"); }
    Outcome end(const char* node) {
        const auto all = list();
        const std::string kind = all.empty() ? "kill" : all[0].kind;
        return world.remove("libvirt.fault", config(kind.c_str()).with("node", Value(node)),
                            "fault");
    }
    std::vector<fault::Record> list() {
        return fault::from_value(
            world.read("libvirt.fault", config(""), "fault").attributes["faults"]);
    }
    bool logged(std::string_view text) const {
        const auto log = dir.path() / "log";
        return std::filesystem::exists(log) && read_file(log).find(text) != std::string::npos;
    }

    TempDir dir;
    std::string old_path;
    World world;
};

std::string message(const Outcome& outcome) {
    return outcome.error ? outcome.error->message : "";
}

} // namespace

TEST_CASE("kill switches a machine off after its undo is armed, and the end starts it") {
    FaultWorld w;
    CHECK(w.list().empty());
    const Outcome killed = w.inject(w.config("kill"));
    REQUIRE_MESSAGE(killed.attributes, message(killed));
    CHECK(killed.steps == std::vector<std::string>{"arming the undo", "injecting the fault"});
    REQUIRE(w.list().size() == 1);
    CHECK(w.list()[0].node == "node1");
    CHECK(w.list()[0].armed);
    // it is off now
    CHECK(message(w.inject(w.config("pause"))) == "'theirs' is switched off");
    CHECK_FALSE(w.logged("start"));
    CHECK(w.end("node1").attributes);
    CHECK(w.logged(fmt::format("-q start {}", kTheirs)));
    CHECK(w.list().empty());
    CHECK(w.end("node1").attributes);
}

TEST_CASE("pause suspends a machine, the end resumes it; one fault for each node") {
    FaultWorld w;
    CHECK(w.inject(w.config("pause")).attributes);
    CHECK(message(w.inject(w.config("reboot"))) ==
          "arming the undo failed on the libvirt host: node1 already has a fault: pause");
    write_file(w.dir.path() / "state", "paused\n");
    CHECK(w.end("node1").attributes);
    CHECK(w.logged(fmt::format("-q resume {}", kTheirs)));
    CHECK_FALSE(w.logged("start"));
}

TEST_CASE("a rebooted machine runs, and its undo leaves it so") {
    FaultWorld w;
    CHECK(w.inject(w.config("reboot")).attributes);
    write_file(w.dir.path() / "state", "running\n");
    CHECK(w.end("node1").attributes);
    CHECK_FALSE(w.logged("start"));
    CHECK(w.inject(w.config("pause")).attributes); // it was running
}

TEST_CASE("the undo of a power fault comes by itself") {
    FaultWorld w;
    CHECK(w.inject(w.config("kill", 1s)).attributes);
    for (int i = 0; i < 600 && !w.list().empty(); ++i) std::this_thread::sleep_for(50ms);
    CHECK(w.list().empty());
    CHECK(w.logged(fmt::format("-q start {}", kTheirs)));
}

TEST_CASE("SIGKILL of hadeploy during a power fault: the machine is started all the same") {
    for (const char* kind : {"kill", "pause", "reboot"}) {
        CAPTURE(kind);
        FaultWorld w;
        const pid_t child = ::fork();
        if (child == 0) {
            ::setsid();
            World own;
            own.create("libvirt.fault", w.config(kind, 2s), "fault");
            ::kill(0, SIGKILL); // with everything in its session
        }
        ::waitpid(child, nullptr, 0);
        CHECK(w.list().size() == 1);
        for (int i = 0; i < 600 && !w.list().empty(); ++i) std::this_thread::sleep_for(50ms);
        CHECK(w.list().empty());
        CHECK(w.logged(fmt::format("-q start {}", kTheirs)));
    }
}

TEST_CASE("a machine that does not exist any more needs no undo") {
    FaultWorld w;
    CHECK(w.inject(w.config("kill")).attributes);
    write_file(w.dir.path() / "bin/virsh", "#!/bin/sh\n[ \"$2\" = list ]\n", 0755);
    CHECK(w.end("node1").attributes);
}

TEST_CASE("an undo that cannot be armed: the machine is not touched") {
    FaultWorld w;
    write_file(w.dir.path() / "bin/virsh", "#!/bin/sh\necho no connection >&2; exit 1\n", 0755);
    CHECK(message(w.inject(w.config("kill"))) ==
          "arming the undo failed on the libvirt host: no connection");
    CHECK(w.list().empty());
    std::filesystem::remove(w.dir.path() / "bin/virsh");
    write_file(w.dir.path() / "bin/virsh",
               fmt::format("#!/bin/sh\ncase $* in *domstate*) echo running ;; *) echo {} ;; esac\n",
                           kTheirs),
               0755);
    CHECK(w.inject(w.config("pause")).attributes); // it was running
    CHECK_FALSE(
        w.inject(w.config("kill", 600s, "33333333-3333-4333-8333-333333333334")).attributes);
}
