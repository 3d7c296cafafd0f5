#include "chaos/injector.h"

#include "chaos/managers.h"
#include "chaos/replicas.h"
#include "core/did_you_mean.h"

#include <algorithm>
#include <fmt/format.h>
#include <future>
#include <set>

namespace hadeploy::chaos {

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

/// Where faults are injected and recorded: a host, or the libvirt host.
struct Place {
    std::string name;                   ///< for messages
    const ResourceType* type = nullptr; ///< host.fault or libvirt.fault
    Endpoint endpoint;
    Value config; ///< of the type
};

/// The connections of the nodes, by node name: of the `hosts`, and of each recorded docker.node.
std::map<std::string, Value> connections_of(const Value& hosts, const PriorState& prior) {
    std::map<std::string, Value> out;
    if (hosts.is_map())
        for (const Entry& e : hosts.as_map()) out[e.key] = e.value;
    for (const auto& [address, resource] : prior.recorded) {
        const Value& host = resource.attributes["host"];
        const std::string name = resource.attributes.text("name");
        if (resource.type != "docker.node" || name.empty() || !host.has("address")) continue;
        // the key of the same host in `hosts` may differ from the name of its node
        std::erase_if(out, [&](const auto& known) {
            return known.second.text("address") == host.text("address");
        });
        out[name] = host;
    }
    return out;
}

/// The UUIDs of the recorded machines, by address.
std::map<std::string, std::string> machines_of(const PriorState& prior) {
    std::map<std::string, std::string> out;
    for (const auto& [address, resource] : prior.recorded)
        if (resource.type == "libvirt.domain")
            out[resource.attributes["connection"].text("address")] = resource.identity;
    return out;
}

class ProviderFaults final : public Faults {
  public:
    ProviderFaults(Endpoints& endpoints, const ProviderSettings& settings, const Value& hosts,
                   const PriorState& prior)
        : endpoints_(endpoints), host_fault_(type_named(endpoints.registry(), "host.fault")),
          nodes_(connections_of(hosts, prior)), machines_(machines_of(prior)),
          managers_(endpoints, settings, host_fault_, [hosts] { return hosts; }),
          replicas_(endpoints, settings, prior) {
        for (const auto& [node, connection] : nodes_)
            add(node, host_fault_, Value::map({{"host", connection}}), settings);
        if (!machines_.empty())
            add("libvirt", type_named(endpoints.registry(), "libvirt.fault"),
                Value::map({{"records", (endpoints.context().data_dir / "faults").string()}}),
                settings);
    }

    Listing list() override {
        Listing out;
        for (const Found& found : ask_all())
            if (found.problem.empty())
                out.active.insert(out.active.end(), found.records.begin(), found.records.end());
            else
                out.unread.push_back(found.place->name + ": " + found.problem);
        std::sort(out.active.begin(), out.active.end(),
                  [](const auto& a, const auto& b) { return a.node < b.node; });
        return out;
    }

    void check(const Fault& fault, bool force) override;
    Time inject(const Fault& fault, std::chrono::milliseconds undo_after) override;
    void undo(const Fault& fault) override;
    std::vector<fault::Record> halt() override;

  private:
    struct Found {
        const Place* place = nullptr;
        std::vector<fault::Record> records;
        std::string problem;
    };

    void add(const std::string& name, const ResourceType& type, Value config,
             const ProviderSettings& settings) {
        const std::vector<Endpoint> found =
            endpoints_.registry()
                .provider(type.provider)
                ->endpoints(type, config, settings.at(type.provider));
        if (!found.empty()) places_.push_back({name, &type, found[0], std::move(config)});
    }
    std::vector<Found> ask_all();
    /// The place that injects the fault.
    /// @throws Error
    const Place& place_of(const Fault& fault) const;
    Change making(const Fault& fault, const Place& place) const;
    static Change ending(const Place& place, const fault::Record& record);
    static Time apply(OpenEndpoint& provider, const Change& change);
    Time apply(const Place& place, const Change& change);

    Endpoints& endpoints_;
    const ResourceType& host_fault_;
    std::map<std::string, Value> nodes_;
    std::map<std::string, std::string> machines_;
    std::vector<Place> places_;
    Managers managers_; ///< for a drain
    Replicas replicas_;
};

std::vector<ProviderFaults::Found> ProviderFaults::ask_all() {
    std::vector<std::future<Found>> asked;
    for (const Place& place : places_)
        asked.push_back(std::async(std::launch::async, [&] {
            Found found{&place, {}, {}};
            try {
                const Observation seen =
                    endpoints_
                        .read(place.type->provider, place.endpoint,
                              {{"the faults", place.type, place.config, nullptr, {}}}, {})
                        .at(0);
                if (seen.error) throw Error(*seen.error);
                found.records = fault::from_value(seen.attributes["faults"]);
            } catch (const Error& error) {
                found.problem = error.message;
            }
            return found;
        }));
    std::vector<Found> out;
    for (std::future<Found>& each : asked) out.push_back(each.get());
    return out;
}

const Place& ProviderFaults::place_of(const Fault& fault) const {
    const std::string wanted = is_power(fault.kind) ? "libvirt" : fault.node;
    const auto node = nodes_.find(fault.node);
    if (node == nodes_.end()) {
        std::vector<std::string> names;
        for (const auto& [name, connection] : nodes_) names.push_back(name);
        const auto meant = did_you_mean(fault.node, names);
        throw Error(ErrorKind::failed, fmt::format("{} is refused: there is no connection to this "
                                                   "node",
                                                   fault.label()))
            .with_hint(meant ? fmt::format("did you mean {}?", *meant)
                             : "add it to `hosts` of the chaos section");
    }
    if (is_power(fault.kind) && !machines_.contains(node->second.text("address")))
        throw Error(ErrorKind::failed,
                    fmt::format("{} is refused: the node is not a libvirt.domain "
                                "of this project",
                                fault.label()))
            .with_hint("hadeploy cannot switch other machines off or on");
    for (const Place& place : places_)
        if ((place.type == &host_fault_) != is_power(fault.kind) && place.name == wanted)
            return place;
    throw Error(ErrorKind::failed, fmt::format("{} has no known address", fault.node));
}

void ProviderFaults::check(const Fault& fault, bool force) {
    (void)place_of(fault);
    for (const Found& found : ask_all())
        for (const fault::Record& record : found.records)
            if (record.node == fault.node)
                throw Error(ErrorKind::failed,
                            fmt::format("{} is refused: the node already has a fault: {}",
                                        fault.label(), record.kind))
                    .with_hint("end it first: hadeploy chaos halt");
    if (stops_bricks(fault.kind)) refuse(objections(replicas_.read(), fault), fault, force);
}

Change ProviderFaults::making(const Fault& fault, const Place& place) const {
    Change change;
    change.kind = Change::Kind::create;
    change.address = fault.label();
    change.type = place.type;
    change.after = place.config.with("kind", Value(std::string(name_of(fault.kind))))
                       .with("node", Value(fault.node))
                       .with("options", fault.options)
                       .with("lineage", Value(endpoints_.context().lineage));
    Value::List others;
    for (const auto& [name, connection] : nodes_)
        if (name != fault.node) others.push_back(connection["address"]);
    change.after = change.after.with("others", Value::list(std::move(others)));
    if (is_power(fault.kind))
        change.after =
            change.after.with("domain", Value(machines_.at(nodes_.at(fault.node).text("address"))));
    return change;
}

Change ProviderFaults::ending(const Place& place, const fault::Record& record) {
    Change change;
    change.kind = Change::Kind::remove;
    change.address = fmt::format("{} of {}", record.kind, record.node);
    change.type = place.type;
    change.before = place.config.with("kind", Value(record.kind))
                        .with("node", Value(record.node))
                        .with("lineage", Value(record.lineage));
    return change;
}

Injector::Time ProviderFaults::apply(OpenEndpoint& provider, const Change& change) {
    OneChange sink;
    provider.apply({&change, 1}, sink);
    if (sink.error) throw Error(*sink.error);
    return sink.last_step;
}

Injector::Time ProviderFaults::apply(const Place& place, const Change& change) {
    return apply(*endpoints_.open(place.type->provider, place.endpoint), change);
}

Injector::Time ProviderFaults::inject(const Fault& fault, std::chrono::milliseconds undo_after) {
    const Place& place = place_of(fault);
    Change change = making(fault, place);
    change.after = change.after.with("undo_after", Value(std::int64_t{undo_after.count()}));
    if (fault.kind != FaultKind::drain) return apply(place, change);
    Time began;
    managers_.try_each(fmt::format("{} could not be drained", fault.node),
                       [&](OpenEndpoint& manager) { began = apply(manager, change); });
    return began;
}

void ProviderFaults::undo(const Fault& fault) {
    const Place& place = place_of(fault);
    const Change change =
        ending(place, {fault.node, std::string(name_of(fault.kind)), endpoints_.context().lineage});
    if (fault.kind != FaultKind::drain) {
        apply(place, change);
        return;
    }
    managers_.try_each(fmt::format("{} could not be made active again", fault.node),
                       [&](OpenEndpoint& manager) { apply(manager, change); });
}

std::vector<fault::Record> ProviderFaults::halt() {
    std::vector<fault::Record> ended;
    std::set<std::string> were_off; ///< nodes whose power fault has just been ended
    Error failures(ErrorKind::failed, "not all faults have been ended");
    const std::vector<Found> all = ask_all();
    for (const Found& found : all)
        for (const fault::Record& record : found.records) {
            // a record without a lineage was left incomplete by a power cut
            const bool ours = record.lineage == endpoints_.context().lineage ||
                              (record.lineage == "unknown" && !record.armed);
            if (!ours) continue;
            try {
                apply(*found.place, ending(*found.place, record));
                ended.push_back(record);
                if (found.place->type != &host_fault_) were_off.insert(record.node);
            } catch (const Error& error) {
                failures.with_note(
                    fmt::format("{} of {}: {}", record.kind, record.node, error.message));
            }
        }
    for (const Found& found : all)
        if (!found.problem.empty() && !were_off.contains(found.place->name))
            failures.with_note(fmt::format("{}: {}", found.place->name, found.problem));
    if (!failures.notes.empty())
        throw failures.with_hint("the armed undo of each fault also ends it; try again later to be "
                                 "sure");
    return ended;
}

} // namespace

std::unique_ptr<Faults> open_faults(Endpoints& endpoints, const ProviderSettings& settings,
                                    const Value& hosts, const PriorState& prior) {
    return std::make_unique<ProviderFaults>(endpoints, settings, hosts, prior);
}

} // namespace hadeploy::chaos
