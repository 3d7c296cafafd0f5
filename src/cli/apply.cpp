#include "cli/commands.h"
#include "cli/plan_file.h"
#include "cli/record.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "cli/render/report.h"
#include "cli/shortcut.h"
#include "core/clock.h"

#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

/// Looks up now and then, so that Ctrl-C leaves at once: nothing runs yet.
void wait_for_answer() {
    constexpr int look_up_ms = 100;
    pollfd answer{STDIN_FILENO, POLLIN, 0};
    while (::poll(&answer, 1, look_up_ms) <= 0)
        if (stop_requested()) throw Interrupted();
}

/// Asks on the terminal; without one nothing dangerous is done unasked.
void ask(const Context& context, std::string_view command, std::string_view question) {
    if (context.args.auto_approve) return;
    if (!::isatty(STDIN_FILENO))
        throw Error(
            ErrorKind::usage,
            fmt::format("{} asks before it changes anything, and there is no terminal to ask on",
                        command))
            .with_hint("look at `hadeploy plan`, then add --auto-approve");
    context.say(fmt::format("\n{} Only \"yes\" goes on: ", question));
    wait_for_answer();
    std::string answer;
    std::getline(std::cin, answer);
    if (stop_requested() || answer != "yes") throw Interrupted();
}

int execute(Context& context, Prepared& prepared, Store& store, std::string_view command) {
    const std::int64_t started = now_ms();
    const std::int64_t run =
        store.begin_run(std::string(command), spec_record(context.project, prepared.plan));
    const auto progress = context.progress(prepared.plan.steps.size());
    const Graph* graph = prepared.plan.destroy ? nullptr : &context.project.graph();
    ApplyResult result =
        apply(prepared.plan, graph, prepared.world, store, *prepared.endpoints, prepared.settings,
              *progress, run, {context.project.options().parallelism, &stop_requested()});
    progress->finish();
    const std::int64_t took = now_ms() - started;
    const nlohmann::json summary =
        report_json(prepared.plan, result, took, context.project.sources());
    store.end_run(run,
                  result.ok()          ? "done"
                  : result.interrupted ? "interrupted"
                                       : "failed",
                  context.project.hidden(
                      summary.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    if (context.args.json) {
        context.print(
            json_line("info", "apply_complete", "apply complete", now_ms(), {{"report", summary}}) +
            "\n");
    } else {
        context.print(render_report(prepared.plan, result, took, context.out));
        if (!result.warnings.empty())
            context.print("\n" +
                          render_warnings(result.warnings, context.project.sources(), context.out));
        if (!result.errors.empty()) // last, where they are looked for
            context.say("\n" +
                        render_errors(result.errors, context.project.sources(), context.err));
    }
    if (result.interrupted) return 130;
    return result.ok() ? 0 : exit_code(result.errors);
}

/// The command as the history tells it.
std::string described(std::string command, const PlanOptions& options) {
    if (options.refresh_only) command += " --refresh-only";
    if (!options.refresh) command += " --refresh=false";
    for (const std::string& address : options.targets) command += " --target " + address;
    for (const std::string& address : options.replace) command += " --replace " + address;
    return command;
}

/// @param outputs  null after a destroy, which has none
void say_nothing_to_do(const Context& context, const Value& outputs,
                       const std::vector<Error>& warnings = {}) {
    if (context.args.json)
        context.print(json_line("info", "apply_complete", "nothing to change", now_ms(),
                                {{"warnings", errors_json(warnings, context.project.sources())}}) +
                      "\n");
    else if (!outputs.is_null())
        context.print(render_outputs(outputs, context.out));
}

/// Nothing to do: outputs may still be new.
int nothing_to_do(Context& context, const Prepared& prepared, Store& store) {
    store.put(rows_of(prepared.plan.records), prepared.plan.renamed);
    const Value outputs = outputs_after(prepared.plan, prepared.plan.outputs, store.outputs());
    if (!prepared.plan.destroy && !outputs.contains_unknown() && !(store.outputs() == outputs))
        store.set_outputs(outputs);
    say_nothing_to_do(context, prepared.plan.destroy ? Value() : outputs, prepared.plan.warnings);
    return 0;
}

} // namespace

int plan_and_execute(Context& context, const PlanOptions& options, const std::string& command) {
    tell_short_secrets(context);
    const auto store = context.project.open_store(Store::Mode::read_write);
    context.lock(*store, command);
    Prepared prepared;
    {
        const auto progress = context.progress(0);
        prepared = prepare(context.project, *store, options, *progress);
        progress->finish();
    }
    if (!context.args.json) print_plan(context, prepared.plan, store->outputs());
    if (prepared.plan.empty()) {
        const int code = nothing_to_do(context, prepared, *store);
        note_unchanged(context.project, options, *store, prepared);
        return code;
    }
    ask(context, command,
        options.destroy        ? "Remove all of this?"
        : options.refresh_only ? "Note this in the state?"
                               : "Make these changes?");
    return execute(context, prepared, *store, described(command, options));
}

int run_apply(Context& context) {
    if (context.args.plan_file.empty()) {
        if (const auto nothing = known_unchanged(context.project, context.args.plan)) {
            if (!context.args.json)
                context.print(render_plan(*nothing, nothing->outputs, context.out));
            return say_nothing_to_do(context, nothing->outputs), 0;
        }
        context.project.load();
        const PlanOptions& options = context.args.plan;
        return plan_and_execute(context, options, options.destroy ? "destroy" : "apply");
    }
    const PlanFile plan = load_plan(context.args.plan_file, context.project.key_source());
    // the store's file belongs to a project, whose name the plan tells
    Project& project = context.project;
    const auto store = Store::open(project.state_file(), Store::Mode::read_write, plan.project,
                                   project.key_source());
    context.lock(*store, "apply");
    Prepared prepared = restore_plan(plan, project, *store);
    if (prepared.plan.empty()) return nothing_to_do(context, prepared, *store);
    return execute(context, prepared, *store,
                   described(plan.options.destroy ? "destroy" : "apply", plan.options));
}

int run_destroy(Context& context) {
    context.project.load();
    PlanOptions options = context.args.plan;
    options.destroy = true;
    return plan_and_execute(context, options, "destroy");
}

} // namespace hadeploy::cli
