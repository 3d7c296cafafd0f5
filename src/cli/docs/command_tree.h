#pragma once

#include <string>
#include <vector>

namespace hadeploy::cli {

/// A command with its options and subcommands, as input for documentation and shell completion.
struct CommandTree {
    struct Option {
        std::string name;  ///< "--json", "-e"; for an argument "ADDRESS"
        std::string value; ///< name of the value, "FILE"; "" for a flag
        std::string help;
        std::vector<std::string> choices; ///< the only values allowed; empty: any
        bool argument = false;            ///< positional
        bool required = false;
        bool repeatable = false;
    };
    std::string name; ///< "state"; "hadeploy" for the root
    std::string help;
    std::string details;         ///< paragraphs that follow the line of help
    std::vector<Option> options; ///< including arguments, in order
    std::vector<CommandTree> commands;
};

/// The paragraphs that follow a command's line of help; "" if there are none.
/// @param path  "plan", "state push"
std::string_view command_details(std::string_view path);

/// A command with its full path, such as "state push".
struct CommandPath {
    std::string path;
    const CommandTree* command;
};
/// All commands below the root in order of declaration; a group comes before its subcommands.
std::vector<CommandPath> all_commands(const CommandTree& tree);

/// A completion script for commands, flags, values and files. The script calls hadeploy to list
/// addresses (`state list`), resource types (`docs`) and outputs.
/// @param shell  "bash", "zsh" or "fish"
std::string completion_script(const CommandTree& tree, const std::string& shell);

/// The manual page in man(7) markup.
std::string man_page(const CommandTree& tree);

/// The reference page of all commands in Markdown.
std::string commands_markdown(const CommandTree& tree);

} // namespace hadeploy::cli
