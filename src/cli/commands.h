#pragma once

#include "cli/args.h"
#include "cli/interrupt.h"
#include "cli/render/progress.h"
#include "planner/plan/prior_state.h"

namespace hadeploy::cli {

/// The context passed to every command.
struct Context {
    const Args& args;
    const Registry& registry;
    Project& project;
    Style out; ///< standard output: data
    Style err; ///< standard error: messages

    [[nodiscard]] std::unique_ptr<Progress> progress(std::size_t steps) const;
    /// Whether progress messages stay visible to the reader of standard output.
    [[nodiscard]] bool progress_stays() const;
    /// Data on standard output.
    void print(std::string_view text) const;
    /// Data on standard output, including secrets that the user has asked for.
    void print_secret(std::string_view text) const;
    /// @throws Error(failed) if some of the output could not be written, except because the reader
    ///         closed its end
    void check_output() const;
    /// A message on standard error.
    void say(std::string_view text) const;
    /// Acquires the state's lock. While another run holds it, waits for at most --lock-timeout and
    /// names the holder.
    /// @throws Error(locked), Interrupted
    void lock(Store& store, const std::string& command) const;
};

// One function per command. Each returns the exit code.
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

/// Common part of apply, destroy and rollback after the project is loaded: plan, show, confirm,
/// apply.
int plan_and_execute(Context& context, const PlanOptions& options, const std::string& command);

/// The spec's `chaos` section, evaluated with the values recorded by the last apply.
/// @throws Error  if the section is missing, invalid or not known yet
Value recorded_chaos_section(const Project& project, const PriorState& world);

/// See known_unchanged(); a signal ends its reads.
std::optional<Plan> unchanged_plan(const Context& context);
/// A plan with its warnings, as text or as JSON.
void print_plan(const Context& context, const Plan& plan);

/// Warns of secrets that are too short to be redacted in the output of commands.
void tell_short_secrets(const Context& context);

/// Registers all providers and resource types.
void register_all(Registry& registry);
/// Counts of calls to libvirt and to hosts so far, one line each.
std::string provider_statistics();

} // namespace hadeploy::cli
