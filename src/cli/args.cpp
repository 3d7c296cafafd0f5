#include "cli/args.h"

#include "planner/schema.h"

#include <CLI/CLI.hpp> // costs seconds to compile: in this file only
#include <fmt/format.h>
#include <iostream>

#ifndef HADEPLOY_VERSION
#define HADEPLOY_VERSION "unknown"
#endif

namespace hadeploy::cli {

namespace {

constexpr int kUsage = 64; ///< EX_USAGE of sysexits.h

/// Declares the commands; the texts here are what --help shows.
class Declaration {
  public:
    Declaration(CLI::App& app, Args& args) : app_(app), args_(args) {
        app_.require_subcommand(0, 1);
        app_.allow_extras();
        app_.set_version_flag("--version", "hadeploy " HADEPLOY_VERSION);
        global();
        planning();
        looking();
        state();
        reference();
        chaos();
        vault();
    }

  private:
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
        app_.add_option("--progress", args_.progress, "auto, tty, plain, json or quiet")
            ->type_name("MODE")
            ->check(CLI::IsMember({"auto", "tty", "plain", "json", "quiet"}));
    }

    void running(CLI::App& sub) {
        sub.add_flag("--auto-approve", args_.auto_approve, "Don't ask before anything is changed");
        sub.add_option("--parallelism", args_.parallelism, "How much is done at once (default 10)")
            ->type_name("N")
            ->check(CLI::Range(1, 256));
        sub.add_option("--lock-timeout", args_.lock_timeout,
                       "Seconds to wait for another run to end (default 0)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0, 86400));
    }

    void planning() {
        command("validate", "Check the spec without contacting anything");
        CLI::App& plan = command("plan", "Show what apply would do");
        plan.add_option("--out", args_.out, "Save the plan for `hadeploy apply FILE`")
            ->type_name("FILE");
        plan.add_flag("--detailed-exitcode", args_.detailed_exitcode,
                      "Exit 2 when there is something to do");
        plan.add_flag("--destroy", args_.destroy, "Plan the removal of everything");
        CLI::App& apply = command("apply", "Make the world as the spec says");
        apply.add_option("PLAN", args_.plan_file, "A saved plan: do exactly that, without asking");
        running(apply);
        running(command("destroy", "Remove everything that was made"));
        CLI::App& rollback = command("rollback", "Make the world as it was after an earlier run");
        rollback.add_option("N", args_.run, "The run's number, as `history` shows it")->required();
        running(rollback);
    }

    void looking() {
        command("show", "Show the state, or a saved plan")
            .add_option("PLAN", args_.plan_file, "A saved plan");
        CLI::App& output = command("output", "Show the outputs of the last apply");
        output.add_option("NAME", args_.name, "Only this one");
        output.add_flag("--raw", args_.raw, "The bare text of one output");
        command("graph", "Print the graph of resources")
            .add_option("--format", args_.format, "dot, mermaid or json")
            ->check(CLI::IsMember({"dot", "mermaid", "json"}));
        command("history", "List the runs: number, time, command, result, counts");
        command("status", "Look at the machines, the cluster and the app");
    }

    void state() {
        CLI::App& state = command("state", "Look into the state");
        state.require_subcommand(1);
        state.add_subcommand("list", "List the recorded resources")->fallthrough();
        CLI::App* show = state.add_subcommand("show", "Show one recorded resource");
        show->fallthrough();
        show->add_option("ADDRESS", args_.name, "As `state list` shows it")->required();
    }

    void reference() {
        CLI::App& docs = command("docs", "Explain a resource type, or list them");
        docs.add_option("TYPE", args_.name, "For example host.file");
        docs.add_flag("--markdown", args_.markdown, "The whole reference");
        command("schema", "Print the JSON Schema of the spec, for editors");
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
        vault.require_subcommand(1);
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

int complain(const std::string& message, const std::string& hint) {
    std::cerr << "error: " << message << "\n";
    if (!hint.empty()) std::cerr << "  hint: " << hint << "\n";
    return kUsage;
}

/// Says what is wrong with words that no command took.
int complain_of(const std::vector<std::string>& words, const CLI::App& app, bool has_command) {
    const std::string& word = words.front();
    std::vector<std::string> known;
    if (word.starts_with("-")) {
        for (const CLI::App* level = &app; level != nullptr;
             level = level->get_subcommands().empty() ? nullptr : level->get_subcommands().front())
            for (const CLI::Option* o : level->get_options())
                for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
        const auto close = did_you_mean(word, known);
        return complain(fmt::format("unknown flag {}", word),
                        close ? fmt::format("did you mean {}?", *close) : "see hadeploy --help");
    }
    if (has_command) return complain(fmt::format("unexpected argument \"{}\"", word), "see --help");
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        known.push_back(sub->get_name());
    const auto close = did_you_mean(word, known);
    return complain(fmt::format("there is no command \"{}\"", word),
                    close ? fmt::format("did you mean \"{}\"?", *close)
                          : fmt::format("there are: {}", fmt::join(known, ", ")));
}

} // namespace

Args parse_args(int argc, char** argv) {
    Args args;
    CLI::App app{
        "One spec, one plan, one command: small high-availability clusters.\n"
        "Exit codes: 0 ok, 1 failed, 2 changes pending (--detailed-exitcode), 3 a drill's "
        "threshold missed,\n64 usage, 65 bad spec, 69 a backend does not answer, 75 locked, "
        "130 interrupted.",
        "hadeploy"};
    const Declaration declaration(app, args);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& answered) { // --help, --version
        args.exit_code = app.exit(answered, std::cout, std::cerr);
        return args;
    } catch (const CLI::ParseError& error) {
        args.exit_code = complain(error.what(), "see hadeploy --help");
        return args;
    }
    const std::string command = chosen(app);
    if (const auto rest = app.remaining(true); !rest.empty()) {
        args.exit_code = complain_of(rest, app, !command.empty());
        return args;
    }
    if (command.empty()) {
        std::cout << app.help();
        return args;
    }
    args.command = command;
    return args;
}

} // namespace hadeploy::cli
