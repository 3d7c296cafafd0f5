#include "chaos/objections.h"

#include "core/did_you_mean.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::chaos {

namespace {

std::string comma_list(const std::vector<std::string>& list) {
    return fmt::format("{}", fmt::join(list, ", "));
}

/// Whether the fault can silence the node's manager; a small disturbance counts as one.
bool endangers_manager(FaultKind kind) {
    return kind != FaultKind::kill_service && kind != FaultKind::kill_brick;
}

std::optional<Objection> against_quorum(const Snapshot& snapshot, const ClusterNode& node,
                                        FaultKind kind, const std::vector<std::string>& down) {
    std::int64_t managers = 0, left = 0;
    for (const ClusterNode& n : snapshot.nodes) {
        if (n.is_manager()) ++managers;
        if (n.is_manager() && n.is_up() && &n != &node) ++left;
    }
    const std::int64_t majority = managers / 2 + 1;
    // the only manager keeps its vote while it is drained
    const bool alone = managers == 1 && kind == FaultKind::drain;
    if (!node.is_manager() || !endangers_manager(kind) || alone || left >= majority) return {};
    return Objection{
        fmt::format("without it only {} of {} managers would be left, but the quorum needs {} "
                    "(down: {})",
                    left, managers, majority, down.empty() ? "none" : comma_list(down)),
        "start the other managers first", true};
}

} // namespace

std::vector<Objection> objections(const Snapshot& snapshot, const Fault& fault) {
    std::vector<std::string> names, down, drained;
    const ClusterNode* node = snapshot.find(fault.node);
    for (const ClusterNode& n : snapshot.nodes) {
        names.push_back(n.name);
        if (!n.is_up())
            down.push_back(n.name);
        else if (n.availability != "active" && &n != node)
            drained.push_back(n.name);
    }
    if (node == nullptr) {
        const auto meant = did_you_mean(fault.node, names);
        return {
            {"the swarm has no node with this name",
             meant ? fmt::format("did you mean {}?", *meant) : "its nodes: " + comma_list(names)}};
    }
    if (fault.kind == FaultKind::drain && node->availability != "active")
        return {{fmt::format("its availability is already {}", node->availability),
                 fmt::format("restore it first: docker node update --availability active {}",
                             node->name)}};
    std::vector<Objection> out;
    if (auto quorum = against_quorum(snapshot, *node, fault.kind, down))
        out.push_back(std::move(*quorum));
    else if (!down.empty())
        out.push_back(
            {fmt::format("{} cannot be reached", comma_list(down)), "start them first", true});
    if (!moves_tasks(fault.kind)) return out;
    if (!drained.empty())
        out.push_back({fmt::format("another node accepts no tasks: {}", comma_list(drained)),
                       "make it active first", true});
    if (down.size() + drained.size() + 1 >= snapshot.nodes.size())
        out.push_back(
            {"no node would be left for its tasks", "add or start another node first", true});
    return out;
}

std::vector<Objection> objections(const std::vector<ReplicaSet>& replicas, const Fault& fault) {
    std::vector<Objection> out;
    if (!stops_bricks(fault.kind)) return out;
    for (const ReplicaSet& set : replicas) {
        std::size_t left = 0;
        bool concerned = false;
        for (const ReplicaSet::Brick& brick : set.bricks) {
            if (brick.host == fault.node)
                concerned = true;
            else if (brick.online)
                ++left;
        }
        const std::size_t all = set.bricks.size();
        const bool has_first = all > 0 && set.bricks[0].online && set.bricks[0].host != fault.node;
        if (!concerned || 2 * left > all || (2 * left == all && has_first)) continue;
        out.push_back(
            {fmt::format("only {} of {} replicas of the volume {} would be left, which is "
                         "no quorum for writes",
                         left, all, set.volume),
             "start the other bricks first (`hadeploy status` shows them)", true});
    }
    return out;
}

void refuse(const std::vector<Objection>& objections, const Fault& fault, bool force) {
    for (const Objection& o : objections)
        if (!o.can_be_forced || !force)
            throw Error(ErrorKind::failed, fmt::format("{} is refused: {}", fault.label(), o.text))
                .with_hint(o.can_be_forced ? o.hint + ", or use --force to inject the fault anyway"
                                           : o.hint);
}

} // namespace hadeploy::chaos
