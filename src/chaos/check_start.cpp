#include "chaos/check_start.h"

#include "chaos/meter.h"
#include "chaos/objections.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::chaos {

namespace {

Error refused(std::string_view what, const std::string& text, std::string hint) {
    return Error(ErrorKind::failed, fmt::format("{} is refused: {}", what, text))
        .with_hint(std::move(hint));
}

/// Whether a manager does not vote while the fault lasts. A drained one does.
bool takes_vote(FaultKind kind) {
    return stops_manager(kind) && kind != FaultKind::drain;
}

void check_faults(const Experiment& experiment, const Snapshot& snapshot, bool force) {
    std::vector<Fault> present; // in the background
    for (const Activity& a : experiment.method) {
        if (!a.fault) continue;
        for (const Objection& o : objections(snapshot, *a.fault))
            if (!o.can_be_forced || !force)
                throw refused(a.fault->label(), o.text,
                              o.can_be_forced ? o.hint + ", or use --force to inject the fault "
                                                         "anyway"
                                              : o.hint);
        present.push_back(*a.fault);
        if (const std::string risk = too_much_at_once(snapshot, present); !risk.empty() && !force)
            throw refused(experiment.title, risk,
                          "do not run these faults at the same time, or use --force");
        if (!a.background) present.pop_back();
    }
}

Snapshot await_services(const Settings& settings, const std::string& title, Cluster& cluster,
                        DrillEvents& events, const std::stop_token& stop, Snapshot snapshot) {
    const auto deadline = std::chrono::steady_clock::now() + settings.patience;
    for (;;) {
        const std::string open = fmt::format("{}", fmt::join(service_problems(snapshot), ", "));
        if (open.empty()) return snapshot;
        if (std::chrono::steady_clock::now() >= deadline)
            throw refused(title, "the services are not in their steady state (" + open + ")",
                          "a drill is only meaningful if the app is healthy: repair it with "
                          "`hadeploy apply` first");
        events.phase("waiting for the steady state: " + open);
        if (!pause(settings.poll, stop)) throw Interrupted();
        snapshot = cluster.look();
    }
}

} // namespace

std::string too_much_at_once(const Snapshot& snapshot, const std::vector<Fault>& faults) {
    if (faults.size() < 2) return "";
    std::size_t managers = 0, left = 0, hosts = 0;
    for (const ClusterNode& n : snapshot.nodes) {
        const auto hit = [&](bool (*matters)(FaultKind)) {
            return std::any_of(faults.begin(), faults.end(), [&](const Fault& f) {
                return (f.node == n.name || f.node == n.id) && matters(f.kind);
            });
        };
        if (n.is_manager()) ++managers;
        if (n.is_manager() && n.is_up() && !hit(takes_vote)) ++left;
        if (n.is_up() && n.availability == "active" && !hit(moves_tasks)) ++hosts;
    }
    if (managers > 0 && left < managers / 2 + 1)
        return fmt::format("together its faults leave {} of {} managers, but the quorum needs {}",
                           left, managers, managers / 2 + 1);
    if (hosts == 0) return "together its faults leave no node for the tasks";
    return "";
}

Snapshot check_start(const Settings& settings, const Experiment& experiment, bool force,
                     Cluster& cluster, DrillEvents& events, const std::stop_token& stop) {
    Snapshot snapshot = cluster.look();
    std::vector<std::string> nodes;
    for (const ClusterNode& n : snapshot.nodes) nodes.push_back(n.name);
    Diagnostics unknown;
    check_nodes(experiment, nodes, unknown);
    unknown.throw_if_any();
    check_faults(experiment, snapshot, force);
    snapshot =
        await_services(settings, experiment.title, cluster, events, stop, std::move(snapshot));
    if (stop.stop_requested()) throw Interrupted();
    return snapshot;
}

} // namespace hadeploy::chaos
