#include "planner/graph/port_clashes.h"

#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace hadeploy {

/// One port of a cluster, or of a machine outside clusters: who publishes it where.
class PortSlots {
  public:
    using Use = PortClashes::Use;
    using On = PortUse::On;

    PortSlots(const PortClashes& all, const ClusterMembers* cluster)
        : all_(all), cluster_(cluster) {}

    /// Adds what one part of a resource publishes. Reports only the first clash.
    void add(const Use& use, Diagnostics& diagnostics) {
        const bool every = use.port.on == On::every_machine;
        const std::string machine = every ? "" : machine_of(use.port);
        // more tasks than two clash as two do, unless there are machines for them
        const std::int64_t most = static_cast<std::int64_t>(cluster_ ? cluster_->places.size() : 0);
        const std::int64_t tasks = every ? 1 : std::min(use.port.tasks, most + 2);
        for (std::int64_t i = 1; i <= tasks && !reported_; ++i) {
            const Slot slot{&use, i, machine, every};
            for (const Slot& other : taken_)
                if (slot.every || other.every ||
                    (!slot.machine.empty() && slot.machine == other.machine))
                    return report(other, slot, diagnostics);
            if (is_full()) return report(taken_.front(), slot, diagnostics);
            taken_.push_back(slot);
        }
    }

  private:
    struct Slot {
        const Use* use;
        std::int64_t task;   ///< 1, 2, ...
        std::string machine; ///< "": any of the cluster
        bool every;          ///< on every machine of the cluster
    };

    /// Whether each machine of the cluster has the port already.
    [[nodiscard]] bool is_full() const {
        return cluster_ != nullptr && cluster_->all && taken_.size() >= cluster_->places.size();
    }

    /// The machine that publishes the port; "" if it can be any of the cluster.
    [[nodiscard]] std::string machine_of(const PortUse& port) const {
        if (port.on == On::machine) return port.place;
        for (const ClusterMembers& m : all_.members_)
            if (!port.member.empty() && m.name == port.member && cluster_ != nullptr &&
                std::count(cluster_->places.begin(), cluster_->places.end(), m.place) > 0)
                return m.place;
        return port.member;
    }

    static std::string owner_of(const Slot& slot) {
        const PortUse& port = slot.use->port;
        std::string part = port.owner;
        if (!part.empty() && port.on != On::every_machine && port.tasks > 1)
            part += fmt::format(".{}", slot.task);
        return part.empty() ? slot.use->node->address
                            : fmt::format("{} of {}", part, slot.use->node->address);
    }

    /// The place of a clash, for messages.
    [[nodiscard]] std::string place_of_clash(const Slot& a, const Slot& b) const {
        const std::string& machine = a.machine.empty() ? b.machine : a.machine;
        if (!machine.empty()) return name_of(machine);
        const std::string first =
            name_of(cluster_ != nullptr ? cluster_->places.front() : a.use->port.place);
        if (cluster_ != nullptr && cluster_->all && cluster_->places.size() == 1) return first;
        return "a machine of the swarm of " + first;
    }

    /// The name of a machine in its cluster, or its place.
    [[nodiscard]] std::string name_of(const std::string& machine) const {
        for (const ClusterMembers& m : all_.members_)
            if (m.place == machine && !m.name.empty()) return m.name;
        return machine;
    }

    void report(const Slot& first, const Slot& second, Diagnostics& diagnostics) {
        reported_ = true;
        const Node& node = *second.use->node;
        const Value& config = second.use->config;
        std::string message = fmt::format("port {} would be published twice on {}: by {} and by {}",
                                          without_secrets(second.use->port.port, config),
                                          without_secrets(place_of_clash(first, second), config),
                                          owner_of(first), owner_of(second));
        Error error(ErrorKind::spec, std::move(message), node.block->loc);
        if (first.use->node != &node)
            error.notes.push_back({"the other one is here", first.use->node->block->loc});
        const bool one_service = first.use == second.use;
        diagnostics.add(std::move(error).with_hint(
            one_service ? "a machine can publish a port once: run one task for each machine, or "
                          "publish the port of the swarm (`mode: ingress`)"
                        : "a machine can publish a port once: change one of the ports"));
    }

    const PortClashes& all_;
    const ClusterMembers* cluster_; ///< nullptr if it is not known
    std::vector<Slot> taken_;
    bool reported_ = false;
};

void PortClashes::add(const Node& node, const Value& config) {
    for (PortUse& port : node.type->ports(config)) {
        if (port.tasks < 1) continue;
        if (!port.claim.empty()) claims_.insert(port.claim);
        uses_.push_back({&node, std::move(port), config});
    }
    if (ClusterMembers members = node.type->members(config); !members.places.empty())
        members_.push_back(std::move(members));
}

/// The cluster to which a machine belongs, with all its members if a resource lists them; nullptr
/// for none.
const ClusterMembers* PortClashes::cluster_of(const std::string& place) const {
    const ClusterMembers* found = nullptr;
    for (const ClusterMembers& m : members_) {
        if (std::count(m.places.begin(), m.places.end(), place) == 0) continue;
        if (m.all) return &m;
        if (found == nullptr) found = &m;
    }
    return found;
}

void PortClashes::check(Diagnostics& diagnostics) const {
    std::map<std::pair<std::string, std::string>, PortSlots> groups; // by cluster and port
    for (const Use& use : uses_) {
        const ClusterMembers* cluster = cluster_of(use.port.place);
        const std::string& where = cluster != nullptr ? cluster->places.front() : use.port.place;
        groups.try_emplace({where, use.port.port}, *this, cluster)
            .first->second.add(use, diagnostics);
    }
}

} // namespace hadeploy
