#include "chaos/cluster.h"
#include "cli/commands.h"
#include "cli/render/text.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <future>
#include <thread>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
using Clock = std::chrono::steady_clock;

/// Who looks because something is wrong does not wait for what does not answer.
constexpr std::chrono::seconds kLimit{10};
/// How long what was told to stop may take to do so.
constexpr std::chrono::seconds kGrace{1};

/// What one look has to show.
struct Seen {
    std::string text; ///< whole lines
    std::vector<std::string> problems;
};

/// Looks that go on side by side, up to one limit.
class Looks {
  public:
    using Work = std::function<Seen(std::stop_token)>;

    std::future<Seen> begin(std::string what, Work work) {
        std::packaged_task<Seen()> task([what = std::move(what), work = std::move(work),
                                         stop = stop_.get_token()] {
            try {
                return work(stop);
            } catch (const Error& error) {
                return Seen{"", {fmt::format("{} can't be read: {}", what, error.message)}};
            } catch (const Errors& errors) {
                return Seen{
                    "", {fmt::format("{} can't be read: {}", what, errors.list.front().message)}};
            } catch (const Interrupted&) {
                return silent(what);
            }
        });
        std::future<Seen> seen = task.get_future();
        std::thread(std::move(task))
            .detach(); // one that never ends is left behind: see abandoned()
        return seen;
    }

    Seen end(std::string_view what, std::future<Seen> look) {
        if (look.wait_until(end_) != std::future_status::ready) stop_.request_stop();
        if (look.wait_until(end_ + kGrace) == std::future_status::ready) return look.get();
        abandoned_ = true;
        return silent(what);
    }

    [[nodiscard]] bool time_is_up() const { return Clock::now() >= end_; }
    /// Whether a look is still under way, with references to what its caller holds.
    [[nodiscard]] bool abandoned() const { return abandoned_; }

  private:
    static Seen silent(std::string_view what) {
        return {"", {fmt::format("{}: no answer within {} s", what, kLimit.count())}};
    }

    Clock::time_point end_ = Clock::now() + kLimit;
    std::stop_source stop_;
    bool abandoned_ = false;
};

Seen look_at_machines(const Context& context, World world, const ProviderSettings& settings,
                      Endpoints& endpoints) {
    std::vector<Subject> machines = recorded_subjects(context.registry, world, settings);
    std::erase_if(machines, [](const Subject& s) { return !s.request.type->machine; });
    Events quiet;
    refresh(world, machines, endpoints, quiet);
    Seen out;
    for (const Subject& s : machines) {
        const std::string& address = s.request.address;
        const auto seen = world.observed.find(address);
        const bool failed =
            seen == world.observed.end() || seen->second.state == Observation::State::failed;
        const bool up = !failed && machine_is_up(world, address);
        out.text +=
            fmt::format("{:<5} {}  {}\n",
                        failed ? "?"
                        : up   ? "up"
                               : "DOWN",
                        address, s.request.recorded->attributes["connection"].text("address"));
        if (failed && seen != world.observed.end() && seen->second.error)
            out.problems.push_back(
                fmt::format("{} can't be read: {}", address, seen->second.error->message));
        else if (!up)
            out.problems.push_back(fmt::format("{} is down", address));
    }
    return out;
}

/// Of the first resource of this type that is recorded.
Value recorded_attribute(const World& world, std::string_view type, std::string_view attribute) {
    for (const auto& [address, r] : world.recorded)
        if (r.type == type && r.attributes[attribute].is_map()) return r.attributes[attribute];
    return {};
}

Value swarm_hosts(const Context& context, const World& world) {
    if (Value hosts = recorded_attribute(world, "docker.stack", "hosts"); hosts.is_map())
        return hosts;
    if (Value peers = recorded_attribute(world, "docker.node", "peers"); peers.is_map())
        return peers;
    if (context.project.spec().chaos != nullptr && !world.recorded.empty())
        return recorded_chaos_section(context.project, world)["hosts"];
    return {};
}

Seen look_at_swarm(const Value& hosts, const ProviderSettings& settings, Endpoints& endpoints) {
    const chaos::Snapshot seen = chaos::open_cluster(endpoints, settings, hosts)->look();
    Seen out;
    for (const chaos::ClusterNode& n : seen.nodes)
        out.text += fmt::format("{:<8} {} ({}{}, {})\n", n.status, n.name, n.role,
                                n.leader ? ", leader" : "", n.availability);
    out.text += "\n";
    for (const chaos::ClusterService& s : seen.services)
        out.text += fmt::format("{:>2}/{:<2}    {}\n", s.running, s.desired, s.name);
    for (const auto& problems : {node_problems(seen), service_problems(seen)})
        out.problems.insert(out.problems.end(), problems.begin(), problems.end());
    return out;
}

/// At the first host that answers.
Value read_gluster(const ResourceType& type, const Value& config, const ProviderSettings& settings,
                   Endpoints& endpoints) {
    const ReadRequest request{"the Gluster pool", &type, config, nullptr, {}};
    Error all(ErrorKind::unreachable, "no host of the pool answers");
    for (const Endpoint& place : endpoints.registry()
                                     .kind(type.provider)
                                     ->endpoints(type, config, settings.at(type.provider))) {
        try {
            const Observation seen = endpoints.read(type.provider, place, {request}, {}).at(0);
            if (!seen.error) return seen.attributes;
            all.message = fmt::format("{}: {}", place.key, seen.error->message);
        } catch (const Error& error) {
            all.message = fmt::format("{}: {}", place.key, error.message);
        }
    }
    throw all;
}

Seen look_at_gluster(const World& world, const Value& hosts, const ProviderSettings& settings,
                     Endpoints& endpoints) {
    const ResourceType* type = endpoints.registry().type("gluster.cluster");
    if (type == nullptr) return {};
    Value::List volumes, expected;
    for (const auto& [address, r] : world.recorded) {
        if (r.type != "gluster.volume") continue;
        volumes.push_back(r.attributes["name"]);
        if (r.attributes["bricks"].is_list())
            for (const Value& brick : r.attributes["bricks"].as_list())
                expected.push_back(
                    Value::map({{"volume", r.attributes["name"]}, {"brick", brick}}));
    }
    const Value seen = read_gluster(
        *type, Value::map({{"hosts", hosts}, {"volumes", Value::list(std::move(volumes))}}),
        settings, endpoints);
    Seen out;
    for (const Value& peer : seen["peers"].as_list()) {
        const bool connected = peer.flag("connected");
        out.text +=
            fmt::format("{:<8} {} (Gluster)\n", connected ? "up" : "DOWN", peer.text("name"));
        if (!connected) out.problems.push_back(peer.text("name") + " is not connected to the pool");
    }
    if (!expected.empty()) out.text += "\n";
    const Value::List& bricks = seen["bricks"].as_list();
    for (const Value& e : expected) { // those of a host that is down are not in the report
        const bool online = std::any_of(bricks.begin(), bricks.end(), [&](const Value& brick) {
            return brick["volume"] == e["volume"] && brick["brick"] == e["brick"] &&
                   brick.flag("online");
        });
        out.text += fmt::format("{:<8} {} {}\n", online ? "online" : "OFFLINE", e.text("volume"),
                                e.text("brick"));
        if (!online)
            out.problems.push_back(
                fmt::format("the brick {} of {} does not run", e.text("brick"), e.text("volume")));
    }
    for (const Value& heal : seen["heals"].as_list())
        if (const std::int64_t entries = heal.integer("entries"); entries > 0)
            out.problems.push_back(fmt::format("{} on {} is healing: entries left: {}",
                                               heal.text("volume"), heal.text("brick"), entries));
    return out;
}

Seen compare(const Context& context, const Store& store, const std::stop_token& stop) {
    Events quiet;
    const Prepared prepared = prepare(context.project, store, {}, quiet, stop);
    const std::size_t n = prepared.plan.size();
    if (n == 0) return {};
    return {"",
            {fmt::format("{} not as the spec says: see `hadeploy plan`",
                         n == 1 ? "1 resource is" : fmt::format("{} resources are", n))}};
}

} // namespace

int run_status(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const World world = load_world(*store);
    const ProviderSettings settings = provider_settings(context.project.graph());
    Looks looks;
    bool well = true;
    const auto show = [&](const Seen& seen) {
        std::string text = seen.text;
        for (const std::string& p : seen.problems) text += "! " + printable(p) + "\n";
        well = well && seen.problems.empty();
        if (!text.empty()) context.print(text + "\n");
    };
    const auto endpoints = [&](const std::stop_token& stop) {
        Setting setting = context.project.setting(world.lineage);
        setting.stop = stop;
        return Endpoints(context.registry, std::move(setting));
    };
    const Value swarm = swarm_hosts(context, world);
    const Value pool = recorded_attribute(world, "gluster.pool", "hosts");
    auto machines = looks.begin("the machines", [&](const std::stop_token& stop) {
        Endpoints open = endpoints(stop);
        return look_at_machines(context, world, settings, open);
    });
    auto nodes = looks.begin("the swarm", [&](const std::stop_token& stop) {
        if (!swarm.is_map()) return Seen{};
        Endpoints open = endpoints(stop);
        return look_at_swarm(swarm, settings, open);
    });
    auto peers = looks.begin("the Gluster pool", [&](const std::stop_token& stop) {
        if (!pool.is_map()) return Seen{};
        Endpoints open = endpoints(stop);
        return look_at_gluster(world, pool, settings, open);
    });
    show(looks.end("the machines", std::move(machines)));
    show(looks.end("the swarm", std::move(nodes)));
    show(looks.end("the Gluster pool", std::move(peers)));
    if (looks.time_is_up()) {
        context.print("Not compared with the spec: the time was up. `hadeploy plan` does.\n");
        well = false;
    } else {
        auto plan = looks.begin("what is there", [&](const std::stop_token& stop) {
            return compare(context, *store, stop);
        });
        const Seen differences = looks.end("what is there", std::move(plan));
        if (differences.problems.empty())
            context.print(well ? "All is as the spec says.\n"
                               : "The spec asks for no change, but not all is well: see the lines "
                                 "with a !.\n");
        show(differences);
    }
    if (looks.abandoned()) { // nothing that was only read is left half done
        (void)std::fflush(nullptr);
        ::_exit(well ? 0 : 1);
    }
    return well ? 0 : 1;
}

} // namespace hadeploy::cli
