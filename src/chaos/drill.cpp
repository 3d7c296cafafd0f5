#include "chaos/drill.h"

#include "chaos/activity_run.h"
#include "chaos/check_start.h"
#include "chaos/meter.h"
#include "chaos/read_writes.h"
#include "chaos/watcher.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <future>

namespace hadeploy::chaos {

namespace {

/// Time that the armed undo adds to the longest possible drill.
constexpr std::chrono::seconds kUndoMargin{60};

std::string joined(const std::vector<std::string>& list) {
    return fmt::format("{}", fmt::join(list, ", "));
}

class Drill {
  public:
    Drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
          Injector& injector, DrillEvents& events, const std::stop_token& stop)
        : settings_(settings), options_(options), plan_(options.experiment), cluster_(cluster),
          injector_(injector), events_(events), stop_(stop),
          meter_(settings, options.log, events, stop),
          runner_(settings.timeout, settings.patience, cluster, options.gluster,
                  options.directory) {}

    Report run();

  private:
    /// A fault that has been injected and not undone.
    struct Active {
        std::size_t run; ///< index into the report's faults
        const Activity* activity;
    };

    void start();
    /// @throws Error if a probe is not within its tolerance
    void check_hypothesis();
    void run_method();
    /// False if the method has to end here.
    bool run_step(std::size_t index);
    bool run_fault(std::size_t index);
    void inject(std::size_t index);
    void watch_move(const Active& fault);
    void undo(const Active& fault);
    void undo_all();
    /// Waits for the steady state after the end of all faults; false if there is none.
    bool watch_return();
    void finish_activities();
    void run_rollbacks();
    void finish();
    void read_back(const ProberResult& result, const std::string& prefix);

    ActivityRun run_activity(const Activity& activity, std::string when,
                             const std::stop_token& stop) {
        return judged_run(runner_, activity, std::move(when), stop, meter_, output_);
    }
    /// Watches the cluster while a process runs.
    ActivityRun run_watched(const Activity& activity);
    void record(ActivityRun run);
    void tell_output();
    /// The longest time until a fault of this step is undone.
    Ms longest_life(std::size_t index) const;
    Ms hold_of(const Activity& a) const { return a.hold.value_or(settings_.hold); }

    Us now() const { return meter_.now(); }
    /// Adds an event to the timeline, by default at the current time.
    void tell(std::string text, std::optional<Us> at = {}) {
        report_.timeline.push_back({at.value_or(now()), std::move(text)});
        events_.moment(report_.timeline.back());
    }
    void note(std::string text) {
        report_.notes.push_back(text);
        tell(std::move(text));
    }
    /// Reads the cluster repeatedly until `settled(snapshot)` holds; false if that takes longer
    /// than the patience.
    template<typename Settled>
    bool watch(const Settled& settled);
    /// Reads the cluster repeatedly for a time; false if stopped.
    bool observe(Ms length);
    /// Reads the cluster once; nullopt if it is temporarily unreachable.
    std::optional<Snapshot> look();
    /// Sets the times at which the tasks of a node began to move and had moved.
    void follow(FaultRun& fault);
    void follow_leader();
    /// Tasks that still have to move. Those of a node that the swarm cannot reach stay "running".
    std::vector<std::string> left_on(const std::string& name) const {
        const ClusterNode* node = last_.find(name);
        return node != nullptr && node->status != "ready" ? std::vector<std::string>{}
                                                          : running_on(last_, name);
    }

    const Settings& settings_;
    const DrillOptions& options_;
    const Experiment& plan_;
    Cluster& cluster_;
    Injector& injector_;
    DrillEvents& events_;
    const std::stop_token& stop_;
    Meter meter_;
    ActivityRunner runner_;
    std::optional<MachineWatch> machine_;
    Report report_;
    std::vector<Active> active_;
    std::vector<std::future<ActivityRun>> background_;
    OutputLines output_;
    bool disturbed_ = false; ///< by a fault or process, since the last wait for the steady state
    Snapshot last_;
    Watcher watcher_;
    std::string unreachable_; ///< why the last read failed
};

Report Drill::run() {
    start();
    check_hypothesis();
    std::exception_ptr failure;
    try {
        run_method();
    } catch (const Interrupted&) { // reported below
    } catch (...) {
        failure = std::current_exception();
    }
    undo_all();
    if (!failure) {
        watch_return();
        finish_activities();
    }
    run_rollbacks();
    if (failure) std::rethrow_exception(failure);
    finish();
    return std::move(report_);
}

void Drill::start() {
    events_.phase("reading the cluster");
    last_ = check_start(settings_, plan_, options_.force, cluster_, events_, stop_);
    report_.title = plan_.title;
    report_.app = joined(settings_.urls);
    report_.before = placement(last_);
    report_.leaders.push_back({Us{0}, current_leader(last_)});
    watcher_.changes(last_);
    report_.load = meter_.calibrate();
    meter_.await_well_app(plan_.title);
    machine_.emplace(options_.read_machine);
    tell(fmt::format("measurement starts: {0} reads and {0} writes a second", meter_.rate()),
         Us{0});
}

void Drill::check_hypothesis() {
    std::vector<std::string> wrong;
    for (const Activity& a : plan_.probes) {
        record(run_activity(a, "before", stop_));
        const ActivityRun& run = report_.activities.back();
        if (!run.problem.empty()) wrong.push_back(fmt::format("{}: {}", run.name, run.problem));
    }
    if (wrong.empty()) return;
    Error error(
        ErrorKind::failed,
        fmt::format("{} is refused: the steady-state hypothesis does not hold", plan_.title));
    for (const std::string& text : wrong) error.with_note(text);
    throw std::move(error).with_hint("nothing was changed; repair the app or correct the "
                                     "tolerances first");
}

void Drill::run_method() {
    for (std::size_t i = 0; i < plan_.method.size(); ++i)
        if (!run_step(i)) return;
}

bool Drill::run_step(std::size_t index) {
    const Activity& a = plan_.method[index];
    if (!observe(a.before)) return false;
    if (a.fault) {
        if (!run_fault(index)) return false;
    } else if (a.background) {
        tell(fmt::format("{} starts", a.name));
        background_.push_back(std::async(std::launch::async,
                                         [this, &a] { return run_activity(a, "method", stop_); }));
    } else {
        record(a.provider.text("type") == "process" ? run_watched(a)
                                                    : run_activity(a, "method", stop_));
    }
    return observe(a.after);
}

bool Drill::run_fault(std::size_t index) {
    const Activity& a = plan_.method[index];
    inject(index);
    if (a.background) return true;
    const Active fault = active_.back();
    watch_move(fault);
    if (stop_.stop_requested()) return false; // undo_all() follows
    active_.pop_back();
    undo(fault);
    // a fault is still active: wait for the steady state after its end
    if (!active_.empty()) return true;
    if (watch_return()) return true;
    if (index + 1 < plan_.method.size() && !stop_.stop_requested())
        note("the rest of the method was not run, because there is no steady state");
    return false;
}

Ms Drill::longest_life(std::size_t index) const {
    const Activity& own = plan_.method[index];
    const auto handover = [](const Activity& a) {
        return Ms(a.fault ? a.fault->options.integer("handover", 0) : 0);
    };
    Ms sum = settings_.patience + hold_of(own) + handover(own) + kUndoMargin;
    if (!own.background) return sum;
    for (std::size_t i = index; i < plan_.method.size(); ++i) {
        const Activity& a = plan_.method[i];
        sum += a.before + a.after + handover(a);
        sum += a.fault ? 2 * settings_.patience + hold_of(a) : settings_.patience;
    }
    return sum;
}

void Drill::inject(std::size_t index) {
    const Fault& fault = *plan_.method[index].fault;
    const ClusterNode* node = last_.find(fault.node);
    events_.phase("injecting the fault: " + fault.label());
    FaultRun run{.label = fault.label()};
    run.node = node == nullptr ? fault.node : node->name;
    run.moves = moves_tasks(fault.kind);
    run.tasks = running_on(last_, run.node).size();
    run.began = now(); // in case the call fails halfway
    report_.faults.push_back(run);
    active_.push_back({report_.faults.size() - 1, &plan_.method[index]});
    disturbed_ = true;
    const auto ours = std::chrono::steady_clock::now();
    const Injector::Time began = injector_.inject(fault, longest_life(index));
    Us& at = report_.faults.back().began;
    at += std::max(Us{0}, std::chrono::duration_cast<Us>(began - ours));
    tell(fmt::format("{} begins", run.label), at);
}

void Drill::watch_move(const Active& fault) {
    const auto run = [&]() -> FaultRun& { return report_.faults[fault.run]; };
    events_.phase(run().moves
                      ? fmt::format("waiting until the tasks of {} run elsewhere", run().node)
                      : "waiting until every service has its tasks");
    const bool moved = watch([&](const Snapshot&) { return run().rescheduled.has_value(); });
    if (stop_.stop_requested()) return;
    if (!moved) {
        std::vector<std::string> open = service_problems(last_);
        if (const auto left = left_on(run().node); run().moves && !left.empty())
            open.push_back(fmt::format("{} still on {}", joined(left), run().node));
        if (open.empty()) open.push_back(unreachable_);
        return note(fmt::format("after {} the tasks had not moved: {}",
                                show_time(settings_.patience), joined(open)));
    }
    tell(run().moves ? fmt::format("no task runs on {} any more, and every service has its tasks",
                                   run().node)
                     : "every service has its tasks");
    events_.phase("measuring the app during the fault: " + run().label);
    observe(hold_of(*fault.activity));
}

void Drill::undo(const Active& fault) {
    FaultRun& run = report_.faults[fault.run];
    run.placement = placement(last_);
    events_.phase("undoing the fault: " + run.label);
    const Us deadline = now() + settings_.patience;
    while (true) {
        try {
            injector_.undo(*fault.activity->fault);
            run.ended = now();
            return tell(fmt::format("{} ends", run.label));
        } catch (const Error& error) {
            if (now() < deadline && pause(settings_.poll, {})) continue;
            return note(fmt::format("{} has not been undone: {}. Its armed undo ends it; to end it "
                                    "immediately: hadeploy chaos halt",
                                    run.label, error.message));
        }
    }
}

void Drill::undo_all() {
    report_.interrupted = stop_.stop_requested();
    if (report_.interrupted) tell("interrupted");
    while (!active_.empty()) {
        const Active fault = active_.back();
        active_.pop_back();
        undo(fault);
    }
}

bool Drill::watch_return() {
    if (!disturbed_ || stop_.stop_requested() || !report_.undone()) return false;
    disturbed_ = false;
    events_.phase("waiting for the steady state");
    Us ended{0};
    for (const FaultRun& f : report_.faults) ended = std::max(ended, *f.ended);
    std::optional<Us> steady_since; // of nodes and services
    const bool steady = watch([&](const Snapshot& s) {
        if (!node_problems(s).empty() || !service_problems(s).empty())
            steady_since.reset();
        else if (!steady_since)
            steady_since = now();
        return steady_since && meter_.live().clean;
    });
    report_.after = placement(last_);
    if (steady) {
        // `clean` is set only after the window: the app has been healthy since its last failure
        if (!report_.faults.empty())
            report_.steady = std::max({*steady_since, meter_.live().last_failure, ended}) - ended;
        tell("steady state: nodes, services and app as before");
        return true;
    }
    report_.steady.reset(); // of an earlier fault
    if (stop_.stop_requested()) {
        if (!report_.interrupted) tell("interrupted");
        report_.interrupted = true;
        return false;
    }
    std::vector<std::string> open = node_problems(last_);
    for (std::string& problem : service_problems(last_)) open.push_back(std::move(problem));
    if (open.empty()) open.emplace_back("the app does not respond without errors");
    note(fmt::format("after {} there was no steady state: {}", show_time(settings_.patience),
                     joined(open)));
    return false;
}

void Drill::finish_activities() {
    for (std::future<ActivityRun>& run : background_) {
        try {
            record(run.get());
        } catch (const Interrupted&) {
            report_.interrupted = true;
        }
    }
    background_.clear();
    for (const Activity& a : plan_.probes) {
        ActivityRun open{.name = a.name, .when = "after", .judged = true, .measured = false};
        try {
            record(report_.interrupted ? std::move(open) : run_activity(a, "after", stop_));
        } catch (const Interrupted&) {
            report_.interrupted = true;
            record(std::move(open));
        }
    }
}

void Drill::run_rollbacks() {
    for (const Activity& a : plan_.rollbacks) record(run_activity(a, "rollback", {}));
}

ActivityRun Drill::run_watched(const Activity& activity) {
    auto run =
        std::async(std::launch::async, [&] { return run_activity(activity, "method", stop_); });
    while (run.wait_for(settings_.poll) != std::future_status::ready) {
        look();
        events_.app(now(), meter_.live());
    }
    disturbed_ = true;
    return run.get();
}

void Drill::tell_output() {
    for (Moment& line : output_.take()) {
        report_.timeline.push_back(std::move(line));
        events_.moment(report_.timeline.back());
    }
}

void Drill::record(ActivityRun run) {
    tell_output();
    if (run.measured)
        tell(fmt::format("{} ({}): {}", run.name, run.when,
                         run.problem.empty() ? run.result : run.problem),
             run.at);
    report_.activities.push_back(std::move(run));
}

void Drill::finish() {
    events_.phase("waiting for the last responses");
    tell("measurement ends");
    const std::string prefix = meter_.prefix();
    const ProberResult result = meter_.stop();
    report_.measured = measure(result.samples, result.length, settings_.urls.size());
    report_.phases = phases_of(report_, result.samples);
    add_last_failures(report_, result.samples);
    report_.machine = use_of(machine_->stop());
    add_delays(report_.machine, result.samples);
    report_.doubts = doubts_about(report_.machine);
    events_.phase("reading the writes back");
    read_back(result, prefix);
    std::stable_sort(report_.timeline.begin(), report_.timeline.end(),
                     [](const Moment& a, const Moment& b) { return a.at < b.at; });
    report_.thresholds = judge(report_, settings_);
}

void Drill::read_back(const ProberResult& result, const std::string& prefix) {
    constexpr std::string_view kMark = "$PREFIX";
    std::string path = settings_.verify;
    if (const auto at = path.find(kMark); at != path.npos) path.replace(at, kMark.size(), prefix);
    try {
        // after an interrupt, one attempt is enough
        const Ms patience = report_.interrupted ? Ms(0) : settings_.patience;
        const std::stop_token stop = report_.interrupted ? std::stop_token() : stop_;
        const std::set<std::string> read =
            read_writes(settings_.urls, path, settings_.timeout, patience, stop);
        report_.writes = check_writes(result.writes, read, prefix);
    } catch (const Error& error) {
        std::string text = error.message;
        for (const Note& n : error.notes) text += "; " + n.text;
        report_.notes.push_back(std::move(text));
    } catch (const Interrupted&) {
        report_.interrupted = true;
    }
}

template<typename Settled>
bool Drill::watch(const Settled& settled) {
    const Us deadline = now() + settings_.patience;
    do {
        if (const auto snapshot = look(); snapshot && settled(*snapshot)) return true;
        const Prober::Live live = meter_.live();
        if (live.broken) meter_.stop(); // throws the error
        events_.app(now(), live);
    } while (pause(settings_.poll, stop_) && now() < deadline);
    return false;
}

bool Drill::observe(Ms length) {
    const Us end = now() + length;
    while (now() < end &&
           pause(std::min(settings_.poll, std::chrono::ceil<Ms>(end - now())), stop_)) {
        look();
        events_.app(now(), meter_.live());
    }
    return !stop_.stop_requested();
}

std::optional<Snapshot> Drill::look() {
    tell_output();
    try {
        last_ = cluster_.look();
        unreachable_.clear();
    } catch (const Error& error) {
        if (unreachable_.empty()) tell("the cluster does not answer: " + error.message);
        unreachable_ = error.message;
        return std::nullopt;
    }
    for (std::string& change : watcher_.changes(last_)) tell(std::move(change));
    follow_leader();
    for (const Active& a : active_) follow(report_.faults[a.run]);
    return last_;
}

void Drill::follow_leader() {
    const std::string leader = current_leader(last_);
    if (leader == report_.leaders.back().node) return;
    report_.leaders.push_back({now(), leader});
    tell(leader.empty() ? "the swarm has no leader" : leader + " is the leader");
}

void Drill::follow(FaultRun& fault) {
    const std::size_t left = left_on(fault.node).size();
    const bool moving =
        std::any_of(last_.tasks.begin(), last_.tasks.end(), [&](const ClusterTask& t) {
            return t.node == fault.node && t.state == "running" && t.desired != "running";
        });
    if (!fault.detected && fault.tasks > 0 && (moving || left < fault.tasks))
        fault.detected = now() - fault.began;
    const bool moved = (!fault.moves || left == 0) && service_problems(last_).empty();
    if (!fault.rescheduled && moved) fault.rescheduled = now() - fault.began;
}

} // namespace

Experiment single_fault(Fault fault) {
    Experiment out;
    out.title = fault.label();
    Activity a;
    a.kind = Activity::Kind::action;
    a.name = fault.label();
    a.fault = std::move(fault);
    out.method.push_back(std::move(a));
    return out;
}

Report run_drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
                 Injector& injector, DrillEvents& events, const std::stop_token& stop) {
    Settings used = settings;
    for (const Activity& a : options.experiment.method)
        if (a.fault && is_power(a.fault->kind)) used.urls = urls_without(used, a.fault->node);
    return Drill(used, options, cluster, injector, events, stop).run();
}

} // namespace hadeploy::chaos
