#include "cli/args.h"

#include "cli/arg_checks.h"
#include "cli/arg_declarations.h"
#include "core/did_you_mean.h"

#include <CLI/CLI.hpp> // costs seconds to compile: only here and where options are declared
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>

namespace hadeploy::cli {

namespace {

constexpr int kUsage = 64; ///< EX_USAGE of sysexits.h

std::string chosen(const CLI::App& app) {
    const auto subs = app.get_subcommands();
    if (subs.empty()) return "";
    const std::string inner = chosen(*subs.front());
    return inner.empty() ? subs.front()->get_name() : subs.front()->get_name() + " " + inner;
}

/// The innermost chosen command.
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

/// Refuses a flag in place of a value: `plan --html --json` would write a file named --json.
void refuse_flags_as_values(CLI::App& app) {
    for (CLI::Option* option : app.get_options())
        if (option->nonpositional() && option->get_items_expected_min() > 0 &&
            option->get_type_name() != "TEXT") // of bench --body
            option->check([](const std::string& value) {
                return value.starts_with("--") ? fmt::format("needs a value, but {} follows", value)
                                               : std::string();
            });
    for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        refuse_flags_as_values(*sub);
}

/// Begins a word after `--` that looks like an option. The parser's own treatment of `--`
/// ends with the first value of a repeatable argument: `fmt a -- -b`.
constexpr char kMark = '\x01';

std::string without_mark(std::string word) {
    if (word.starts_with(kMark)) word.erase(0, 1);
    return word;
}

void unmark_arguments(CLI::App& app) {
    for (CLI::Option* option : app.get_options())
        if (option->get_positional()) option->transform(without_mark);
    for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        unmark_arguments(*sub);
}

/// The words in the order in which the parser takes them, without the first `--`.
std::vector<std::string> reversed_words(int count, char** argv) {
    std::vector<std::string> out(argv + 1, argv + count);
    if (auto word = std::find(out.begin(), out.end(), "--"); word != out.end())
        for (word = out.erase(word); word != out.end(); ++word)
            if (word->starts_with('-')) word->insert(0, 1, kMark);
    std::reverse(out.begin(), out.end());
    return out;
}

/// Rewords the parser's message.
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

/// Reports arguments that no command accepted. What may be part of a value is not shown, because it
/// may be a secret.
int complain_of(const std::vector<std::string>& words, const CLI::App& app, bool has_variables) {
    const std::string& word = words.front();
    const std::string command = chosen(app);
    std::vector<std::string> known;
    if (word.starts_with("-")) {
        for (const CLI::App* level = &app; level != nullptr;
             level = level->get_subcommands().empty() ? nullptr : level->get_subcommands().front())
            for (const CLI::Option* o : level->get_options())
                for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
        const std::string flag = word.substr(0, word.find('='));
        const auto close = did_you_mean(flag, known);
        return complain(fmt::format("unknown flag {}", flag),
                        close ? fmt::format("did you mean {}?", *close) : see_help(app));
    }
    known = commands_of(deepest(app));
    if (known.empty() && has_variables)
        return complain("unexpected argument, which is not shown because it may be part of a value",
                        "--var takes NAME=VALUE as one word: put a value with spaces in quotes");
    if (known.empty())
        return complain(fmt::format("unexpected argument \"{}\"", without_mark(word)),
                        see_help(app));
    const auto close = did_you_mean(word, known);
    const std::string_view instead = command.empty() ? instead_of(word) : "";
    return complain(
        fmt::format("there is no command \"{}{}{}\"", command, command.empty() ? "" : " ", word),
        !instead.empty() ? std::string(instead)
        : close          ? fmt::format("did you mean \"{}\"?", *close)
                         : fmt::format("there are: {}", fmt::join(known, ", ")));
}

/// What to do next, for `hadeploy` without a command.
std::string first_step(const Args& args) {
    std::error_code ignored;
    if (std::filesystem::exists(args.project.directory / kSpecFile, ignored))
        return "\nThis directory is a project: `hadeploy plan` shows what apply would do.\n";
    return "\nThis directory is not a project: `hadeploy init` creates one, `hadeploy doctor` "
           "reports what this\nmachine can run.\n";
}

constexpr const char* kAbout =
    "One spec, one plan, one command: small high-availability clusters.\n"
    "Exit codes: 0 success, 1 failure, 2 changes pending (--detailed-exitcode), 3 a drill or "
    "bench\n"
    "missed a threshold, 4 it is inconclusive, 64 usage error, 65 invalid spec, 69 a backend "
    "cannot "
    "be\nreached, 75 locked, 130 interrupted.";

/// Whether the words after the first argument of a command are for another program.
bool passes_words_on(std::string_view command) {
    return command == "ssh" || command == "exec";
}

/// What follows NODE in `ssh NODE WORD...` is for ssh, even if hadeploy has an option of the same
/// name; the same holds for `exec SERVICE WORD...`. Only the parser knows which word is NODE, so it
/// gets one word more each time.
/// @returns the number of leading words that are not for the other program
int end_of_own_words(int argc, char** argv) {
    if (std::none_of(argv, argv + argc, passes_words_on)) return argc;
    for (int count = 2; count < argc; ++count) {
        Args args;
        CLI::App app{kAbout, "hadeploy"};
        declare_args(app, args);
        try {
            app.parse(count, argv);
        } catch (const CLI::ParseError&) {
            continue;
        }
        if (passes_words_on(chosen(app)) && !args.name.empty()) return count;
    }
    return argc;
}

/// Parses "MODE:{auto,tty}": the name of the value, then the allowed values.
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
    declare_args(app, unused);
    return tree_of(app);
}

Args parse_args(int argc, char** argv) {
    Args args;
    CLI::App app{kAbout, "hadeploy"};
    declare_args(app, args);
    refuse_flags_as_values(app);
    unmark_arguments(app);
    const int own = end_of_own_words(argc, argv);
    args.words.assign(argv + own, argv + argc);
    try {
        app.parse(reversed_words(own, argv));
    } catch (const CLI::Success& answered) { // --help, --version
        args.exit_code = app.exit(answered, std::cout, std::cerr);
        return args;
    } catch (const CLI::ParseError& error) {
        args.exit_code = complain(plain(error.what(), deepest(app)), see_help(app));
        return args;
    }
    const std::string command = chosen(app);
    if (const auto rest = app.remaining(true); !rest.empty())
        return args.exit_code = complain_of(rest, app, !args.project.variables.empty()), args;
    if (const auto known = commands_of(deepest(app)); !command.empty() && !known.empty() &&
                                                      command != "chaos" && command != "history" &&
                                                      command != "env") {
        args.exit_code = complain(fmt::format("{} needs a command after it", command),
                                  fmt::format("there are: {}", fmt::join(known, ", ")));
        return args;
    }
    if (command.empty()) {
        std::cout << app.help() << first_step(args);
        return args;
    }
    args.command = command;
    std::string wrong = contradiction(args);
    for (int i = 1; i < argc; ++i) // an unset shell variable must not allow everything
        if (std::string_view(argv[i]) == "--allow-data-loss=")
            wrong = "--allow-data-loss=: missing address after =";
    if (wrong.empty() && command == "validate") wrong = take_path(args);
    if (!wrong.empty()) {
        args.command.clear();
        args.exit_code = complain(wrong, see_help(app));
    }
    return args;
}

} // namespace hadeploy::cli
