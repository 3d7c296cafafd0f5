#pragma once

#include <string>
#include <vector>

namespace hadeploy::cli {

/// A command with its options and subcommands, for whoever tells people or shells about them.
struct CommandTree {
    struct Option {
        std::string name;  ///< "--json", "-e"; of an argument "ADDRESS"
        std::string value; ///< what it takes, "FILE"; "" of a flag
        std::string help;
        std::vector<std::string> choices; ///< the only values allowed; empty: any
        bool argument = false;            ///< it stands without a name
        bool required = false;
        bool repeatable = false;
    };
    std::string name; ///< "state"; of the root "hadeploy"
    std::string help;
    std::string details;         ///< paragraphs, beyond the line of help
    std::vector<Option> options; ///< arguments too, in their order
    std::vector<CommandTree> commands;
};

/// What is to be known of a command beyond its line of help: paragraphs; "" where there is no more.
/// @param path  "plan", "state push"
std::string_view command_details(std::string_view path);

/// A command by its words: "state push".
struct CommandPath {
    std::string path;
    const CommandTree* command;
};
/// Every command below the root, in the order in which they are declared; groups before theirs.
std::vector<CommandPath> all_commands(const CommandTree& tree);

/// What a shell reads to complete hadeploy's words: commands, flags, their values, files, and what
/// hadeploy itself tells then: addresses (`state list`), resource types (`docs`), outputs.
/// @param shell  "bash", "zsh" or "fish"
std::string completion_script(const CommandTree& tree, const std::string& shell);

/// The manual page, in man(7)'s markup.
std::string man_page(const CommandTree& tree);

/// The page of all commands, as Markdown.
std::string commands_markdown(const CommandTree& tree);

} // namespace hadeploy::cli
