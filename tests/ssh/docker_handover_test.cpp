#include "cluster_fixture.h"

#include "core/file.h"
#include "core/process.h"
#include "providers/ssh/docker_script.h"
#include "server.h"

#include <filesystem>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::test;

namespace {

/// A swarm of files and a `docker` command for it: demo_web has a task on n2 that may overlap with
/// another one; a stop-first service and a global service run there too.
class FakeSwarm {
  public:
    FakeSwarm() {
        put("on_node", "demo_web.1\ndemo_logger.1\ndemo_agent.n2id\n");
        program("docker", R"sh(
dir=${0%/*}
echo "$*" >>"$dir/log"
case "$*" in
'node ps n2 '*) cat "$dir/on_node";;
'node inspect n2 '*) echo n2id;;
'service inspect demo_web '*) echo start-first;;
'service inspect demo_logger '*) echo stop-first;;
'service inspect demo_agent '*) echo;; # global
'service ls --filter label=hadeploy.handover.n2id '*) [ ! -e "$dir/moving" ] || echo demo_web;;
'service update --detach --label-add hadeploy.handover.n2id=1 --constraint-add node.id!=n2id demo_web')
    : >"$dir/moving"
    [ -e "$dir/stuck" ] || sed -i /demo_web/d "$dir/on_node";;
'service update --detach --label-rm hadeploy.handover.n2id --constraint-rm node.id!=n2id demo_web')
    rm "$dir/moving";;
'service update '*) exit 1;;
esac
)sh");
        program("systemd-run", "\nfor text; do :; done\n"
                               "printf %s \"$text\" >\"${0%/*}/undo\"\n");
        program("systemctl", "");
        program("sleep", "");
    }

    void put(const char* name, const std::string& text) const {
        write_file(dir_.path / name, text);
    }
    std::string get(const char* name) const {
        const auto path = dir_.path / name;
        return std::filesystem::exists(path) ? read_file(path) : "";
    }

    bool is_moving() const { return std::filesystem::exists(dir_.path / "moving"); }

    /// Runs the commands of a change.
    ProcessResult run(Change::Kind kind, const char* timeout = "5m") const {
        const auto& type = cluster_type("docker.drain");
        const Value config = normal(
            type,
            Value::map({{"hosts", three_hosts()}, {"node", "n2"}, {"handover_timeout", timeout}}));
        const bool removing = kind == Change::Kind::remove;
        const auto commands = type.commands(
            change_of(type, kind, removing ? config : Value(), removing ? Value() : config));
        check_syntax(commands);
        const std::string functions = ssh::docker::functions();
        std::string script = functions + fmt::format("PATH={0}:$PATH\ndocker_up() {{ :; }}\n"
                                                     "docker_get() {{ echo 'reply 200 2 x'\n"
                                                     "    case $1 in\n"
                                                     "    /nodes/n2) echo '{{\"ID\":\"n2id\"}}';;\n"
                                                     "    /tasks*n2id*demo_web*) grep -q demo_web "
                                                     "{0}/on_node && echo '[{{\"ID\":\"t\"}}]' "
                                                     "|| echo '[]';;\n"
                                                     "    esac; }}\n"
                                                     "docker_read() {{ [ ! -e {0}/broken ] && "
                                                     "docker_get \"$@\"; }}\n",
                                                     dir_.path.string());
        for (const ssh::Command& c : commands)
            script += "( set -eu\n" + c.script.substr(functions.size()) + ") || exit\n";
        return run_process({.argv = {"sh", "-s"}, .input = script});
    }

    /// Runs what the timer would run.
    ProcessResult run_undo() const {
        return run_process(
            {.argv = {"sh", "-c", "PATH=$1:$PATH; . \"$1/undo\"", "sh", dir_.path.string()}});
    }

  private:
    void program(const char* name, const std::string& text) const {
        write_file(dir_.path / name, "#!/bin/sh" + text + "\n", 0700);
    }
    TempDir dir_;
};

} // namespace

TEST_CASE("docker.drain: tasks that may overlap move before the node is drained") {
    const FakeSwarm swarm;
    const ProcessResult result = swarm.run(Change::Kind::create);
    INFO(result.err);
    REQUIRE(result.status == 0);
    const std::string log = swarm.get("log");
    const auto at = [&](const char* call) {
        INFO(call << " in\n" << log);
        REQUIRE(contains(log, call));
        return log.find(call);
    };
    CHECK(at("--constraint-add node.id!=n2id demo_web") <
          at("node update --availability drain n2"));
    CHECK(at("node update --availability drain n2") < at("--constraint-rm node.id!=n2id demo_web"));
    CHECK_FALSE(swarm.is_moving());
}

TEST_CASE("docker.drain: if the tasks cannot move, the node stays active") {
    const FakeSwarm swarm;
    swarm.put("stuck", "");
    const ProcessResult result = swarm.run(Change::Kind::create, "1s");
    CHECK(result.status != 0);
    CHECK(contains(result.err, "the tasks of demo_web could not move within 1 s"));
    CHECK_FALSE(contains(swarm.get("log"), "--availability"));
    CHECK_FALSE(swarm.is_moving());
}

TEST_CASE("docker.drain: the timer and the removal end an interrupted handover") {
    for (const bool timer : {false, true}) {
        const FakeSwarm swarm;
        if (timer) REQUIRE(swarm.run(Change::Kind::create).status == 0);
        swarm.put("moving", "");
        swarm.put("log", "");
        const ProcessResult result = timer ? swarm.run_undo() : swarm.run(Change::Kind::remove);
        INFO("timer: " << timer << "\n" << swarm.get("log") << swarm.get("undo"));
        INFO(result.err);
        CHECK(result.status == 0);
        CHECK(contains(swarm.get("log"), "node update --availability active n2"));
        CHECK_FALSE(swarm.is_moving());
    }
}

TEST_CASE("docker.drain: with a handover_timeout of 0 the node is drained at once") {
    const FakeSwarm swarm;
    CHECK(swarm.run(Change::Kind::create, "0s").status == 0);
    CHECK(swarm.get("log") == "node update --availability drain n2\n");
}
