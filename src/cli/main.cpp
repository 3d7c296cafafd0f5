#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/own_environment.h"
#include "cli/registry.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/version.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "core/trace.h"
#include "core/unexpected.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HADEPLOY_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HADEPLOY_SANITIZED
#endif
#endif

namespace hadeploy::cli {

namespace {

using Command = int (*)(Context&);

const std::map<std::string, Command>& commands() {
    static const std::map<std::string, Command> all = {
        {"init", run_init},
        {"doctor", run_doctor},
        {"validate", run_validate},
        {"plan", run_plan},
        {"apply", run_apply},
        {"destroy", run_destroy},
        {"show", run_show},
        {"env", run_env_list},
        {"env list", run_env_list},
        {"output", run_output},
        {"graph", run_graph},
        {"ssh", run_ssh},
        {"logs", run_logs},
        {"exec", run_exec},
        {"scale", run_scale},
        {"images", run_images},
        {"clean", run_clean},
        {"status", run_status},
        {"watch", run_watch},
        {"backup", run_backup},
        {"restore", run_restore},
        {"state list", run_state_list},
        {"state show", run_state_show},
        {"docs", run_docs},
        {"schema", run_schema},
        {"chaos", run_chaos},
        {"chaos run", run_chaos_run},
        {"chaos list", run_chaos_list},
        {"chaos halt", run_chaos_halt},
        {"bench", run_bench},
        {"vault encrypt", run_vault},
        {"vault decrypt", run_vault},
        {"vault view", run_vault},
        {"vault edit", run_vault},
        {"vault rekey", run_vault},
        {"history", run_history},
        {"history show", run_history_show},
        {"rollback", run_rollback},
        {"state mv", run_state_mv},
        {"state rm", run_state_rm},
        {"state pull", run_state_pull},
        {"state push", run_state_push},
        {"state migrate", run_state_migrate},
        {"state trust-host-key", run_state_trust_host_key},
        {"state rekey", run_state_rekey},
        {"taint", run_taint},
        {"untaint", run_taint},
        {"import", run_import},
        {"console", run_console},
        {"fmt", run_fmt},
        {"why", run_why},
        {"completion", run_completion},
    };
    return all;
}

int report(const std::vector<Error>& errors, const Context& context) {
    if (context.args.json) {
        for (const Error* e : in_order(errors))
            context.print(json_line("error", "diagnostic", e->message, now_ms(),
                                    {{"diagnostic", error_json(*e, context.project.sources())}}) +
                          "\n");
    } else {
        context.say(render_errors(errors, context.project.sources(), context.err));
    }
    return exit_code(errors);
}

/// Refuses to overwrite anything but a profile: a mistyped name must not destroy a spec or a key.
/// @throws Error(usage)
void check_profile(const std::filesystem::path& file) {
    std::error_code ignored;
    if (file.empty() || !std::filesystem::exists(file, ignored)) return;
    if (std::filesystem::is_regular_file(file, ignored)) {
        std::ifstream in(file);
        std::string first(32, '\0');
        in.read(first.data(), static_cast<std::streamsize>(first.size()));
        if (in.gcount() == 0 || first.starts_with("{\"displayTimeUnit\"")) return;
    }
    throw Error(ErrorKind::usage,
                fmt::format("--profile {}: this file is not a profile", file.string()))
        .with_hint("choose another name, or remove the file first");
}

/// @throws Error(usage) if HADEPLOY_LOG is not a log level
void start_log(const Args& args) {
    std::string level = args.log_level;
    if (const char* given = std::getenv("HADEPLOY_LOG"); level.empty() && given != nullptr)
        level = given;
    if (level.empty() && args.log_file.empty()) return;
    const std::optional<log::Level> least = log::parse_level(level.empty() ? "debug" : level);
    if (!least)
        throw Error(ErrorKind::usage,
                    fmt::format("HADEPLOY_LOG: {} is not a log level", in_quotes(level)))
            .with_hint("the levels are trace, debug, info, warn and error");
    log::start(*least, args.log_file);
    log::write(log::Level::info, "run",
               {{"command", args.command}, {"version", std::string(kVersion)}});
}

/// The redactor refers to the project.
struct LogEnd {
    ~LogEnd() { log::set_redactor({}); }
};

int run(int argc, char** argv) {
    const Args args = parse_args(argc, argv);
    if (args.command.empty()) return args.exit_code;
    Registry registry;
    register_all(registry);
    Project project(registry, args.project);
    Context context{args, registry, project, detect_style(STDOUT_FILENO, args.no_color),
                    detect_style(STDERR_FILENO, args.no_color)};
    log::set_redactor([&project](std::string_view text) { return project.hidden(text); });
    const LogEnd log_end;
    try {
        start_log(args);
        check_profile(args.profile);
        if (!args.profile.empty()) start_trace();
        const int code = [&] {
            const Span span(args.command);
            return commands().at(args.command)(context);
        }();
        if (code == 0) context.check_output();
        if (args.statistics) context.say(provider_statistics());
        if (!args.profile.empty()) write_trace(args.profile);
        log::write(log::Level::info, "end", {{"exit", std::to_string(code)}});
        return code;
    } catch (const Error& errors) {
        for (const Error& e : errors.all())
            log::write(log::Level::error, "failed",
                       {{"address", e.address}, {"reason", e.message}});
        return report(errors.all(), context);
    } catch (const Cancelled&) {
        context.say("Cancelled: nothing was changed.\n");
        return 1;
    } catch (const Interrupted&) {
        context.say(context.changed
                        ? "Interrupted before the next turn: what was changed so far stays. "
                          "The same command continues.\n"
                        : "Interrupted: nothing was changed.\n");
        return 130;
    }
}

} // namespace

} // namespace hadeploy::cli

namespace {
/// Prevents core dumps and access by other processes of the user, because this process holds keys.
/// Children are not affected: exec resets the flag.
void keep_out_of_dumps() {
#ifndef HADEPLOY_SANITIZED // the leak sanitizer traces the process
    (void)::prctl(PR_SET_DUMPABLE, 0);
#endif
}

/// Opens /dev/null for each closed standard stream: else the next file to be opened would be one,
/// and messages would be written into it.
void open_standard_streams() {
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) ::close(fd);
}
} // namespace

int main(int argc, char** argv) {
    open_standard_streams();
    umask(077); // only the user can read state, keys and seeds
    keep_out_of_dumps();
    (void)hadeploy::cli::own_environment(); // no child inherits the keys
    std::signal(SIGPIPE, SIG_IGN);
    hadeploy::cli::install_signal_handlers();
    try {
        return hadeploy::cli::run(argc, argv);
    } catch (const std::exception& e) {
        const hadeploy::Error error = hadeploy::as_error(e);
        std::cerr << "error: " << error.message << "\n";
        if (!error.hint.empty()) std::cerr << "  hint: " << error.hint << "\n";
        return 1;
    }
}
