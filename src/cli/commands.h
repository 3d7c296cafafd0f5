#pragma once

#include "cli/args.h"
#include "cli/interrupt.h"
#include "cli/render/progress.h"
#include "planner/plan/prior_state.h"

namespace hadeploy::cli {

/// What every command gets.
struct Context {
    const Args& args;
    const Registry& registry;
    Project& project;
    Style out; ///< standard output: data
    Style err; ///< standard error: messages

    [[nodiscard]] std::unique_ptr<Progress> progress(std::size_t steps) const;
    /// Whether what progress says stays before the eyes of who reads standard output.
    [[nodiscard]] bool progress_stays() const;
    /// Data on standard output.
    void print(std::string_view text) const;
    /// Data on standard output that the user has asked for although it is secret.
    void print_secret(std::string_view text) const;
    /// A message on standard error.
    void say(std::string_view text) const;
    /// Takes the state's lock. While somebody else has it, waits as long as --lock-timeout says,
    /// and says for whom.
    /// @throws Error(locked), Interrupted
    void lock(Store& store, const std::string& command) const;
};

// One function a command, each in a file of its own. They return the exit code.
int run_validate(Context& context);
int run_plan(Context& context);
int run_apply(Context& context);
int run_destroy(Context& context);
int run_show(Context& context);
int run_output(Context& context);
int run_graph(Context& context);
int run_status(Context& context);
int run_state_list(Context& context);
int run_state_show(Context& context);
int run_docs(Context& context);
int run_schema(Context& context);
int run_chaos(Context& context);
int run_vault(Context& context);
int run_history(Context& context);
int run_rollback(Context& context);
int run_state_mv(Context& context);
int run_state_rm(Context& context);
int run_state_pull(Context& context);
int run_state_push(Context& context);
int run_state_trust_host_key(Context& context);
int run_state_rekey(Context& context);
int run_taint(Context& context); ///< and untaint
int run_import(Context& context);
int run_console(Context& context);
int run_fmt(Context& context);
int run_why(Context& context);
int run_completion(Context& context);

/// What apply, destroy and rollback have in common once the project is loaded: plan, show, ask, do.
int plan_and_execute(Context& context, const PlanOptions& options, const std::string& command);

/// The spec's `chaos` section with what the last apply made known.
/// @throws Error  there is none, it is wrong, or not known yet
Value recorded_chaos_section(const Project& project, const PriorState& world);

/// See known_unchanged(); a signal ends the looks that it takes.
std::optional<Plan> unchanged_plan(const Context& context);
/// A plan with its warnings, as text or as JSON.
void print_plan(const Context& context, const Plan& plan);

/// Says which of the spec's secrets are too short to be taken out of what commands print.
void tell_short_secrets(const Context& context);

/// Everything that hadeploy can manage, one line a group of types.
void register_all(Registry& registry);
/// What talking to the outside has cost so far, a line a figure.
std::string provider_statistics();

} // namespace hadeploy::cli
