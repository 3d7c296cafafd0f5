#pragma once

#include "cli/context.h"

namespace hadeploy::cli {

// One function per command, each in commands/NAME.cpp. Each returns the exit code.
int run_init(Context& context);
int run_doctor(Context& context);
int run_validate(Context& context);
int run_plan(Context& context);
int run_apply(Context& context);
int run_destroy(Context& context);
int run_show(Context& context);
int run_env_list(Context& context);
int run_output(Context& context);
int run_graph(Context& context);
int run_ssh(Context& context);
int run_logs(Context& context);
[[noreturn]] int run_exec(Context& context);
int run_scale(Context& context);
int run_images(Context& context);
int run_clean(Context& context);
int run_status(Context& context);
int run_watch(Context& context);
int run_backup(Context& context);
int run_restore(Context& context);
int run_state_list(Context& context);
int run_state_show(Context& context);
int run_docs(Context& context);
int run_schema(Context& context);
int run_chaos(Context& context);
int run_chaos_run(Context& context);
int run_chaos_list(Context& context);
int run_chaos_halt(Context& context);
int run_bench(Context& context);
int run_vault(Context& context);
int run_history(Context& context);
int run_history_show(Context& context);
int run_rollback(Context& context);
int run_state_mv(Context& context);
int run_state_rm(Context& context);
int run_state_pull(Context& context);
int run_state_push(Context& context);
int run_state_migrate(Context& context);
int run_state_trust_host_key(Context& context);
int run_state_rekey(Context& context);
int run_taint(Context& context); ///< and untaint
int run_import(Context& context);
int run_console(Context& context);
int run_fmt(Context& context);
int run_why(Context& context);
int run_completion(Context& context);

} // namespace hadeploy::cli
