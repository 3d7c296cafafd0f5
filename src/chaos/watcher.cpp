#include "chaos/watcher.h"

#include <fmt/format.h>

namespace hadeploy::chaos {

namespace {

/// Leaves out the many states of a starting task except for its first.
bool is_notable(const ClusterTask& t, bool fresh) {
    return fresh || t.state == "running" || t.state == "failed" || t.state == "rejected" ||
           t.state == "shutdown" || t.state == "complete" || t.state == "orphaned";
}

std::string describe(const ClusterTask& t) {
    std::string text = fmt::format("{}: {}", t.label(), t.state);
    if (!t.node.empty()) text += " on " + t.node;
    if (!t.error.empty()) text += fmt::format(" ({})", t.error);
    return text;
}

} // namespace

std::vector<std::string> Watcher::changes(const Snapshot& snapshot) {
    std::vector<std::string> out;
    for (const ClusterNode& n : snapshot.nodes) {
        const std::string now = fmt::format("{}, {}", n.is_up() ? "up" : "down", n.availability);
        std::string& known = nodes_[n.id];
        if (!first_ && known != now) out.push_back(fmt::format("{} is {}", n.name, now));
        known = now;
    }
    for (const ClusterTask& t : snapshot.tasks) {
        const std::string now = fmt::format("{} {} {}", t.state, t.node, t.error);
        std::string& known = tasks_[t.id];
        const bool tell = !first_ && known != now && is_notable(t, known.empty());
        if (tell) out.push_back(describe(t));
        known = now;
    }
    first_ = false;
    return out;
}

std::string current_leader(const Snapshot& snapshot) {
    for (const ClusterNode& n : snapshot.nodes)
        if (n.leader) return n.name;
    return "";
}

} // namespace hadeploy::chaos
