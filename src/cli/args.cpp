#include "cli/args.h"

#include "cli/arg_checks.h"
#include "cli/version.h"
#include "core/did_you_mean.h"
#include "provider_api/schema.h"

#include <CLI/CLI.hpp> // costs seconds to compile: in this file only
#include <fmt/format.h>
#include <iostream>

namespace hadeploy::cli {

namespace {

constexpr int kUsage = 64; ///< EX_USAGE of sysexits.h

/// Declares the commands; the texts here are what --help shows.
class Declaration {
  public:
    Declaration(CLI::App& app, Args& args) : app_(app), args_(args) {
        app_.require_subcommand(0, 1);
        app_.allow_extras();
        app_.set_version_flag("--version", fmt::format("hadeploy {}", kVersion));
        global();
        planning();
        looking();
        state();
        reference();
        chaos();
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
        CLI::App* sub = app_.add_subcommand(name, help);
        sub->fallthrough();
        return *sub;
    }

    void global() {
        app_.add_option("--chdir", args_.project.directory,
                        "The project's directory (has hadeploy.yaml)")
            ->type_name("DIR");
        app_.add_option("--var", args_.project.variables, "A variable's value")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
        app_.add_option("--var-file", args_.project.variable_files,
                        "A YAML file of variables' values")
            ->type_name("FILE")
            ->allow_extra_args(false);
        app_.add_option("--vault-password-file", args_.project.vault_password_file,
                        "The password of vault files; an executable one prints it")
            ->type_name("FILE");
        app_.add_flag("--json", args_.json, "One JSON object a line on standard output");
        app_.add_flag("--no-color", args_.no_color, "No colours (also NO_COLOR, TERM=dumb)");
        app_.add_flag("--statistics", args_.statistics,
                      "Say at the end how often libvirt and the hosts were asked");
        app_.add_option("--profile", args_.profile,
                        "Write where the time goes, for a browser's trace viewer")
            ->type_name("FILE");
        app_.add_option("--log-level", args_.log_level,
                        "Log diagnostics: trace, debug, info, warn or error (also HADEPLOY_LOG)")
            ->type_name("LEVEL")
            ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
        app_.add_option("--log-file", args_.log_file,
                        "Append the log to a file instead of standard error; at level debug unless "
                        "--log-level is given")
            ->type_name("FILE");
        app_.add_option("--progress", args_.progress, "auto, tty, plain, json or quiet")
            ->type_name("MODE")
            ->check(CLI::IsMember({"auto", "tty", "plain", "json", "quiet"}));
    }

    void running(CLI::App& sub) {
        sub.add_flag("--auto-approve", args_.auto_approve, "Don't ask before anything is changed");
        sub.add_flag("--allow-data-loss", args_.allow_data_loss,
                     "Let data be lost without asking: all of it, or with =ADDRESS that of this "
                     "resource or module; again for more");
        parallelism(sub, "How much is done at once (default 10)");
        locking(sub);
    }

    void showing(CLI::App& sub) {
        CLI::Option* summary = sub.add_flag("--summary", args_.summary,
                                            "Only count what is done, by resource, module or type");
        sub.add_flag("--unfold", args_.unfold,
                     "List each instance, also where the same is said of all")
            ->excludes(summary);
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
                       "Seconds to wait for another run to end (default 0)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0, 86400));
    }

    void dry_run(CLI::App& sub) {
        sub.add_flag("--dry-run", args_.dry_run, "Only say what would be done");
    }

    void refreshing(CLI::App& sub) {
        sub.add_flag("--refresh", args_.plan.refresh,
                     "Read what is really there (=false: go by the state alone)");
    }

    void targets(CLI::App& sub, const std::string& help) {
        sub.add_option("--target", args_.plan.targets, help)
            ->type_name("ADDRESS")
            ->allow_extra_args(false);
    }

    void exclusions(CLI::App& sub, const std::string& help) {
        sub.add_option("--exclude", args_.plan.exclude, help)
            ->type_name("ADDRESS")
            ->allow_extra_args(false);
    }

    /// What plan, apply and why have in common.
    void part(CLI::App& sub) {
        targets(sub, "Only this resource, instance or module and what it needs; again for more");
        exclusions(sub, "All but this resource, instance or module and what depends on it; again "
                        "for more");
    }

    /// What plan and apply have in common.
    void choosing(CLI::App& sub) {
        part(sub);
        sub.add_option("--replace", args_.plan.replace,
                       "Make this single resource anew; again for more")
            ->type_name("ADDRESS")
            ->allow_extra_args(false);
        refreshing(sub);
        sub.add_flag("--refresh-only", args_.plan.refresh_only,
                     "Only note in the state what is really there");
        sub.add_flag("--destroy", args_.plan.destroy, "The removal of everything");
    }

    void planning() {
        command("validate", "Check the spec without contacting anything")
            .add_option("PATH", args_.file,
                        "A directory with a spec or a module, or one of these files")
            ->type_name("FILE");
        CLI::App& plan = command("plan", "Show what apply would do");
        plan.add_option("--out", args_.out, "Save the plan for `hadeploy apply FILE`")
            ->type_name("FILE");
        plan.add_flag("--detailed-exitcode", args_.detailed_exitcode,
                      "Exit 2 when there is something to do");
        choosing(plan);
        showing(plan);
        parallelism(plan, "How many places are read at once (default 10)");
        CLI::App& apply = command("apply", "Make the world as the spec says");
        apply
            .add_option("PLAN", args_.plan_file,
                        "A saved plan: do exactly that, and ask only about a loss of data")
            ->type_name("FILE");
        choosing(apply);
        showing(apply);
        running(apply);
        CLI::App& destroy = command("destroy", "Remove everything that was made");
        targets(destroy,
                "Only this resource, instance or module and what depends on it; again for more");
        exclusions(destroy, "All but this resource, instance or module and what it depends on; "
                            "again for more");
        refreshing(destroy);
        showing(destroy);
        running(destroy);
        CLI::App& rollback = command("rollback", "Make the world as it was after an earlier run");
        rollback.add_option("N", args_.run, "The run's number, as `history` shows it")->required();
        showing(rollback);
        running(rollback);
        CLI::App& import = command("import", "Take an object that is there into the state");
        address(import, "Its resource in the spec");
        import.add_option("ID", args_.id, "What `docs TYPE` says: a UUID, say")->required();
        locking(import);
    }

    void looking() {
        CLI::App& show = command("show", "Show the state, or a saved plan");
        show.add_option("PLAN", args_.plan_file, "A saved plan")->type_name("FILE");
        showing(show);
        CLI::App& output = command("output", "Show the outputs of the last apply");
        output.add_option("NAME", args_.name, "Only this one");
        output.add_flag("--raw", args_.raw, "The bare text of one output, without a line end");
        output.add_flag("--show-secrets", args_.show_secrets, "Also of one that is secret");
        CLI::App& why = command("why", "Tell why a plan does to a resource what it does");
        address(why, "A resource of the spec or the state");
        part(why);
        refreshing(why);
        command("console", "Evaluate expressions with the values of the state")
            .add_option("-e,--expression", args_.expression, "Only this one")
            ->type_name("EXPRESSION");
        command("graph", "Print the graph of resources")
            .add_option("--format", args_.format, "dot, mermaid, json, svg or html")
            ->check(CLI::IsMember({"dot", "mermaid", "json", "svg", "html"}));
        command("history", "List the runs: number, time, command, result, counts");
        command("status", "Look at the machines, the cluster and the app");
    }

    void state() {
        CLI::App& state = command("state", "Look into the state, and change what it says");
        state.require_subcommand(0, 1); // parse_args() says which there are
        const auto sub = [&](const std::string& name, const std::string& help) -> CLI::App& {
            CLI::App* made = state.add_subcommand(name, help);
            made->fallthrough();
            return *made;
        };
        sub("list", "List the recorded resources")
            .add_option("ADDRESS", args_.addresses, "Only what is within these")
            ->type_name("ADDRESS");
        address(sub("show", "Show one recorded resource"), "As `state list` shows it");
        CLI::App& mv = sub("mv", "Record something under another address");
        mv.add_option("FROM", args_.name, "A resource, an instance or a module")
            ->type_name("ADDRESS")
            ->required();
        mv.add_option("TO", args_.to, "Its new address")->type_name("ADDRESS")->required();
        dry_run(mv);
        locking(mv);
        CLI::App& rm = sub("rm", "Forget what is recorded, without touching it");
        rm.add_option("ADDRESS", args_.addresses, "Resources, instances or modules")
            ->type_name("ADDRESS")
            ->required();
        dry_run(rm);
        locking(rm);
        sub("pull", "Print the whole state as JSON; what is secret in it is sealed");
        CLI::App& push = sub("push", "Put what `state pull` printed in the place of the state");
        push.add_option("FILE", args_.files, "- is standard input")->expected(1)->required();
        push.add_flag("--force", args_.force, "Even if it is older, or another project's");
        push.add_flag("--edited", args_.edited, "Take changes that were made to it by hand");
        locking(push);
        CLI::App& trust =
            sub("trust-host-key", "Take the host key that a machine shows now for the right one");
        address(trust, "Of an ssh.host that was trusted on first use");
        trust.add_flag("--auto-approve", args_.auto_approve, "Don't ask: trust what is shown");
        trust
            .add_option("--fingerprint", args_.fingerprint,
                        "Don't ask: trust the key with this fingerprint, and no other one")
            ->type_name("SHA256:...");
        dry_run(trust);
        locking(trust);
        CLI::App& rekey =
            sub("rekey", "Encrypt what is secret in the state anew, with another key");
        CLI::Option* key =
            rekey.add_option("--new-key-file", args_.new_key_file,
                             "Take the new key out of FILE, which is made if need be");
        key->type_name("FILE");
        rekey
            .add_option("--new-passphrase-file", args_.new_password_file,
                        "The new passphrase; an executable file prints it")
            ->type_name("FILE")
            ->excludes(key);
        rekey.add_flag("--unsealed", args_.project.takes_unsealed,
                       "Take a state from before states were sealed as it is");
        locking(rekey);

        CLI::App& taint = command("taint", "Mark a resource to be made anew by the next apply");
        address(taint, "As `state list` shows it");
        locking(taint);
        CLI::App& untaint = command("untaint", "Take that mark away");
        address(untaint, "As `state list` shows it");
        locking(untaint);
    }

    void reference() {
        CLI::App& layout = command("fmt", "Lay out specs and modules in the usual way");
        layout.add_option(
            "FILE", args_.files,
            "Files, or directories that hold a spec or a module; - is standard input");
        layout.add_flag("--check", args_.check,
                        "Write nothing; exit 1 when something would change");
        layout.add_flag("--diff", args_.diff, "Show what changes");
        layout.add_flag("--recursive", args_.recursive, "Also what is in directories below");
        CLI::App& docs = command("docs", "Explain a resource type, or list them");
        docs.add_option("TYPE", args_.name, "For example host.file");
        docs.add_flag("--markdown", args_.markdown, "The whole reference");
        docs.add_flag("--commands", args_.commands, "The page of all commands");
        docs.add_flag("--man", args_.man, "The manual page");
        command("schema", "Print the JSON Schema of the spec, for editors")
            .add_flag("--module", args_.module, "Of a module.yaml instead");
        command("completion", "Print what a shell needs to complete words")
            .add_option("SHELL", args_.name, "bash, zsh or fish")
            ->check(CLI::IsMember({"bash", "zsh", "fish"}))
            ->required();
    }

    void chaos() {
        CLI::App& chaos = command("chaos", "Break something on purpose and measure what users see");
        chaos.add_option("--drain", args_.drain, "Drain this node, then put it back")
            ->type_name("NODE")
            ->required();
        chaos
            .add_option("--hold", args_.hold,
                        "Seconds to keep it drained once the tasks have moved")
            ->check(CLI::Range(0, 3600));
        chaos.add_flag("--force", args_.force, "Even when the cluster is not healthy before");
        chaos.add_option("--report", args_.report, "Also write the whole report as JSON")
            ->type_name("FILE");
    }

    void vault() {
        CLI::App& vault = command("vault", "Encrypt files of secrets, as ansible-vault does");
        vault.require_subcommand(0, 1);
        const auto on_files = [&](const std::string& name, const std::string& help) {
            CLI::App* sub = vault.add_subcommand(name, help);
            sub->fallthrough();
            sub->add_option("FILE", args_.files, "The files")->required();
            return sub;
        };
        on_files("encrypt", "Encrypt files");
        on_files("decrypt", "Write encrypted files in the clear again");
        on_files("view", "Print what encrypted files hold");
        on_files("edit", "Change what encrypted files hold, with $VISUAL or $EDITOR");
        on_files("rekey", "Encrypt files with another password")
            ->add_option("--new-vault-password-file", args_.new_password_file,
                         "The new password; asked for otherwise")
            ->type_name("FILE");
    }

    CLI::App& app_;
    Args& args_;
};

std::string chosen(const CLI::App& app) {
    const auto subs = app.get_subcommands();
    if (subs.empty()) return "";
    const std::string inner = chosen(*subs.front());
    return inner.empty() ? subs.front()->get_name() : subs.front()->get_name() + " " + inner;
}

/// The last of the commands that were chosen.
const CLI::App& deepest(const CLI::App& app) {
    const auto subs = app.get_subcommands();
    return subs.empty() ? app : deepest(*subs.front());
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> out;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        out.push_back(sub->get_name());
    return out;
}

/// What the parser says, as people would.
std::string plain(std::string message, const CLI::App& command) {
    constexpr std::string_view convert = "Could not convert: ", missing = ": 1 required ";
    if (message.starts_with(convert)) {
        message.erase(0, convert.size());
        const CLI::Option* option =
            command.get_option_no_throw(message.substr(0, message.find(' ')));
        const bool flag = option != nullptr && option->get_items_expected_min() == 0;
        return message + (flag ? ": expected true or false" : ": expected a number");
    }
    if (const auto at = message.find(missing); at != message.npos && message.ends_with(" missing"))
        message.replace(at, missing.size(), " needs a value: ").erase(message.rfind(" missing"));
    return message;
}

int complain(const std::string& message, const std::string& hint) {
    std::cerr << "error: " << message << "\n";
    if (!hint.empty()) std::cerr << "  hint: " << hint << "\n";
    return kUsage;
}

std::string see_help(const CLI::App& app) {
    const std::string command = chosen(app);
    return fmt::format("see hadeploy {}{}--help", command, command.empty() ? "" : " ");
}

/// Says what is wrong with words that no command took.
int complain_of(const std::vector<std::string>& words, const CLI::App& app) {
    const std::string& word = words.front();
    const std::string command = chosen(app);
    std::vector<std::string> known;
    if (word.starts_with("-")) {
        for (const CLI::App* level = &app; level != nullptr;
             level = level->get_subcommands().empty() ? nullptr : level->get_subcommands().front())
            for (const CLI::Option* o : level->get_options())
                for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
        const auto close = did_you_mean(word.substr(0, word.find('=')), known);
        return complain(fmt::format("unknown flag {}", word),
                        close ? fmt::format("did you mean {}?", *close) : see_help(app));
    }
    known = commands_of(deepest(app));
    if (known.empty())
        return complain(fmt::format("unexpected argument \"{}\"", word), see_help(app));
    const auto close = did_you_mean(word, known);
    const std::string_view instead = command.empty() ? instead_of(word) : "";
    return complain(
        fmt::format("there is no command \"{}{}{}\"", command, command.empty() ? "" : " ", word),
        !instead.empty() ? std::string(instead)
        : close          ? fmt::format("did you mean \"{}\"?", *close)
                         : fmt::format("there are: {}", fmt::join(known, ", ")));
}

constexpr const char* kAbout =
    "One spec, one plan, one command: small high-availability clusters.\n"
    "Exit codes: 0 ok, 1 failed, 2 changes pending (--detailed-exitcode), 3 a drill's "
    "threshold missed,\n64 usage, 65 bad spec, 69 a backend does not answer, 75 locked, "
    "130 interrupted.";

/// "MODE:{auto,tty}" names what the option takes, and the only values allowed.
void read_type(const std::string& type, CommandTree::Option& out) {
    const auto open = type.find('{');
    out.value = type.substr(0, std::min(type.find(':'), open));
    if (open == type.npos) return;
    std::string choice;
    for (const char c : type.substr(open + 1)) {
        if (c != ',' && c != '}') {
            choice += c;
            continue;
        }
        out.choices.push_back(std::exchange(choice, ""));
        if (c == '}') break;
    }
}

CommandTree tree_of(const CLI::App& app) {
    CommandTree out{.name = app.get_name(),
                    .help = app.get_description(),
                    .details = app.get_footer(),
                    .options = {},
                    .commands = {}};
    for (const CLI::Option* o : app.get_options()) {
        CommandTree::Option option{.help = o->get_description()};
        option.argument = o->get_positional();
        option.required = o->get_required();
        option.repeatable = o->get_expected_max() > 1 || o->get_items_expected_max() > 1;
        const bool flag = !option.argument && o->get_items_expected_max() == 0;
        if (!flag) read_type(o->get_type_name(), option);
        option.name = option.argument           ? o->get_name(true)
                      : o->get_lnames().empty() ? "-" + o->get_snames().front()
                                                : "--" + o->get_lnames().front();
        out.options.push_back(std::move(option));
    }
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        out.commands.push_back(tree_of(*sub));
    return out;
}

} // namespace

CommandTree command_tree() {
    Args unused;
    CLI::App app{kAbout, "hadeploy"};
    const Declaration declaration(app, unused);
    return tree_of(app);
}

Args parse_args(int argc, char** argv) {
    Args args;
    CLI::App app{kAbout, "hadeploy"};
    const Declaration declaration(app, args);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& answered) { // --help, --version
        args.exit_code = app.exit(answered, std::cout, std::cerr);
        return args;
    } catch (const CLI::ParseError& error) {
        args.exit_code = complain(plain(error.what(), deepest(app)), see_help(app));
        return args;
    }
    const std::string command = chosen(app);
    if (const auto rest = app.remaining(true); !rest.empty()) {
        args.exit_code = complain_of(rest, app);
        return args;
    }
    if (const auto known = commands_of(deepest(app)); !command.empty() && !known.empty()) {
        args.exit_code = complain(fmt::format("{} needs a command after it", command),
                                  fmt::format("there are: {}", fmt::join(known, ", ")));
        return args;
    }
    if (command.empty()) {
        std::cout << app.help();
        return args;
    }
    args.command = command;
    std::string wrong = contradiction(args);
    for (int i = 1; i < argc; ++i) // what an unset variable makes of it would allow everything
        if (std::string_view(argv[i]) == "--allow-data-loss=")
            wrong = "--allow-data-loss=: an address is missing after the =";
    if (wrong.empty() && command == "validate") wrong = take_path(args);
    if (!wrong.empty()) {
        args.command.clear();
        args.exit_code = complain(wrong, see_help(app));
    }
    return args;
}

} // namespace hadeploy::cli
