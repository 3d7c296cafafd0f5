#pragma once

#include "chaos/cluster.h"
#include "chaos/fault.h"

#include <functional>

namespace hadeploy::chaos::test {

inline ClusterNode manager(const std::string& name, bool leader = false) {
    return {"id-" + name, name, "", "manager", "ready", "active", leader, true};
}

inline ClusterTask task(const std::string& id, const std::string& service, const std::string& slot,
                        const std::string& node, const std::string& state = "running",
                        const std::string& desired = "running") {
    return {id, service, slot, node, state, desired, ""};
}

/// Three managers, and a service "database" with one task on node2. A drain moves the task to
/// node3: it stops at once, and runs again after `looks_until_moved` further reads.
class FakeCluster : public Cluster, public Injector {
  public:
    FakeCluster() {
        now.nodes = {manager("node1", true), manager("node2"), manager("node3")};
        now.services = {{"database", 1, 1}};
        now.tasks = {task("t1", "database", "1", "node2")};
    }

    Snapshot look() override {
        if (fail_looks > 0) {
            --fail_looks;
            throw Error(ErrorKind::unreachable, "nobody answers");
        }
        if (moving && --left_ == 0) {
            moving = false;
            on_moved();
            now.tasks.back().state = "running";
            now.services[0].running = 1;
        }
        return now;
    }

    Time inject(const Fault& fault, std::chrono::milliseconds undo) override {
        calls.push_back("inject " + fault.label());
        undo_after = undo;
        const Time drained = std::chrono::steady_clock::now();
        if (fault.kind != FaultKind::drain) return drained;
        ++drains;
        set(fault.node, "drain");
        if (fail_drain) throw Error(ErrorKind::failed, "the answer got lost");
        on_stopped();
        now.tasks[0].state = now.tasks[0].desired = "shutdown";
        now.tasks.push_back(task("t2", "database", "1", "node3", "preparing"));
        now.services[0].running = 0;
        moving = true;
        left_ = looks_until_moved;
        return drained;
    }

    void undo(const Fault& fault) override {
        calls.push_back("undo " + fault.label());
        ++restores;
        if (fail_restores > 0) {
            --fail_restores;
            throw Error(ErrorKind::unreachable, "nobody answers");
        }
        if (fault.kind == FaultKind::drain) set(fault.node, "active");
    }

    void set(const std::string& node, const std::string& availability) {
        for (ClusterNode& n : now.nodes)
            if (n.name == node) n.availability = availability;
    }
    std::string availability(const std::string& node) { return now.find(node)->availability; }

    Snapshot now;
    std::vector<std::string> calls;
    std::function<void()> on_stopped = [] {}, on_moved = [] {};
    int looks_until_moved = 2;
    int fail_looks = 0, fail_restores = 0;
    bool fail_drain = false;
    bool moving = false;
    int drains = 0, restores = 0;
    std::chrono::milliseconds undo_after{0};

  private:
    int left_ = 0;
};

} // namespace hadeploy::chaos::test
