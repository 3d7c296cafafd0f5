#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/execute.h"
#include "cli/own_environment.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/text.h"
#include "cli/stop_on_signal.h"
#include "cli/watch/metrics.h"
#include "cli/watch/metrics_server.h"
#include "cli/watch/situation.h"
#include "cli/watch/webhook.h"
#include "core/clock.h"
#include "core/log.h"

#include <condition_variable>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
using Clock = std::chrono::steady_clock;
using EventKind = WatchEvent::Kind;

constexpr std::chrono::seconds kDefaultWatchInterval{60};
/// How long the last messages may take to be delivered at the end.
constexpr std::chrono::seconds kLastMessages{20};
constexpr int kDrift = 2; ///< exit code of --once

/// The first error in one line, with its place and the number of others.
std::string errors_in_a_line(const Error& errors, const Sources& sources) {
    const std::vector<Error> all = errors.all();
    const Error& first = *in_order(all).front();
    std::string out = first.message;
    if (!first.address.empty()) out = first.address + ": " + out;
    if (first.loc.known()) out = sources.describe(first.loc) + ": " + out;
    if (all.size() > 1) out += fmt::format(" (and {} more)", all.size() - 1);
    return out;
}

/// The log hides the secrets of this project from now on.
void redact_log_with(const Project& project) {
    log::set_redactor([&project](std::string_view text) { return project.hidden(text); });
}

/// A project as one round sees it: the spec is read again each time.
struct View {
    View(const Context& of, const Registry& registry)
        : project(registry, of.args.project), context{of.args, registry, project, of.out, of.err} {}
    Project project;
    Context context;
};

/// The rounds of a watch.
class Watch {
  public:
    explicit Watch(const Context& context)
        : base_(context),
          interval_(context.args.interval > 0 ? std::chrono::seconds(context.args.interval)
                                              : kDefaultWatchInterval) {
        std::string url = context.args.webhook;
        if (url.empty()) url = given_to_us("HADEPLOY_WEBHOOK");
        if (!url.empty() && !is_http_url(url))
            throw Error(ErrorKind::usage, "HADEPLOY_WEBHOOK: this is not an http or https URL")
                .with_hint("set it to a URL that begins with https://");
        if (!url.empty())
            webhook_.emplace(url, [](const std::string& text) { // uses nothing of the project
                const std::string line = text + "\n";
                (void)!::write(STDERR_FILENO, line.data(), line.size());
            });
        publish();
        if (!context.args.listen.empty())
            server_.emplace(parse_listen_address(context.args.listen), [this] {
                const std::lock_guard lock(mutex_);
                return published_;
            });
    }

    int run() {
        const Asking quiet; // a signal between rounds needs no answer
        greet();
        try {
            do {
                round();
            } while (!base_.args.once && pause());
        } catch (const Interrupted&) {
        }
        if (webhook_ && !stop_requested()) webhook_->finish(kLastMessages);
        if (stop_requested()) return first_signal() == SIGTERM ? 0 : 130;
        return once_;
    }

  private:
    void greet() const {
        base_.say(fmt::format(
            "watching {}{}{}{}\n", base_.project.options().directory.string(),
            base_.project.has_environments()
                ? fmt::format(" (environment {})", base_.project.environment())
                : "",
            base_.args.once ? "" : fmt::format(" every {} s", interval_.count()),
            server_ ? fmt::format(", metrics at {}/metrics", url_of(server_->address())) : ""));
    }

    /// @returns false if the watch ends
    bool pause() const {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any end;
        end.wait_for(lock, stop_.token(), interval_, [] { return false; });
        return !stop_requested();
    }

    void round() {
        const Clock::time_point start = Clock::now();
        try {
            load();
            metrics_.project = view_->project.owner();
            look();
            if (base_.args.repair && repair(start)) look();
            once_ = exit_code_of_last();
            if (!problem_.empty()) report({{EventKind::recovered, "", ""}});
            problem_.clear();
            metrics_.compared = true;
        } catch (const Error& errors) {
            if (stop_requested()) throw Interrupted(); // reads that were cancelled
            once_ = exit_code(errors.all());
            metrics_.compared = false;
            ++metrics_.failed_rounds;
            const std::string problem = errors_in_a_line(errors, view_->project.sources());
            if (problem != problem_) report({{EventKind::failed, "", problem}});
            problem_ = problem;
        }
        ++metrics_.rounds;
        metrics_.last_round = static_cast<double>(now_ms()) / 1000;
        metrics_.duration = std::chrono::duration<double>(Clock::now() - start).count();
        publish();
    }

    void load() {
        auto view = std::make_unique<View>(base_, base_.registry);
        view_.swap(view); // the thread of the webhook can still log with the previous project
        try {
            view_->project.load();
        } catch (...) {
            redact_log_with(view_->project);
            throw;
        }
        redact_log_with(view_->project);
    }

    [[nodiscard]] int exit_code_of_last() const {
        if (last_.count(Condition::drifted) > 0) return kDrift;
        return last_.count(Condition::unreadable) > 0 ? exit_code(ErrorKind::unreachable) : 0;
    }

    /// "4 resources compared: 3 as in the spec, 1 drifted\n"
    static std::string summary(const Comparison& seen) {
        std::size_t all = 0;
        std::string parts;
        for (const auto& [condition, words] : {std::pair{Condition::in_sync, "as in the spec"},
                                               {Condition::drifted, "drifted"},
                                               {Condition::pending, "pending"},
                                               {Condition::unreadable, "cannot be read"}}) {
            const std::size_t n = seen.count(condition);
            all += n;
            if (n > 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", n, words);
        }
        if (seen.in_sync == all) parts = "all as in the spec";
        return fmt::format("{} compared: {}\n", counted(all, "resource"), parts);
    }

    /// Compares, and reports the changes since the last time.
    void look() {
        const Project& project = view_->project;
        const auto store = project.open_store(Store::Mode::read_only);
        Events quiet;
        LeftOut left_out;
        const PlannedRun run =
            read_and_plan_rest(project.plan_source(), *store, quiet, stop_.token(), left_out);
        Comparison now = compare(project.graph(), run, left_out);
        const WatchEvents changes = changes_between(last_.findings, now.findings);
        last_ = std::move(now);
        for (const Condition c :
             {Condition::in_sync, Condition::drifted, Condition::pending, Condition::unreadable})
            metrics_.resources[std::string(condition_name(c))] = last_.count(c);
        metrics_.machines = last_.machines;
        if (!std::exchange(compared_, true)) view_->context.say(summary(last_));
        report(changes);
        std::erase_if(paces_, [&](const auto& p) { return !last_.findings.contains(p.first); });
    }

    /// Repairs what is due. @returns whether anything was attempted
    bool repair(Clock::time_point now) {
        std::vector<std::string> due;
        for (const std::string& address : last_.repairable())
            if (!paces_.contains(address) || paces_.at(address).due(now)) due.push_back(address);
        if (due.empty()) return false;
        try {
            const auto store = view_->project.open_store(Store::Mode::read_write);
            store->lock("watch --repair", 0);
            postponed_.clear();
            repair_now(due, *store, now);
        } catch (const Error& errors) {
            if (stop_requested()) throw Interrupted();
            const std::string text = errors_in_a_line(errors, view_->project.sources());
            if (errors.kind == ErrorKind::locked) {
                if (text != postponed_) report({{EventKind::repair_postponed, "", text}});
                postponed_ = text;
                return false;
            }
            for (const std::string& address : due) failed(address, text, now);
        }
        return true;
    }

    void repair_now(const std::vector<std::string>& due, Store& store, Clock::time_point now) {
        Events quiet;
        PlanOptions options;
        options.targets = due;
        PlannedRun run = read_and_plan(view_->project.plan_source(), store, options, quiet,
                                       stop_.token()); // under the lock
        if (run.plan.steps.empty()) return;
        check_only_repairs(run, due);
        const auto progress = view_->context.quiet_progress(run.plan.size());
        const Executed done = carry_out(view_->context, run, store, "watch --repair", *progress);
        for (std::size_t i = 0; i < run.plan.steps.size(); ++i) {
            const std::string& address = run.plan.steps[i].address;
            const StepResult result = done.result.steps[i].result;
            if (result == StepResult::failed)
                failed(address, cause(done.result, address), now);
            else if (result == StepResult::skipped)
                failed(address, "a resource that it depends on was not repaired", now);
            else if (result != StepResult::not_begun)
                repaired(address);
        }
    }

    static std::string cause(const ApplyResult& result, const std::string& address) {
        for (const Error& error : result.errors)
            if (error.address == address) return error.message;
        return result.errors.empty() ? "it failed" : result.errors.front().message;
    }

    void repaired(const std::string& address) {
        ++metrics_.repaired;
        paces_.erase(address);
        report({{EventKind::repaired, address, ""}});
    }

    void failed(const std::string& address, const std::string& text, Clock::time_point now) {
        ++metrics_.repairs_failed;
        RepairPace& pace = paces_[address];
        pace.failed(now, interval_);
        report({{EventKind::repair_failed, address,
                 fmt::format("{}; next attempt in {}", text,
                             show_elapsed(std::chrono::milliseconds(pace.pause()).count()))}});
    }

    /// Prints one line for each event, and posts those of a kind together. When a line is
    /// printed, the metrics already contain the event.
    void report(const WatchEvents& events) {
        publish();
        const std::int64_t now = now_ms();
        for (const WatchEvent& event : events) {
            const std::string text = printable(event_text(event));
            view_->context.print(
                base_.args.json
                    ? json_line(level(event.kind), fmt::format("watch_{}", event_name(event.kind)),
                                text, now, {{"address", event.address}, {"text", event.text}}) +
                          "\n"
                    : fmt::format("{} {}\n", timestamp(now), text));
        }
        if (!webhook_) return;
        std::map<EventKind, nlohmann::json> by_kind;
        for (const WatchEvent& event : events)
            by_kind[event.kind].push_back({{"address", event.address}, {"text", event.text}});
        for (const auto& [kind, resources] : by_kind) {
            const nlohmann::json message = {{"project", metrics_.project},
                                            {"time", timestamp(now)},
                                            {"event", event_name(kind)},
                                            {"resources", resources}};
            webhook_->post(view_->project.hidden(
                message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
        }
    }

    static std::string_view level(EventKind kind) {
        if (kind == EventKind::failed || kind == EventKind::repair_failed) return "error";
        const bool good = kind == EventKind::in_sync || kind == EventKind::recovered ||
                          kind == EventKind::repaired || kind == EventKind::pending;
        return good ? "info" : "warn";
    }

    void publish() {
        std::string text = prometheus_text(metrics_);
        const std::lock_guard lock(mutex_);
        published_ = std::move(text);
    }

    const Context& base_;
    const std::chrono::seconds interval_;
    const StopOnSignal stop_;
    std::unique_ptr<View> view_; ///< of this round
    Comparison last_;
    bool compared_ = false;                   ///< at least once
    std::string problem_;                     ///< of the last round, if it failed
    std::map<std::string, RepairPace> paces_; ///< by address, after failures
    std::string postponed_;                   ///< why the last repair was postponed
    int once_ = 0;                            ///< exit code of --once
    Metrics metrics_;
    std::mutex mutex_; ///< guards published_
    std::string published_;
    std::optional<Webhook> webhook_;
    std::optional<MetricsServer> server_;
};

/// The log's redactor refers to a View, which ends before the log.
struct LogOfBase {
    ~LogOfBase() { redact_log_with(base.project); }
    const Context& base;
};

} // namespace

int run_watch(Context& context) {
    if (context.args.repair) check_unreviewed(context.project, "watch --repair");
    const LogOfBase log{context};
    Watch watch(context);
    return watch.run();
}

} // namespace hadeploy::cli
