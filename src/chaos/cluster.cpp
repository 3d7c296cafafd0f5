#include "chaos/cluster.h"

#include "planner/plan/prior_state.h"

#include <algorithm>
#include <fmt/format.h>

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
                             t.text("state"), t.text("desired"), t.text("error")});
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

std::vector<std::string> running_on(const Snapshot& snapshot, std::string_view node) {
    std::vector<std::string> out;
    for (const ClusterTask& t : snapshot.tasks)
        if (t.node == node && t.state == "running") out.push_back(t.label());
    return out;
}

std::map<std::string, std::string> placement(const Snapshot& snapshot) {
    std::map<std::string, std::string> out;
    for (const ClusterTask& t : snapshot.tasks)
        if (t.state == "running" && t.desired == "running") out[t.label()] = t.node;
    return out;
}

namespace {

/// Receives the result of a batch with one change.
class OneChange final : public ChangeSink {
  public:
    void progress(std::size_t, std::string_view) override { last_step = Clock::now(); }
    void done(std::size_t, Value) override { error.reset(); }
    void failed(std::size_t, Error e) override { error = std::move(e); }
    void not_begun(std::size_t) override {} // no other change can fail first

    using Clock = std::chrono::steady_clock;
    Clock::time_point last_step = Clock::now();
    std::optional<Error> error = Error(ErrorKind::failed, "the provider reported no result");
};

class ProviderCluster final : public Cluster {
  public:
    ProviderCluster(Endpoints& endpoints, const ProviderSettings& settings, Value hosts)
        : endpoints_(endpoints), hosts_(std::move(hosts)),
          cluster_(type_named(endpoints.registry(), "docker.cluster")),
          drain_(type_named(endpoints.registry(), "docker.drain")),
          places_(endpoints.registry()
                      .provider(cluster_.provider)
                      ->endpoints(cluster_, Value::map({{"hosts", hosts_}}),
                                  settings.at(cluster_.provider))) {}

    Snapshot look() override {
        Snapshot snapshot;
        const ReadRequest request{
            "the swarm", &cluster_, Value::map({{"hosts", hosts_}}), nullptr, {}};
        try_each("no manager of the swarm answers", [&](OpenEndpoint& provider) {
            Observation seen = provider.read({&request, 1}, {}).at(0);
            if (seen.error) throw Error(*seen.error);
            if (seen.state != Observation::State::present)
                throw Error(ErrorKind::failed, "it is not in a swarm");
            snapshot = parse_snapshot(seen.attributes);
        });
        return snapshot;
    }

    Time drain(const ClusterNode& node, std::chrono::milliseconds undo_after) override {
        Change change = change_of(node, Change::Kind::create);
        change.after = change.after.with("undo_after", Value(std::int64_t{undo_after.count()}));
        return make(change, fmt::format("{} could not be drained", node.name));
    }

    void restore(const ClusterNode& node) override {
        Change change = change_of(node, Change::Kind::remove);
        std::swap(change.before, change.after);
        make(change, fmt::format("{} could not be made active again", node.name));
    }

  private:
    static const ResourceType& type_named(const Registry& registry, std::string_view name) {
        if (const ResourceType* type = registry.type(name)) return *type;
        throw Error(ErrorKind::failed, fmt::format("no provider serves {}", name));
    }

    Change change_of(const ClusterNode& node, Change::Kind kind) const {
        Change change;
        change.kind = kind;
        change.address = fmt::format("docker.drain \"{}\"", node.name);
        change.type = &drain_;
        change.after = Value::map({{"hosts", hosts_}, {"node", node.id}});
        return change;
    }

    Time make(const Change& change, std::string failure) {
        Time drained;
        try_each(std::move(failure), [&](OpenEndpoint& provider) {
            OneChange sink;
            provider.apply({&change, 1}, sink);
            if (sink.error) throw Error(*sink.error);
            drained = sink.last_step;
        });
        return drained;
    }

    /// Calls the function for each endpoint until it succeeds.
    template<typename Do>
    void try_each(std::string failure, Do&& work) {
        Error all(ErrorKind::unreachable, std::move(failure));
        for (std::size_t n = 0; n < places_.size(); ++n) {
            const std::size_t at = (first_ + n) % places_.size();
            const Endpoint& place = places_[at];
            try {
                work(*endpoints_.open(cluster_.provider, place));
                first_ = at;
                return;
            } catch (const Error& error) {
                all.with_note(fmt::format("{}: {}", place.key, error.message));
                if (all.hint.empty()) all.with_hint(error.hint);
            }
        }
        throw all;
    }

    Endpoints& endpoints_;
    Value hosts_;
    const ResourceType& cluster_;
    const ResourceType& drain_;
    std::vector<Endpoint> places_;
    std::size_t first_ = 0; ///< the endpoint of the last success
};

} // namespace

std::unique_ptr<Cluster> open_cluster(Endpoints& endpoints, const ProviderSettings& settings,
                                      Value hosts) {
    return std::make_unique<ProviderCluster>(endpoints, settings, std::move(hosts));
}

} // namespace hadeploy::chaos
