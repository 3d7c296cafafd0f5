#include "cli/execute.h"

#include "cli/confirm.h"
#include "cli/record.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/report.h"
#include "cli/render/run_html.h"
#include "cli/report_file.h"
#include "cli/shortcut.h"
#include "cli/show_plan.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"
#include "core/file.h"

#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace hadeploy::cli {

namespace {

std::string_view question(const Plan& plan) {
    if (plan.refresh_only || plan.steps.empty()) return "Record this in the state?";
    return plan.destroy ? "Remove all of this?" : "Make these changes?";
}

/// Writes the runs of this command so far to the file of --html.
void write_run_page(const Context& context, const Store& store) {
    if (context.args.html.empty()) return;
    write_file(context.args.html, run_page("hadeploy: " + store.project(), context.runs));
}

/// Adds a run to the page of --html. A page that cannot be written fails a run that succeeded.
void add_to_page(Context& context, const Store& store, const Plan& plan, Executed& run,
                 std::string_view command) {
    if (context.args.html.empty()) return;
    const auto hide = [&](std::string_view text) { return context.project.hidden(text); };
    context.runs.push_back(run_section(command, plan, run.result, run.began_ms, run.took_ms, hide));
    try {
        write_run_page(context, store);
    } catch (const Error& error) {
        run.result.errors.push_back(error);
    }
}

} // namespace

Executed carry_out(const Context& context, PlannedRun& prepared, Store& store,
                   std::string_view command, Progress& progress) {
    Executed out{.began_ms = now_ms()};
    const std::int64_t run =
        store.begin_run(std::string(command), spec_record(context.project, prepared));
    const Graph* graph = prepared.plan.destroy ? nullptr : &context.project.graph();
    out.result =
        apply(prepared.plan, graph, prepared.prior, store, *prepared.endpoints, prepared.settings,
              progress, run, {context.project.options().parallelism, &stop_requested()});
    progress.finish();
    out.took_ms = now_ms() - out.began_ms;
    out.summary = report_json(prepared.plan, out.result, out.took_ms, context.project.sources());
    const RunResult result = out.result.ok()          ? RunResult::done
                             : out.result.interrupted ? RunResult::interrupted
                                                      : RunResult::failed;
    try {
        store.end_run(run, result,
                      context.project.hidden(out.summary.dump(
                          -1, ' ', false, nlohmann::json::error_handler_t::replace)));
    } catch (const Error& error) {
        // What was done has to be reported all the same. The cause may have failed steps before.
        if (out.result.ok()) out.result.errors.push_back(error);
    }
    context.project.remember(store);
    return out;
}

int execute(Context& context, PlannedRun& prepared, Store& store, std::string_view command) {
    context.changed = true;
    const auto progress = context.progress(prepared.plan.size());
    Executed run = carry_out(context, prepared, store, command, *progress);
    add_to_page(context, store, prepared.plan, run, command);
    const ApplyResult& result = run.result;
    if (context.args.json) {
        context.print(json_line("info", "apply_complete", "apply complete", now_ms(),
                                {{"report", run.summary}}) +
                      "\n");
    } else {
        const ReportDetail detail{{context.args.summary, context.args.unfold},
                                  context.progress_stays()};
        context.print(render_report(prepared.plan, result, run.took_ms, context.out, detail));
        if (!result.warnings.empty())
            context.print("\n" +
                          render_warnings(result.warnings, context.project.sources(), context.out));
        if (!result.errors.empty()) // last, where users look for them
            context.say("\n" +
                        render_errors(result.errors, context.project.sources(), context.err));
    }
    if (result.interrupted) return 130;
    return result.ok() ? 0 : exit_code(result.errors);
}

std::string described(std::string command, const PlanOptions& options) {
    if (options.refresh_only) command += " --refresh-only";
    if (!options.refresh) command += " --refresh=false";
    for (const std::string& address : options.targets) command += " --target " + address;
    for (const std::string& address : options.exclude) command += " --exclude " + address;
    for (const std::string& address : options.replace) command += " --replace " + address;
    return command;
}

void say_nothing_to_do(const Context& context, const Value& outputs,
                       const std::vector<Error>& warnings) {
    if (context.args.json)
        context.print(json_line("info", "apply_complete", "nothing to change", now_ms(),
                                {{"warnings", errors_json(warnings, context.project.sources())}}) +
                      "\n");
    else if (!outputs.is_null())
        context.print(render_outputs(outputs, context.out));
}

int nothing_to_do(const Context& context, const PlannedRun& prepared, Store& store) {
    note_records(prepared.plan, store);
    write_run_page(context, store);
    say_nothing_to_do(context, prepared.plan.destroy ? Value() : store.outputs(),
                      prepared.plan.warnings);
    return 0;
}

namespace {

constexpr std::chrono::minutes kPatience{10};
constexpr std::chrono::seconds kBetweenLooks{5};

/// Why the clusters are not healthy; "" if they are.
std::string unwell(Context& context, const Store& store, PlanOptions options) {
    options.hold = true;
    try {
        const auto progress = context.progress(0);
        const PlannedRun now = read_and_plan_or_stop(context.project, store, options, *progress);
        progress->finish();
        for (const auto& [address, seen] : now.prior.observed)
            if (seen.attributes.is_map() && !seen.attributes.flag("well", true))
                return fmt::format("{} is not healthy", address);
        if (now.plan.steps.empty()) return {};
        const Step& step = now.plan.steps.front();
        return fmt::format("{} needs: {}", step.address,
                           step.verb.empty() ? action_name(step.action)
                                             : std::string_view(step.verb));
    } catch (const Error& error) {
        return error.all().front().message;
    }
}

/// Waits until nothing but the changes whose turn is still to come differs from the spec.
/// @throws Error if that takes too long
void wait_until_well(Context& context, const Store& store, const PlanOptions& options,
                     const std::vector<Turn>& later) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        const std::string why = unwell(context, store, options);
        if (stop_requested()) throw Interrupted();
        if (why.empty()) return;
        if (std::chrono::steady_clock::now() >= until) {
            std::vector<std::string> names;
            for (const Turn& turn : later) names.push_back(turn.addresses.front());
            throw Error(ErrorKind::failed,
                        fmt::format("stopped before {}: {}", fmt::join(names, ", "), why))
                .with_hint("repair it, then apply again for the remaining machines");
        }
        context.say(fmt::format("waiting before {}: {}\n", later.front().addresses.front(), why));
        std::this_thread::sleep_for(kBetweenLooks);
    }
}

/// Plans and applies the turns of the machines that a plan left for later.
int take_turns(Context& context, PlanOptions options, Store& store, const std::string& command,
               std::vector<Turn> later) {
    options.replace.clear(); // the records are tainted since the first plan
    while (!later.empty()) {
        wait_until_well(context, store, options, later);
        PlannedRun next;
        {
            const auto progress = context.progress(0);
            next = read_and_plan_or_stop(context.project, store, options, *progress);
            progress->finish();
        }
        if (next.plan.later.size() >= later.size())
            throw Error(ErrorKind::failed, fmt::format("{} still waits for other changes",
                                                       later.front().addresses.front()))
                .with_hint("run plan again");
        if (!context.args.json) print_plan(context, next.plan);
        check_allowed(context, next.plan);
        if (next.plan.steps.empty()) return 0;
        later = next.plan.later;
        if (const int code = execute(context, next, store, described(command, options)); code != 0)
            return code;
    }
    return 0;
}

} // namespace

int plan_and_execute(Context& context, const PlanOptions& options, const std::string& command) {
    check_unreviewed(context.project, command, options.destroy);
    check_report_file(context.args.html, kHtmlBegin);
    tell_short_secrets(context);
    tell_unread_environments(context);
    const auto store = context.project.open_store(Store::Mode::read_write);
    tell_new_state(context, *store, Store::Mode::read_write);
    context.lock(*store, command);
    PlannedRun prepared;
    {
        const auto progress = context.progress(0);
        prepared = read_and_plan_or_stop(context.project, *store, options, *progress);
        progress->finish();
    }
    const Plan& plan = prepared.plan;
    if (!context.args.json) print_plan(context, plan);
    check_allowed(context, plan);
    if (plan.empty()) {
        const int code = nothing_to_do(context, prepared, *store);
        note_unchanged(context.project, options, *store, prepared);
        return code;
    }
    confirm(context, plan, command, question(plan));
    const std::vector<Turn> later = prepared.plan.later;
    const int code = execute(context, prepared, *store, described(command, options));
    return code == 0 ? take_turns(context, options, *store, command, later) : code;
}

} // namespace hadeploy::cli
