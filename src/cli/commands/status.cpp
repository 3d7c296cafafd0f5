#include "chaos/cluster.h"
#include "cli/chaos_section.h"
#include "cli/commands.h"
#include "cli/commands/repeat.h"
#include "cli/render/text.h"
#include "planner/plan/prior_state.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <future>
#include <thread>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
using Clock = std::chrono::steady_clock;

/// A user who investigates a failure should not wait for silent hosts.
constexpr std::chrono::seconds kLimit{10};
/// Time for cancelled reads to end.
constexpr std::chrono::seconds kGrace{1};
/// After this time a further host is queried in parallel. Not immediately, because a command that
/// reads a Gluster volume blocks others.
constexpr std::chrono::seconds kNextHost{1};
constexpr std::chrono::milliseconds kPoll{20};
constexpr int kDefaultInterval = 5; ///< of --watch, in seconds

/// The result of one read.
struct Result {
    std::string text; ///< whole lines
    std::vector<std::string> diagnostics;
    bool failed = false; ///< nothing could be read; diagnostics say why
};

/// Concurrent reads with a common time limit.
class Reads {
  public:
    using Work = std::function<Result(std::stop_token)>;

    std::future<Result> begin(std::string what, Work work) {
        std::packaged_task<Result()> task(
            [what = std::move(what), work = std::move(work), stop = stop_.get_token()] {
                try {
                    return work(stop);
                } catch (const Error& error) { // a note contains the response of the host
                    return failure(what, error.notes.empty() ? error.message : error.notes[0].text);
                } catch (const Interrupted&) {
                    return silent(what);
                }
            });
        std::future<Result> seen = task.get_future();
        ++running_;
        std::thread([this, task = std::move(task)]() mutable {
            task();
            --running_;
        }).detach(); // a read that never ends is abandoned
        return seen;
    }

    /// The result of the first host that responds. The next host is queried as soon as a host has
    /// failed or is slow.
    Result first(const std::string& what, const Value& hosts,
                 const std::function<Result(const Value& host, std::stop_token)>& ask) {
        std::vector<std::future<Result>> asked;
        Result failures{"", {}, true};
        Clock::time_point next_at = Clock::now();
        auto next = hosts.as_map().begin();
        const auto last = hosts.as_map().end();
        while (Clock::now() < end_ && (next != last || !asked.empty())) {
            if (next != last && (asked.empty() || Clock::now() >= next_at)) {
                const Value host = Value::map({*next++});
                asked.push_back(begin(
                    what, [ask, host](const std::stop_token& stop) { return ask(host, stop); }));
                next_at = Clock::now() + kNextHost;
            }
            for (auto look = asked.begin(); look != asked.end();) {
                if (look->wait_for(kPoll) != std::future_status::ready) {
                    ++look;
                    continue;
                }
                Result seen = look->get();
                look = asked.erase(look);
                if (!seen.failed) return seen;
                add_new(failures.diagnostics, seen.diagnostics);
            }
        }
        if (!asked.empty()) add_new(failures.diagnostics, silent(what).diagnostics);
        return failures;
    }

    Result end(std::string_view what, std::future<Result> look) {
        if (look.wait_until(end_) != std::future_status::ready) stop_.request_stop();
        if (look.wait_until(end_ + kGrace) == std::future_status::ready) return look.get();
        return silent(what);
    }

    [[nodiscard]] bool time_is_up() const { return Clock::now() >= end_; }
    /// Whether a read is still running, with references to objects of its caller.
    [[nodiscard]] bool abandoned() const { return running_ > 0; }

  private:
    static Result silent(std::string_view what) {
        return {"", {fmt::format("{}: no answer within {} s", what, kLimit.count())}, true};
    }
    static Result failure(std::string_view what, std::string_view why) {
        return {"", {fmt::format("{} cannot be read: {}", what, why)}, true};
    }
    /// Adds messages that are not in the list yet.
    static void add_new(std::vector<std::string>& all, const std::vector<std::string>& more) {
        for (const std::string& one : more)
            if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    }

    Clock::time_point end_ = Clock::now() + kLimit;
    std::stop_source stop_;
    std::atomic<int> running_ = 0;
};

/// The recorded machines, grouped by endpoint.
std::vector<std::vector<PlannedRead>> machines_by_place(const Context& context,
                                                        const PriorState& prior,
                                                        const ProviderSettings& settings) {
    std::vector<std::vector<PlannedRead>> out;
    const auto place = [](const PlannedRead& s) {
        return s.candidates.empty() ? "" : s.candidates.front().key;
    };
    for (PlannedRead& s : reads_of_records(context.registry, prior, settings)) {
        if (!s.request.type->machine) continue;
        const auto group = std::find_if(
            out.begin(), out.end(), [&](const auto& g) { return place(g.front()) == place(s); });
        group == out.end() ? out.push_back({std::move(s)}) : group->push_back(std::move(s));
    }
    return out;
}

std::string machine_line(std::string_view state, const PlannedRead& machine) {
    return fmt::format("{:<5} {}  {}\n", state, machine.request.address,
                       machine.request.recorded->attributes["connection"].text("address"));
}

Result read_machines(PriorState prior, const std::vector<PlannedRead>& machines,
                     Endpoints& endpoints) {
    Events quiet;
    refresh(prior, machines, endpoints, quiet);
    Result out;
    for (const PlannedRead& s : machines) {
        const std::string& address = s.request.address;
        const auto seen = prior.observed.find(address);
        const bool failed =
            seen == prior.observed.end() || seen->second.state == Observation::State::failed;
        const bool up = !failed && machine_is_up(prior, address);
        out.text += machine_line(failed ? "?" : up ? "up" : "DOWN", s);
        if (failed && seen != prior.observed.end() && seen->second.error)
            out.diagnostics.push_back(
                fmt::format("{} cannot be read: {}", address, seen->second.error->message));
        else if (!up)
            out.diagnostics.push_back(fmt::format("{} is down", address));
    }
    return out;
}

/// An attribute of the first recorded resource of this type.
Value recorded_attribute(const PriorState& prior, std::string_view type,
                         std::string_view attribute) {
    for (const auto& [address, r] : prior.recorded)
        if (r.type == type && r.attributes[attribute].is_map()) return r.attributes[attribute];
    return {};
}

Value swarm_hosts(const Context& context, const PriorState& prior) {
    if (Value hosts = recorded_attribute(prior, "docker.stack", "hosts"); hosts.is_map())
        return hosts;
    if (Value peers = recorded_attribute(prior, "docker.node", "peers"); peers.is_map())
        return peers;
    if (context.project.spec().chaos != nullptr && !prior.recorded.empty())
        return recorded_chaos_section(context.project, prior)["hosts"];
    return {};
}

Result read_swarm(const Value& hosts, const ProviderSettings& settings, Endpoints& endpoints) {
    const chaos::Snapshot seen =
        chaos::open_cluster(endpoints, settings, [&] { return hosts; })->look();
    Result out;
    for (const chaos::ClusterNode& n : seen.nodes)
        out.text += fmt::format("{:<8} {} ({}{}, {})\n", n.status, n.name, n.role,
                                n.leader ? ", leader" : "", n.availability);
    out.text += "\n";
    for (const chaos::ClusterService& s : seen.services)
        out.text += fmt::format("{:>2}/{:<2}    {}\n", s.running, s.desired, s.name);
    out.diagnostics = node_problems(seen);
    for (const chaos::ClusterService& s : seen.services) {
        if (s.running >= s.desired) continue;
        const std::string why = why_incomplete(seen, s.name);
        out.diagnostics.push_back(fmt::format("{} has {} of {} tasks{}; see `hadeploy logs {}`",
                                              s.name, s.running, s.desired,
                                              why.empty() ? "" : ": " + why, s.name));
    }
    return out;
}

/// Reads from the first host that answers.
Value read_gluster(const ResourceType& type, const Value& config, const ProviderSettings& settings,
                   Endpoints& endpoints) {
    const ReadRequest request{"the Gluster pool", &type, config, nullptr, {}};
    Error all(ErrorKind::unreachable, "no host of the pool answers");
    for (const Endpoint& place : endpoints.registry()
                                     .provider(type.provider)
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

/// Bricks of a host that is down are missing in Gluster's report.
void add_bricks(const Value& seen, const Value::List& expected, Result& out) {
    if (!expected.empty()) out.text += "\n";
    const Value::List &bricks = seen["bricks"].as_list(), &unread = seen["unread"].as_list();
    for (const Value& e : expected) {
        const bool known = std::none_of(unread.begin(), unread.end(), [&](const Value& volume) {
            return volume["volume"] == e["volume"] && !volume.flag("bricks");
        });
        const bool online = std::any_of(bricks.begin(), bricks.end(), [&](const Value& brick) {
            return brick["volume"] == e["volume"] && brick["brick"] == e["brick"] &&
                   brick.flag("online");
        });
        out.text += fmt::format("{:<8} {} {}\n",
                                online  ? "online"
                                : known ? "OFFLINE"
                                        : "?",
                                e.text("volume"), e.text("brick"));
        if (!online && known)
            out.diagnostics.push_back(fmt::format("the brick {} of {} is not running",
                                                  e.text("brick"), e.text("volume")));
    }
}

Result read_gluster_pool(const PriorState& prior, const Value& hosts,
                         const ProviderSettings& settings, Endpoints& endpoints) {
    const ResourceType* type = endpoints.registry().type("gluster.cluster");
    if (type == nullptr) return {};
    Value::List volumes, expected;
    for (const auto& [address, r] : prior.recorded) {
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
    Result out;
    for (const Value& peer : seen["peers"].as_list()) {
        const bool connected = peer.flag("connected");
        out.text +=
            fmt::format("{:<8} {} (Gluster)\n", connected ? "up" : "DOWN", peer.text("name"));
        if (!connected)
            out.diagnostics.push_back(peer.text("name") + " is not connected to the pool");
    }
    add_bricks(seen, expected, out);
    for (const Value& heal : seen["heals"].as_list())
        if (const std::int64_t entries = heal.integer("entries"); entries > 0)
            out.diagnostics.push_back(fmt::format("{} on {} is healing: entries left: {}",
                                                  heal.text("volume"), heal.text("brick"),
                                                  entries));
    for (const Value& volume : seen["unread"].as_list())
        for (const auto& [key, what] : {std::pair{"bricks", "the state of the bricks of {}"},
                                        {"heals", "the pending heals of {}"}})
            if (!volume.flag(key))
                out.diagnostics.push_back(fmt::format(fmt::runtime(what), volume.text("volume")) +
                                          " cannot be read: Gluster did not respond");
    return out;
}

Result compare_with_spec(const Context& context, const Store& store, const std::stop_token& stop) {
    Events quiet;
    const PlannedRun prepared =
        read_and_plan(context.project.plan_source(), store, {}, quiet, stop);
    const std::size_t n = prepared.plan.size();
    if (n == 0) return {};
    return {"",
            {fmt::format("{} from the spec: see `hadeploy plan`",
                         n == 1 ? "1 resource differs" : fmt::format("{} resources differ", n))}};
}

/// Collects the reads of machines, one per endpoint.
Result machine_results(Reads& reads, const std::vector<std::vector<PlannedRead>>& machines,
                       std::vector<std::future<Result>> places) {
    Result out;
    for (std::size_t i = 0; i < machines.size(); ++i) {
        const Result seen = reads.end(machines[i].front().request.address, std::move(places[i]));
        for (const PlannedRead& s : machines[i])
            if (seen.failed) out.text += machine_line("?", s);
        out.text += seen.text;
        out.diagnostics.insert(out.diagnostics.end(), seen.diagnostics.begin(),
                               seen.diagnostics.end());
    }
    return out;
}

/// Prints the result. @returns whether there are no problems
bool show(const Context& context, const Result& seen) {
    std::string text = seen.text;
    for (const std::string& p : seen.diagnostics) text += "! " + printable(p) + "\n";
    if (!text.empty()) context.print(text + "\n");
    return seen.diagnostics.empty();
}

/// Compares all objects with the spec and prints the result.
bool show_differences(const Context& context, const Store& store, Reads& reads, bool well) {
    if (reads.time_is_up()) {
        context.print(
            "Not compared with the spec: the time limit was reached. Use `hadeploy plan`.\n");
        return false;
    }
    auto plan = reads.begin("the objects", [&](const std::stop_token& stop) {
        return compare_with_spec(context, store, stop);
    });
    const Result differences = reads.end("the objects", std::move(plan));
    if (differences.diagnostics.empty())
        context.print(
            well
                ? "Everything matches the spec.\n"
                : "Everything matches the spec, but there are problems: see the lines with a !.\n");
    return show(context, differences) && well;
}

int look(const Context& context) {
    const auto store = context.project.open_store(Store::Mode::read_only);
    const PriorState prior = load_prior_state(*store);
    const ProviderSettings settings = provider_settings(context.project.graph());
    const Value swarm = swarm_hosts(context, prior);
    const Value pool = recorded_attribute(prior, "gluster.pool", "hosts");
    const auto machines = machines_by_place(context, prior, settings);
    Reads reads;
    const auto endpoints = [&](const std::stop_token& stop) {
        ProviderContext provider_context = context.project.provider_context(prior.lineage);
        provider_context.stop = stop;
        return Endpoints(context.registry, std::move(provider_context));
    };
    std::vector<std::future<Result>> places; // a silent endpoint does not delay the others
    for (const std::vector<PlannedRead>& group : machines)
        places.push_back(
            reads.begin(group.front().request.address, [&](const std::stop_token& stop) {
                Endpoints open = endpoints(stop);
                return read_machines(prior, group, open);
            }));
    auto nodes = reads.begin("the swarm", [&](const std::stop_token&) {
        if (!swarm.is_map()) return Result{};
        return reads.first("the swarm", swarm, [&](const Value& host, const std::stop_token& stop) {
            Endpoints open = endpoints(stop);
            return read_swarm(host, settings, open);
        });
    });
    auto peers = reads.begin("the Gluster pool", [&](const std::stop_token&) {
        if (!pool.is_map()) return Result{};
        const auto look = [&](const Value& host, const std::stop_token& stop) {
            Endpoints open = endpoints(stop);
            return read_gluster_pool(prior, host, settings, open);
        };
        return reads.first("the Gluster pool", pool, look);
    });
    bool well = show(context, machine_results(reads, machines, std::move(places)));
    well = show(context, reads.end("the swarm", std::move(nodes))) && well;
    well = show(context, reads.end("the Gluster pool", std::move(peers))) && well;
    well = show_differences(context, *store, reads, well);
    if (reads.abandoned()) { // reads can be abandoned safely
        (void)std::fflush(nullptr);
        ::_exit(well ? 0 : 1);
    }
    return well ? 0 : 1;
}

} // namespace

int run_status(Context& context) {
    context.project.load();
    if (!context.args.watch) return look(context);
    const std::chrono::seconds interval(context.args.interval > 0 ? context.args.interval
                                                                  : kDefaultInterval);
    return repeat(context, interval, [&context] { return look(context); });
}

} // namespace hadeploy::cli
