#include "cli/command_tree.h"
#include "cli/render/docs_spec.h"
#include "cli/render/text.h"
#include "cli/version.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// "`hadeploy apply [OPTION...] [PLAN]`"
std::string usage(const std::string& path, const CommandTree& command) {
    std::string out = "hadeploy " + path;
    bool options = false;
    for (const CommandTree::Option& o : command.options) options = options || !o.argument;
    if (options) out += " [OPTION...]";
    for (const CommandTree::Option& o : command.options) {
        if (!o.argument) continue;
        const std::string name = o.name + (o.repeatable ? "..." : "");
        out += o.required ? " " + name : fmt::format(" [{}]", name);
    }
    return out;
}

std::string option_name(const CommandTree::Option& o) {
    return o.value.empty() || o.argument ? o.name : fmt::format("{} {}", o.name, o.value);
}

std::string option_rows(const CommandTree& command) {
    std::string out;
    for (const CommandTree::Option& o : command.options)
        if (o.name != "--help")
            out += fmt::format("| `{}` | {} |\n", option_name(o), table_cell(o.help));
    return out.empty() ? out : "| | |\n|---|---|\n" + out + "\n";
}

std::string paragraphs_in_lines(std::string_view text) {
    std::string out;
    for (const std::string& line : wrap(text, 100)) out += line + "\n";
    return out;
}

// man(7)

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
            out += std::string("\\&") + c;
        else
            out += c;
    }
    return out;
}

std::string paragraphs(std::string_view text) {
    std::string out;
    bool within = false; // of a paragraph: its lines stay lines
    for (const std::string& line : split_lines(text)) {
        if (within && !line.empty()) out += ".br\n";
        out += line.empty() ? ".PP\n" : escaped(line) + "\n";
        within = !line.empty();
    }
    return out;
}

std::string man_options(const CommandTree& command) {
    std::string out;
    for (const CommandTree::Option& o : command.options)
        if (o.name != "--help")
            out += fmt::format(".TP\n.B {}\n{}\n", escaped(option_name(o)), escaped(o.help));
    return out;
}

constexpr std::string_view kEnvironment =
    ".TP\n.B HADEPLOY_VAR_NAME\nThe value of the variable NAME.\n"
    ".TP\n.B HADEPLOY_VAULT_PASSWORD\nOpens files of secrets.\n"
    ".TP\n.B HADEPLOY_STATE_PASSPHRASE, HADEPLOY_STATE_KEY, HADEPLOY_STATE_KEY_FILE\n"
    "What locks the state.\n"
    ".TP\n.B HADEPLOY_LOG\nThe log level: trace, debug, info, warn or error.\n"
    ".TP\n.B NO_COLOR\nNo colours.\n";
constexpr std::string_view kFiles =
    ".TP\n.I hadeploy.yaml\nThe spec.\n"
    ".TP\n.I .hadeploy/state.db\nThe state; what is secret in it is encrypted.\n"
    ".TP\n.I .hadeploy/state.db.key\nIts key, unless the environment names another.\n";
constexpr std::string_view kExit =
    ".TP\n.B 0\nAll is well.\n.TP\n.B 1\nIt failed.\n"
    ".TP\n.B 2\nThere is something to change (plan \\-\\-detailed\\-exitcode).\n"
    ".TP\n.B 3\nA drill missed a threshold.\n.TP\n.B 64\nThe command line is wrong.\n"
    ".TP\n.B 65\nThe spec is wrong.\n.TP\n.B 69\nA backend does not answer.\n"
    ".TP\n.B 75\nSomebody else works on the state.\n.TP\n.B 130\nInterrupted.\n";

} // namespace

std::string commands_markdown(const CommandTree& tree) {
    std::string out =
        "# Commands\n\nMade by `hadeploy docs --commands` from what parses the command "
        "line.\n\n```\nhadeploy [OPTION...] COMMAND [ARGUMENT...]\n```\n\n"
        "Data goes to standard output, messages to standard error.\n\n"
        "| Option of every command | |\n|---|---|\n";
    for (const CommandTree::Option& o : tree.options)
        out += fmt::format("| `{}` | {} |\n", option_name(o), table_cell(o.help));
    out +=
        "\n| Exit code | |\n|---|---|\n| 0 | all is well |\n| 1 | it failed, or was cancelled |\n"
        "| 2 | there is something to change (`plan --detailed-exitcode`) |\n"
        "| 3 | a drill missed a threshold |\n| 64 | the command line is wrong |\n"
        "| 65 | the spec is wrong |\n| 69 | a backend does not answer |\n"
        "| 75 | somebody else works on the state |\n| 130 | interrupted |\n\n";
    for (const auto& [path, command] : all_commands(tree)) {
        if (!command->commands.empty()) continue; // a group has nothing of its own
        out += fmt::format("## {}\n\n{}.\n\n```\n{}\n```\n\n", path, command->help,
                           usage(path, *command));
        out += option_rows(*command);
        const bool literal = command->details.find("\nzsh: ") != std::string::npos;
        if (!command->details.empty())
            out += literal ? fmt::format("```\n{}\n```\n\n", command->details)
                           : paragraphs_in_lines(command->details) + "\n";
    }
    out.pop_back(); // one line end at the end
    return out;
}

std::string man_page(const CommandTree& tree) {
    std::string out = fmt::format(".\\\" Made by hadeploy docs --man.\n.TH HADEPLOY 1 \"\" "
                                  "\"hadeploy {}\" \"User Commands\"\n",
                                  kVersion);
    out += ".SH NAME\nhadeploy \\- small high\\-availability clusters from one spec\n"
           ".SH SYNOPSIS\n.B hadeploy\n[OPTION...] COMMAND [ARGUMENT...]\n"
           ".SH DESCRIPTION\n"
           "One YAML spec, one plan, one command: from the virtual machines up to the "
           "app on top. The spec says what shall be; hadeploy compares that with what is "
           "there, shows the difference as a plan, and carries it out.\n"
           ".PP\nData goes to standard output, messages to standard error.\n"
           ".SH OPTIONS\nOf every command:\n";
    out += man_options(tree);
    out += ".SH COMMANDS\n";
    for (const auto& [path, command] : all_commands(tree)) {
        if (!command->commands.empty()) continue;
        out += fmt::format(".SS {}\n{}.\n", escaped(usage(path, *command)), escaped(command->help));
        if (!command->details.empty()) out += ".PP\n" + paragraphs(command->details);
        out += man_options(*command);
    }
    out += fmt::format(".SH ENVIRONMENT\n{}.SH FILES\n{}.SH EXIT STATUS\n{}", kEnvironment, kFiles,
                       kExit);
    return out;
}

} // namespace hadeploy::cli
