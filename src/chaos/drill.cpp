#include "chaos/drill.h"

#include "chaos/read_writes.h"
#include "core/did_you_mean.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mutex>

namespace hadeploy::chaos {

namespace {

/// Time that the timer in the cluster adds to the longest possible drill.
constexpr std::chrono::seconds kUndoMargin{60};

std::string joined(const std::vector<std::string>& list) {
    return fmt::format("{}", fmt::join(list, ", "));
}

/// Finds the changes between two reads of the cluster, for display.
class Watcher {
  public:
    std::vector<std::string> changes(const Snapshot& snapshot) {
        std::vector<std::string> out;
        for (const ClusterNode& n : snapshot.nodes) {
            const std::string now =
                fmt::format("{}, {}", n.is_up() ? "up" : "down", n.availability);
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

  private:
    /// Leaves out the many states of a starting task except for its first.
    static bool is_notable(const ClusterTask& t, bool fresh) {
        return fresh || t.state == "running" || t.state == "failed" || t.state == "rejected" ||
               t.state == "shutdown" || t.state == "complete" || t.state == "orphaned";
    }
    static std::string describe(const ClusterTask& t) {
        std::string text = fmt::format("{}: {}", t.label(), t.state);
        if (!t.node.empty()) text += " on " + t.node;
        if (!t.error.empty()) text += fmt::format(" ({})", t.error);
        return text;
    }

    bool first_ = true;
    std::map<std::string, std::string> nodes_, tasks_;
};

class Drill {
  public:
    Drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
          DrillEvents& events, const std::stop_token& stop)
        : settings_(settings), options_(options), cluster_(cluster), events_(events), stop_(stop),
          // a read and a write must be due in each half of it
          window_(std::max<Us>(settings.settle, Us(std::chrono::seconds(4)) / settings.rate)) {}

    Report run() {
        check_start();
        measure_well_app();
        try {
            inject();
            watch_move();
        } catch (...) {
            put_back();
            throw;
        }
        put_back();
        watch_return();
        finish();
        return std::move(report_);
    }

  private:
    void check_start();
    /// Waits for tasks that have just been restarted; returns the remaining problems.
    std::vector<std::string> await_services();
    /// Repeats the baseline until it has no failure, so that later failures are caused by the
    /// drill. An app that was just deployed or is slow has the usual patience.
    void measure_well_app();
    bool baseline();
    Error unwell(const std::string& failed, const Measurement& m) const;
    void inject();
    void watch_move();
    void put_back();
    void watch_return();
    void finish();

    Us now() const { return prober_->now(); }
    /// Adds an event to the timeline, by default at the current time.
    void tell(std::string text, std::optional<Us> at = {}) {
        report_.timeline.push_back({at.value_or(now()), std::move(text)});
        events_.moment(report_.timeline.back());
    }
    /// Sleeps; false if stopped.
    bool pause(Ms length, const std::stop_token& stop);
    /// Reads the cluster repeatedly until `settled(snapshot)` holds; false if that takes longer
    /// than the patience.
    template<typename Settled>
    bool watch(const Settled& settled);
    /// Reads the cluster once; nullopt if it is temporarily unreachable.
    std::optional<Snapshot> look();
    std::vector<std::string> names_on_node() const { return running_on(last_, node_.name); }

    const Settings& settings_;
    const DrillOptions& options_;
    Cluster& cluster_;
    DrillEvents& events_;
    const std::stop_token& stop_;
    const Us window_; ///< time for which the app has to be healthy
    Report report_;
    ClusterNode node_;
    Snapshot last_;
    Watcher watcher_;
    std::string unreachable_; ///< why the last read failed
    std::optional<Prober> prober_;
};

void Drill::check_start() {
    events_.phase("reading the cluster");
    last_ = cluster_.look();
    const auto refused = [&](std::string text, std::string hint) {
        return Error(ErrorKind::failed,
                     fmt::format("{} is not drained: {}", options_.node, std::move(text)))
            .with_hint(std::move(hint));
    };
    for (const Objection& o : objections(last_, options_.node))
        if (!o.can_be_forced || !options_.force)
            throw refused(o.text, o.can_be_forced ? o.hint + ", or use --force to drain it anyway"
                                                  : o.hint);
    node_ = *last_.find(options_.node);
    if (const auto problems = await_services(); !problems.empty())
        throw refused("the services are not in their steady state (" + joined(problems) + ")",
                      "a drill is only meaningful if the app is healthy: repair it with "
                      "`hadeploy apply` first");
    report_.node = node_.name;
    report_.app = joined(settings_.urls);
    report_.before = placement(last_);
    report_.tasks_moved = names_on_node().size();
    watcher_.changes(last_);
    if (stop_.stop_requested()) throw Interrupted();
}

std::vector<std::string> Drill::await_services() {
    const auto deadline = std::chrono::steady_clock::now() + settings_.patience;
    std::vector<std::string> problems = service_problems(last_);
    while (!problems.empty() && std::chrono::steady_clock::now() < deadline) {
        events_.phase("waiting for the steady state: " + joined(problems));
        if (!pause(settings_.poll, stop_)) throw Interrupted();
        last_ = cluster_.look();
        problems = service_problems(last_);
    }
    return problems;
}

void Drill::measure_well_app() {
    const auto deadline = std::chrono::steady_clock::now() + settings_.patience;
    for (;;) {
        prober_.emplace(ProberSettings{settings_.urls, settings_.read, settings_.write,
                                       settings_.body, settings_.rate, settings_.timeout,
                                       options_.log});
        if (baseline()) return;
        const ProberResult result = prober_->stop();
        const Measurement m = measure(result.samples, result.length, settings_.urls.size());
        const std::string failed =
            fmt::format("{} of {} reads and {} of {} writes failed", m.reads.failed, m.reads.sent,
                        m.writes.failed, m.writes.sent);
        if (std::chrono::steady_clock::now() >= deadline) throw unwell(failed, m);
        events_.phase("waiting for a healthy app: " + failed);
    }
}

bool Drill::baseline() {
    events_.phase("measuring the baseline");
    report_.timeline.clear(); // of an earlier baseline
    tell(fmt::format("measurement starts: {0} reads and {0} writes a second", settings_.rate),
         Us{0});
    const Us end = std::max<Us>(settings_.baseline, window_);
    Prober::Live live;
    while (live.failed == 0 && now() < end) {
        if (!pause(std::min(settings_.poll, std::chrono::ceil<Ms>(end - now())), stop_))
            throw Interrupted();
        live = prober_->live(window_);
        events_.app(now(), live);
    }
    // pending requests may still succeed
    const Us deadline = now() + settings_.timeout;
    while (live.failed == 0 && !live.clean && now() < deadline) {
        if (!pause(Ms(20), stop_)) throw Interrupted();
        live = prober_->live(window_);
    }
    return live.failed == 0 && live.clean;
}

Error Drill::unwell(const std::string& failed, const Measurement& m) const {
    Error error(
        ErrorKind::failed,
        fmt::format("{} is not drained: the app fails without a drain: {}", node_.name, failed));
    for (const auto& [kind, series] : {std::pair{"reads", &m.reads}, {"writes", &m.writes}})
        for (const auto& [problem, count] : series->problems)
            error.with_note(fmt::format("{} {}: {}", count, kind, problem));
    error.with_hint("check that " + report_.app +
                    " can be reached from here and responds, then try again");
    return error;
}

void Drill::inject() {
    events_.phase("draining " + node_.name);
    const auto ours = std::chrono::steady_clock::now();
    const Us at = now();
    report_.drained_at = at; // in case the call fails halfway
    const Cluster::Time drained =
        cluster_.drain(node_, settings_.patience + settings_.hold + kUndoMargin);
    report_.drained_at = at + std::max(Us{0}, std::chrono::duration_cast<Us>(drained - ours));
    tell(fmt::format("{} drained", node_.name), report_.drained_at);
}

void Drill::watch_move() {
    events_.phase(fmt::format("waiting until the tasks of {} run elsewhere", node_.name));
    const bool moved = watch([&](const Snapshot& s) {
        const bool moving = std::any_of(s.tasks.begin(), s.tasks.end(), [&](const ClusterTask& t) {
            return t.node == node_.name && t.state == "running" && t.desired != "running";
        });
        const std::size_t left = running_on(s, node_.name).size();
        if (!report_.detected && report_.tasks_moved > 0 && (moving || left < report_.tasks_moved))
            report_.detected = now() - report_.drained_at;
        return left == 0 && service_problems(s).empty();
    });
    report_.drained = placement(last_);
    if (stop_.stop_requested()) return;
    if (!moved) {
        std::vector<std::string> open = service_problems(last_);
        if (const auto left = names_on_node(); !left.empty())
            open.push_back(fmt::format("{} still on {}", joined(left), node_.name));
        if (open.empty()) open.push_back(unreachable_);
        report_.notes.push_back(fmt::format("after {} the tasks had not moved: {}",
                                            show_time(settings_.patience), joined(open)));
        return tell(report_.notes.back());
    }
    report_.rescheduled = now() - report_.drained_at;
    tell(fmt::format("no task runs on {} any more, every service has its tasks", node_.name));
    events_.phase(fmt::format("measuring the app with {} drained", node_.name));
    const Us end = now() + settings_.hold;
    while (now() < end &&
           pause(std::min(settings_.poll, std::chrono::ceil<Ms>(end - now())), stop_)) {
        look();
        events_.app(now(), prober_->live(window_));
    }
}

void Drill::put_back() {
    report_.interrupted = stop_.stop_requested();
    if (report_.interrupted) tell("interrupted");
    events_.phase(fmt::format("putting {} back", node_.name));
    const Us deadline = now() + settings_.patience;
    while (true) {
        try {
            cluster_.restore(node_);
            report_.restored_at = now();
            return tell(fmt::format("{} back", node_.name));
        } catch (const Error& error) {
            if (now() < deadline && pause(settings_.poll, {})) continue;
            report_.notes.push_back(fmt::format("{0} is still drained: {1}. The timer in the "
                                                "cluster restores it; to do so by hand: "
                                                "docker node update --availability active {0}",
                                                node_.name, error.message));
            return tell(report_.notes.back());
        }
    }
}

void Drill::watch_return() {
    if (report_.interrupted || !report_.restored_at) return;
    events_.phase("waiting for the steady state");
    std::optional<Us> whole; // since when the cluster is in its steady state
    const bool steady = watch([&](const Snapshot& s) {
        if (!node_problems(s).empty() || !service_problems(s).empty())
            whole.reset();
        else if (!whole)
            whole = now();
        return whole && prober_->live(window_).clean;
    });
    report_.after = placement(last_);
    report_.interrupted = stop_.stop_requested();
    if (steady) {
        // clean shows only after the window: the app has been well since its last failure
        const Us failure = prober_->live(window_).last_failure;
        report_.steady = std::max(*whole, failure) - *report_.restored_at;
        return tell("steady state: nodes, services and app as before");
    }
    if (report_.interrupted) return tell("interrupted");
    std::vector<std::string> open = node_problems(last_);
    for (std::string& problem : service_problems(last_)) open.push_back(std::move(problem));
    if (open.empty()) open.emplace_back("the app does not answer without errors");
    report_.notes.push_back(fmt::format("after {} there was no steady state: {}",
                                        show_time(settings_.patience), joined(open)));
    tell(report_.notes.back());
}

void Drill::finish() {
    events_.phase("waiting for the last responses");
    tell("measurement ends");
    const std::string prefix = prober_->prefix();
    const ProberResult result = prober_->stop();
    report_.measured = measure(result.samples, result.length, settings_.urls.size());
    events_.phase("reading the writes back");
    try {
        // after an interrupt, one attempt is enough
        const Ms patience = report_.interrupted ? Ms(0) : settings_.patience;
        const std::stop_token stop = report_.interrupted ? std::stop_token() : stop_;
        const std::set<std::string> read =
            read_writes(settings_.urls, settings_.verify, settings_.timeout, patience, stop);
        report_.writes = check_writes(result.writes, read, prefix);
    } catch (const Error& error) {
        std::string note = error.message;
        for (const Note& n : error.notes) note += "; " + n.text;
        report_.notes.push_back(std::move(note));
    } catch (const Interrupted&) {
        report_.interrupted = true;
    }
    report_.thresholds = judge(report_, settings_);
}

bool Drill::pause(Ms length, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any nothing;
    std::unique_lock lock(mutex);
    nothing.wait_for(lock, stop, length, [] { return false; });
    return !stop.stop_requested();
}

template<typename Settled>
bool Drill::watch(const Settled& settled) {
    const Us deadline = now() + settings_.patience;
    do {
        if (const auto snapshot = look(); snapshot && settled(*snapshot)) return true;
        const Prober::Live live = prober_->live(window_);
        if (live.broken) prober_->stop(); // throws the error
        events_.app(now(), live);
    } while (pause(settings_.poll, stop_) && now() < deadline);
    return false;
}

std::optional<Snapshot> Drill::look() {
    try {
        last_ = cluster_.look();
        unreachable_.clear();
    } catch (const Error& error) {
        if (unreachable_.empty()) tell("the cluster does not answer: " + error.message);
        unreachable_ = error.message;
        return std::nullopt;
    }
    for (std::string& change : watcher_.changes(last_)) tell(std::move(change));
    return last_;
}

} // namespace

std::vector<Objection> objections(const Snapshot& snapshot, const std::string& name) {
    std::vector<std::string> names, down, drained;
    std::int64_t managers = 0, reachable = 0;
    for (const ClusterNode& n : snapshot.nodes) {
        names.push_back(n.name);
        if (!n.is_up())
            down.push_back(n.name);
        else if (n.availability != "active" && n.name != name)
            drained.push_back(n.name);
        if (n.is_manager()) ++managers;
        if (n.is_manager() && n.is_up()) ++reachable;
    }
    const ClusterNode* node = snapshot.find(name);
    if (node == nullptr) {
        const auto meant = did_you_mean(name, names);
        return {{fmt::format("the swarm has no node with this name"),
                 meant ? fmt::format("did you mean {}?", *meant) : "its nodes: " + joined(names)}};
    }
    if (node->availability != "active")
        return {{fmt::format("its availability is already {}", node->availability),
                 fmt::format("restore it first: docker node update --availability active {}",
                             node->name)}};
    std::vector<Objection> out;
    const std::int64_t majority = managers / 2 + 1;
    if (node->is_manager() && managers > 1 && reachable - 1 < majority)
        out.push_back(
            {fmt::format("without it only {} of {} managers would be left, but the quorum needs "
                         "{} (down: {})",
                         reachable - 1, managers, majority, down.empty() ? "none" : joined(down)),
             "start the other managers first", true});
    else if (!down.empty())
        out.push_back(
            {fmt::format("{} cannot be reached", joined(down)), "start them first", true});
    if (!drained.empty())
        out.push_back({fmt::format("another node accepts no tasks: {}", joined(drained)),
                       "make it active first", true});
    if (down.size() + drained.size() + 1 >= snapshot.nodes.size())
        out.push_back(
            {"no node would be left for its tasks", "add or start another node first", true});
    return out;
}

Report run_drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
                 DrillEvents& events, const std::stop_token& stop) {
    return Drill(settings, options, cluster, events, stop).run();
}

} // namespace hadeploy::chaos
