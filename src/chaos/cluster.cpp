#include "chaos/cluster.h"

#include "chaos/managers.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::chaos {

namespace {

const Value::List& list_under(const Value& map, std::string_view key) {
    static const Value::List none;
    const Value& list = map[key];
    return list.is_list() ? list.as_list() : none;
}

} // namespace

std::string ClusterTask::label() const {
    return slot.empty() ? fmt::format("{}@{}", service, node) : fmt::format("{}.{}", service, slot);
}

const ClusterNode* Snapshot::find(std::string_view node) const {
    for (const ClusterNode& n : nodes)
        if (n.name == node || n.id == node) return &n;
    return nullptr;
}

Snapshot parse_snapshot(const Value& attributes) {
    Snapshot out;
    for (const Value& n : list_under(attributes, "nodes"))
        out.nodes.push_back({n.text("id"), n.text("name"), n.text("address"), n.text("role"),
                             n.text("status"), n.text("availability"), n.flag("leader"),
                             n.flag("reachable")});
    for (const Value& s : list_under(attributes, "services"))
        out.services.push_back({s.text("name"), s.integer("desired"), s.integer("running")});
    for (const Value& t : list_under(attributes, "tasks"))
        out.tasks.push_back({t.text("id"), t.text("service"), t.text("slot"), t.text("node"),
                             t.text("state"), t.text("desired"), t.text("error"), t.text("since")});
    const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
    std::sort(out.nodes.begin(), out.nodes.end(), by_name);
    std::sort(out.services.begin(), out.services.end(), by_name);
    return out;
}

std::vector<std::string> node_problems(const Snapshot& snapshot) {
    std::vector<std::string> out;
    for (const ClusterNode& n : snapshot.nodes) {
        if (n.status != "ready")
            out.push_back(fmt::format("{} is {}", n.name, n.status));
        else if (!n.is_up())
            out.push_back(fmt::format("{} is not reachable as a manager", n.name));
        else if (n.availability != "active")
            out.push_back(
                fmt::format("{} accepts no tasks: its availability is {}", n.name, n.availability));
    }
    return out;
}

std::vector<std::string> service_problems(const Snapshot& snapshot) {
    std::vector<std::string> out;
    for (const ClusterService& s : snapshot.services)
        if (s.running < s.desired)
            out.push_back(fmt::format("{} has {} of {} tasks", s.name, s.running, s.desired));
    return out;
}

std::string why_incomplete(const Snapshot& snapshot, std::string_view service) {
    std::vector<std::string> parts;
    const ClusterTask* last = nullptr; // with an error
    for (const ClusterTask& t : snapshot.tasks) {
        if (t.service != service) continue;
        if (t.desired == "running" && t.state != "running")
            parts.push_back(fmt::format(
                "{} is {}",
                t.node.empty() || t.slot.empty() ? t.label() : t.label() + " on " + t.node,
                t.state));
        if (!t.error.empty() && (last == nullptr || t.since > last->since)) last = &t;
    }
    if (last != nullptr) parts.push_back("last error: " + last->error);
    return fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<std::string> running_on(const Snapshot& snapshot, std::string_view node) {
    std::vector<std::string> out;
    for (const ClusterTask& t : snapshot.tasks)
        if (t.node == node && t.state == "running") out.push_back(t.label());
    return out;
}

Placement placement(const Snapshot& snapshot) {
    std::map<std::string, std::string> out;
    for (const ClusterTask& t : snapshot.tasks)
        if (t.state == "running" && t.desired == "running") out[t.label()] = t.node;
    return out;
}

namespace {

class ProviderCluster final : public Cluster {
  public:
    ProviderCluster(Endpoints& endpoints, const ProviderSettings& settings, HostSource hosts)
        : type_(type_named(endpoints.registry(), "docker.cluster")),
          managers_(endpoints, settings, type_, std::move(hosts)) {}

    Snapshot look() override {
        Snapshot snapshot;
        managers_.try_each("no manager of the swarm answers", [&](OpenEndpoint& provider) {
            const Value config = Value::map({{"hosts", managers_.hosts()}});
            const ReadRequest request{"the swarm", &type_, config, nullptr, {}};
            Observation seen = provider.read({&request, 1}, {}).at(0);
            if (seen.error) throw Error(*seen.error);
            if (seen.state != Observation::State::present)
                throw Error(ErrorKind::failed, "it is not in a swarm");
            snapshot = parse_snapshot(seen.attributes);
        });
        return snapshot;
    }

  private:
    const ResourceType& type_;
    Managers managers_;
};

} // namespace

std::unique_ptr<Cluster> open_cluster(Endpoints& endpoints, const ProviderSettings& settings,
                                      HostSource hosts) {
    return std::make_unique<ProviderCluster>(endpoints, settings, std::move(hosts));
}

} // namespace hadeploy::chaos
