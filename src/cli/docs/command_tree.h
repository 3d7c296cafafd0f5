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

/// A command with its full path, such as "state push".
struct CommandPath {
    std::string path;
    const CommandTree* command;
};
/// All commands below the root in order of declaration; a group comes before its subcommands.
std::vector<CommandPath> all_commands(const CommandTree& tree);

} // namespace hadeploy::cli
