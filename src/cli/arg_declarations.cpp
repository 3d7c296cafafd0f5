#include "cli/arg_declarations.h"

#include "cli/arg_checks.h"
#include "cli/docs/command_details.h"
#include "cli/measurement_declarations.h"
#include "cli/version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// Declares the commands with the texts that --help shows.
class Declaration {
  public:
    Declaration(CLI::App& app, Args& args) : app_(app), args_(args) {
        app_.require_subcommand(0, 1);
        app_.allow_extras();
        app_.set_version_flag("--version", fmt::format("hadeploy {}", kVersion));
        global();
        starting();
        planning();
        looking();
        running_on();
        backups();
        state();
        marks();
        reference();
        chaos();
        bench();
        vault();
        explain(app_, "");
    }

  private:
    static void explain(CLI::App& app, const std::string& path) {
        app.footer(std::string(command_details(path)));
        for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
            explain(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name());
    }

    CLI::App& command(const std::string& name, const std::string& help) {
        return command_of(app_, name, help);
    }

    static CLI::App& command_of(CLI::App& group, const std::string& name, const std::string& help) {
        CLI::App* sub = group.add_subcommand(name, help);
        sub->fallthrough();
        return *sub;
    }

    void global() {
        app_.add_option("--chdir", args_.project.directory, "Directory of hadeploy.yaml")
            ->type_name("DIR");
        app_.add_option("--var", args_.project.variables, "Set the value of a variable")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
        app_.add_option("--var-file", args_.project.variable_files,
                        "Read variables from a YAML file")
            ->type_name("FILE")
            ->allow_extra_args(false);
        app_.add_option("--env", args_.project.environment,
                        "Work in this environment: see `docs environments` (also HADEPLOY_ENV)")
            ->type_name("NAME");
        app_.add_option("--vault-password-file", args_.project.vault_password_file,
                        "Read the vault password from this file; run it if it is executable")
            ->type_name("FILE");
        app_.add_option(
                "--state", args_.project.state,
                "Keep the state in this database: postgresql://USER@HOST/DATABASE?schema=NAME "
                "(also HADEPLOY_STATE)")
            ->type_name("URL");
        app_.add_flag("--json", args_.json, "Print JSON, one object per line");
        app_.add_flag("--no-color", args_.no_color, "Disable colours (also NO_COLOR, TERM=dumb)");
        app_.add_flag("--statistics", args_.statistics,
                      "Print counts of calls to libvirt and hosts");
        app_.add_option("--profile", args_.profile,
                        "Write a trace of where the time goes, for a browser's trace viewer")
            ->type_name("FILE");
        app_.add_option("--log-level", args_.log_level,
                        "Log diagnostics: trace, debug, info, warn or error (also HADEPLOY_LOG)")
            ->type_name("LEVEL")
            ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
        app_.add_option("--log-file", args_.log_file,
                        "Append the log to a file instead of standard error; at level debug unless "
                        "--log-level is given")
            ->type_name("FILE");
        app_.add_option("--progress", args_.progress,
                        "Progress display: auto, tty, plain, json or quiet")
            ->type_name("MODE")
            ->check(CLI::IsMember({"auto", "tty", "plain", "json", "quiet"}));
    }

    void running(CLI::App& sub) {
        sub.add_flag("--auto-approve", args_.auto_approve, "Do not ask for approval");
        sub.add_flag("--allow-data-loss", args_.allow_data_loss,
                     "Allow the loss of data without asking: all data, or with =ADDRESS the data "
                     "of one resource or module; can be repeated");
        parallelism(sub, "Maximum number of concurrent operations (default 10)");
        locking(sub);
    }

    void showing(CLI::App& sub) {
        CLI::Option* summary = sub.add_flag("--summary", args_.summary,
                                            "Show only counts, by resource, module or type");
        sub.add_flag("--unfold", args_.unfold, "List every instance separately")->excludes(summary);
    }

    CLI::Option* page_of_plan(CLI::App& sub) {
        return page(sub, "Also write the plan to FILE as one HTML page, with its graph");
    }

    void page_of_run(CLI::App& sub) {
        page(sub, "Also write to FILE, as one HTML page, what ran when and what it waited for");
    }

    CLI::Option* page(CLI::App& sub, const std::string& help) {
        return sub.add_option("--html", args_.html, help)->type_name("FILE");
    }

    void parallelism(CLI::App& sub, const std::string& help) {
        sub.add_option("--parallelism", args_.project.parallelism, help)
            ->type_name("N")
            ->check(CLI::Range(1, 256));
    }

    void address(CLI::App& sub, const std::string& help) {
        sub.add_option("ADDRESS", args_.name, help)->type_name("ADDRESS")->required();
    }

    void locking(CLI::App& sub) {
        sub.add_option("--lock-timeout", args_.lock_timeout,
                       "Seconds to wait for another run to finish (default 0)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0, 86400));
    }

    void dry_run(CLI::App& sub) {
        sub.add_flag("--dry-run", args_.dry_run, "Show what would be done and change nothing");
    }

    void refreshing(CLI::App& sub) {
        sub.add_flag("--refresh", args_.plan.refresh,
                     "Read the real objects (=false: use only the state)");
    }

    /// A flag that can be repeated, with an address each time.
    static void addresses(CLI::App& sub, const std::string& flag, std::vector<std::string>& into,
                          const std::string& help) {
        sub.add_option(flag, into, help)->type_name("ADDRESS")->allow_extra_args(false);
    }

    void targets(CLI::App& sub, const std::string& help) {
        addresses(sub, "--target", args_.plan.targets, help);
    }

    void exclusions(CLI::App& sub, const std::string& help) {
        addresses(sub, "--exclude", args_.plan.exclude, help);
    }

    /// Options of plan, apply and why.
    void part(CLI::App& sub) {
        targets(
            sub,
            "Include only this resource, instance or module and its dependencies; can be repeated");
        exclusions(
            sub, "Leave out this resource, instance or module and its dependents; can be repeated");
    }

    /// Options of plan and apply.
    void choosing(CLI::App& sub) {
        part(sub);
        addresses(sub, "--replace", args_.plan.replace, "Replace this resource; can be repeated");
        refreshing(sub);
        sub.add_flag("--refresh-only", args_.plan.refresh_only,
                     "Only update the state from the real objects");
        sub.add_flag("--destroy", args_.plan.destroy, "Plan the removal of everything");
    }

    void starting() {
        CLI::App& init = command("init", "Create a project from a template");
        init.add_option("DIR", args_.file, "Directory of the project; created if it does not exist")
            ->type_name("DIR");
        init.add_option("--template", args_.template_name,
                        "The template: minimal (default), single, ha3, existing or aws")
            ->type_name("NAME");
        command("doctor", "Report what this machine lacks for the spec");
    }

    void planning() {
        command("validate", "Check the spec without contacting anything")
            .add_option("PATH", args_.file,
                        "Directory with a spec or a module, or one of these files")
            ->type_name("FILE");
        CLI::App& plan = command("plan", "Show what apply would do");
        plan.add_option("--out", args_.out, "Save the plan to FILE, for `hadeploy apply FILE`")
            ->type_name("FILE");
        plan.add_flag("--detailed-exitcode", args_.detailed_exitcode,
                      "Exit with 2 if there are changes");
        page_of_plan(plan);
        choosing(plan);
        showing(plan);
        parallelism(plan, "Maximum number of concurrent reads (default 10)");
        CLI::App& apply = command("apply", "Apply the changes needed to match the spec");
        apply
            .add_option("PLAN", args_.plan_file,
                        "Saved plan: apply exactly this plan, and ask only about a loss of data")
            ->type_name("FILE");
        choosing(apply);
        showing(apply);
        page_of_run(apply);
        running(apply);
        CLI::App& destroy = command("destroy", "Remove everything that was created");
        targets(
            destroy,
            "Remove only this resource, instance or module and its dependents; can be repeated");
        exclusions(destroy,
                   "Keep this resource, instance or module and its dependencies; can be repeated");
        refreshing(destroy);
        showing(destroy);
        page_of_run(destroy);
        running(destroy);
        CLI::App& rollback = command("rollback", "Restore the version that an earlier run applied");
        rollback
            .add_option("N", args_.run,
                        "Number of the run, as shown by `history`. Default: the last successful "
                        "run whose spec "
                        "or variables differ from those of the latest run")
            ->check(not_a_run);
        showing(rollback);
        page_of_run(rollback);
        running(rollback);
        CLI::App& import = command("import", "Import an existing object into the state");
        address(import, "Address of the resource in the spec");
        import.add_option("ID", args_.id, "ID of the object: see `docs TYPE`")->required();
        locking(import);
    }

    void looking() {
        CLI::App& show = command("show", "Show the state or a saved plan");
        CLI::Option* saved =
            show.add_option("PLAN", args_.plan_file, "Saved plan")->type_name("FILE");
        CLI::Option* markdown = show.add_flag("--markdown", args_.markdown,
                                              "Print the plan as Markdown, for a pull request");
        markdown->needs(saved);
        page_of_plan(show)->needs(saved);
        show.add_option("--limit", args_.limit,
                        "Maximum size of the Markdown in bytes (default 65536, GitHub's limit)")
            ->type_name("BYTES")
            ->check(CLI::Range(4'000, 100'000'000))
            ->needs(markdown);
        showing(show);
        CLI::App& output = command("output", "Show the outputs of the last apply");
        output.add_option("NAME", args_.name, "Print only this output");
        output.add_flag("--raw", args_.raw, "Print the bare text of one output, without a newline");
        output.add_flag("--show-secrets", args_.show_secrets,
                        "With --raw, print the output even if it is secret");
        CLI::App& why = command("why", "Explain why a plan changes a resource");
        address(why, "Address of a resource in the spec or the state");
        part(why);
        refreshing(why);
        command("console", "Evaluate expressions with the values of the state")
            .add_option("-e,--expression", args_.expression, "Evaluate only this expression")
            ->type_name("EXPRESSION");
        CLI::App& env = command("env", "List the environments of the project");
        env.require_subcommand(0, 1);
        command_of(env, "list", "List the environments, with what their states contain");
        command("graph", "Print the resource graph")
            .add_option("--format", args_.format, "Output format: dot, mermaid, json, svg or html")
            ->check(CLI::IsMember({"dot", "mermaid", "json", "svg", "html"}));
        CLI::App& history =
            command("history", "List the runs: number, time, command, origin, result and counts");
        history.require_subcommand(0, 1);
        command_of(history, "show", "Show one run: who started it, its plan and its steps")
            .add_option("N", args_.run, "Number of the run, as shown by `history`")
            ->check(not_a_run)
            ->required();
        command("ssh", "Log in to a machine, or run a command on it")
            .add_option("NODE", args_.name, "Name or address of a machine. Default: list them");
        services();
        CLI::App& status =
            command("status", "Show the status of the machines, the cluster and the app");
        CLI::Option* repeated = status.add_flag("--watch", args_.watch, "Repeat until Ctrl-C");
        interval(status, "Seconds between two refreshes (default 5)", 1)->needs(repeated);
    }

    void services() {
        CLI::App& logs = command("logs", "Show the logs of the services");
        logs.add_option("SERVICE", args_.name, "A service, or a task of it. Default: all services");
        logs.add_flag("-f,--follow", args_.follow, "Print new lines until Ctrl-C");
        logs.add_option("--tail", args_.tail, "Begin with the last N lines of each service")
            ->type_name("N")
            ->check(CLI::NonNegativeNumber);
        logs.add_option("--since", args_.since,
                        "Begin at this time, or so long ago: 2024-11-21T12:30:00, 10m")
            ->type_name("TIME");
        logs.add_flag("--timestamps", args_.timestamps, "Print the time of each line");
        command("exec", "Run a command in a container of a service")
            .add_option("SERVICE", args_.name, "A service, or a task of it")
            ->required();
        CLI::App& scale =
            command("scale", "Change the number of tasks of a service in the spec, and apply it");
        scale
            .add_option("SERVICE", args_.name, "SERVICE=N: a service, and its new number of tasks")
            ->required();
        running(scale);
        command("images", "List the images on the machines, and what uses them");
        CLI::App& clean =
            command("clean", "Remove stopped containers and unused images that hadeploy made");
        clean.add_flag("--auto-approve", args_.auto_approve, "Do not ask for approval");
        locking(clean);
    }

    CLI::Option* interval(CLI::App& sub, const std::string& help, int least) {
        return sub.add_option("--interval", args_.interval, help)
            ->type_name("SECONDS")
            ->check(CLI::Range(least, 86400));
    }

    void running_on() {
        CLI::App& watch =
            command("watch", "Report drift as it appears; with --repair, repair it too");
        interval(watch, "Seconds between two rounds (default 60, at least 5)", 5);
        watch.add_flag("--once", args_.once, "Do one round; exit with 2 if there is drift");
        watch.add_flag("--repair", args_.repair,
                       "Repair drift that can be repaired without removing or replacing anything");
        watch
            .add_option("--listen", args_.listen,
                        "Serve metrics for Prometheus at http://ADDRESS:PORT/metrics")
            ->type_name("ADDRESS:PORT");
        watch.add_flag("--allow-remote", args_.allow_remote,
                       "Allow --listen on an address that other machines can reach");
        watch
            .add_option("--webhook", args_.webhook,
                        "POST each change as JSON to this URL (also HADEPLOY_WEBHOOK, which other "
                        "users cannot see)")
            ->type_name("URL");
        parallelism(watch, "Maximum number of concurrent operations (default 10)");
    }

    void backups() {
        const auto file = [&](CLI::App& sub, const std::string& help) {
            sub.add_option("FILE", args_.files, help)->expected(1)->required();
        };
        CLI::App& backup = command("backup", "Save the files of a directory or volume to a file");
        address(backup, "Address of a gluster.mount or host.directory");
        file(backup, "File to create on this machine");
        CLI::App& restore = command("restore", "Restore the files of a directory or volume");
        address(restore, "Address of a gluster.mount or host.directory");
        file(restore, "File that `backup` wrote");
        restore.add_flag("--overwrite", args_.overwrite,
                         "Replace the contents of a directory that is not empty");
        restore.add_flag("--auto-approve", args_.auto_approve, "Do not ask for approval");
        locking(restore);
    }

    void state() {
        CLI::App& state = command("state", "Inspect and edit the state");
        state.require_subcommand(0, 1); // parse_args() lists the subcommands
        const auto sub = [&](const std::string& name, const std::string& help) -> CLI::App& {
            return command_of(state, name, help);
        };
        sub("list", "List the recorded resources")
            .add_option("ADDRESS", args_.addresses, "List only resources within these addresses")
            ->type_name("ADDRESS");
        address(sub("show", "Show one recorded resource"), "Address as shown by `state list`");
        CLI::App& mv = sub("mv", "Move recorded resources to a different address");
        mv.add_option("FROM", args_.name, "Address of a resource, an instance or a module")
            ->type_name("ADDRESS")
            ->required();
        mv.add_option("TO", args_.to, "The new address")->type_name("ADDRESS")->required();
        dry_run(mv);
        locking(mv);
        CLI::App& rm = sub("rm", "Remove resources from the state without destroying the objects");
        rm.add_option("ADDRESS", args_.addresses, "Addresses of resources, instances or modules")
            ->type_name("ADDRESS")
            ->required();
        dry_run(rm);
        locking(rm);
        sub("pull", "Print the whole state as JSON, with secrets encrypted");
        CLI::App& push = sub("push", "Replace the state with the output of `state pull`");
        push.add_option("FILE", args_.files, "File to read; - for standard input")
            ->expected(1)
            ->required();
        push.add_flag("--force", args_.force,
                      "Accept a state that is older or from a different project");
        push.add_flag("--edited", args_.edited, "Accept a state that was edited by hand");
        locking(push);
        CLI::App& migrate = sub("migrate", "Move the whole state to a database, or back to a file");
        migrate
            .add_option("FROM", args_.name,
                        "The current location: a file, or the URL of a database")
            ->type_name("LOCATION")
            ->required();
        migrate.add_option("TO", args_.to, "The new location")->type_name("LOCATION")->required();
        locking(migrate);
        CLI::App& trust = sub("trust-host-key", "Trust the host key that a machine presents now");
        address(trust, "Address of an ssh.host that was trusted on first use");
        trust.add_flag("--auto-approve", args_.auto_approve, "Do not ask: trust the presented key");
        trust
            .add_option("--fingerprint", args_.fingerprint,
                        "Do not ask: trust only the key with this fingerprint")
            ->type_name("SHA256:...");
        dry_run(trust);
        locking(trust);
        CLI::App& rekey = sub("rekey", "Encrypt the secrets in the state with a new key");
        CLI::Option* key =
            rekey.add_option("--new-key-file", args_.new_key_file,
                             "Read the new key from FILE, which is created if it does not exist");
        key->type_name("FILE");
        rekey
            .add_option("--new-passphrase-file", args_.new_password_file,
                        "Read the new passphrase from FILE; run it if it is executable")
            ->type_name("FILE")
            ->excludes(key);
        rekey.add_flag("--unsealed", args_.project.takes_unsealed,
                       "Accept an unsealed state of an old version");
        locking(rekey);
    }

    void marks() {
        CLI::App& taint = command("taint", "Mark a resource to be replaced by the next apply");
        address(taint, "Address as shown by `state list`");
        locking(taint);
        CLI::App& untaint = command("untaint", "Remove the mark set by taint");
        address(untaint, "Address as shown by `state list`");
        locking(untaint);
    }

    void reference() {
        CLI::App& layout = command("fmt", "Format specs and modules in the canonical style");
        layout.add_option("FILE", args_.files,
                          "Files, or directories with a spec or a module; - for standard input");
        layout.add_flag("--check", args_.check,
                        "Write nothing; exit with code 1 if a file would change");
        layout.add_flag("--diff", args_.diff, "Show the changes as a diff");
        layout.add_flag("--recursive", args_.recursive, "Include subdirectories");
        CLI::App& docs = command("docs", "Describe a resource type or a topic, or list them");
        docs.add_option(
            "TOPIC", args_.name,
            "Name of a type, a provider or a topic, for example host.file or variables");
        docs.add_flag("--markdown", args_.markdown, "Print the whole reference as Markdown");
        docs.add_flag("--commands", args_.commands, "Print the page of all commands as Markdown");
        docs.add_flag("--man", args_.man, "Print the manual page");
        command("schema", "Print the JSON Schema of the spec, for editors")
            .add_flag("--module", args_.module, "Print the schema of a module.yaml instead");
        command("completion", "Print a shell completion script")
            .add_option("SHELL", args_.name, "Shell: bash, zsh or fish")
            ->check(CLI::IsMember({"bash", "zsh", "fish"}))
            ->required();
    }

    void chaos() {
        CLI::App& chaos = command("chaos", "Run a failure drill and measure its effect on users");
        chaos.require_subcommand(0, 1);
        declare_drill_options(chaos, args_);
        command_of(chaos, "run", "Run an experiment file: several faults, probes and rollbacks")
            .add_option("FILE", args_.name, "The experiment, in YAML or JSON")
            ->required();
        command_of(chaos, "list", "List the active faults with the times of their undo");
        command_of(chaos, "halt", "End all active faults");
    }

    void bench() {
        declare_bench_options(command("bench", "Measure the latency and throughput of an app"),
                              args_);
    }

    void vault() {
        CLI::App& vault =
            command("vault", "Encrypt and decrypt files in the format of ansible-vault");
        vault.require_subcommand(0, 1);
        const auto on_files = [&](const std::string& name, const std::string& help) -> CLI::App& {
            CLI::App& sub = command_of(vault, name, help);
            sub.add_option("FILE", args_.files, "Files to work on")->required();
            return sub;
        };
        on_files("encrypt", "Encrypt files");
        on_files("decrypt", "Decrypt files in place");
        on_files("view", "Print the decrypted content of files");
        on_files("edit", "Edit the content of encrypted files with $VISUAL or $EDITOR");
        on_files("rekey", "Encrypt files with a different password")
            .add_option("--new-vault-password-file", args_.new_password_file,
                        "Read the new password from this file instead of asking for it")
            ->type_name("FILE");
    }

    CLI::App& app_;
    Args& args_;
};

} // namespace

void declare_args(CLI::App& app, Args& args) {
    const Declaration declaration(app, args);
}

} // namespace hadeploy::cli
