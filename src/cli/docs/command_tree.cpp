#include "cli/docs/command_tree.h"

namespace hadeploy::cli {

namespace {
void collect(const CommandTree& tree, const std::string& prefix, std::vector<CommandPath>& out) {
    for (const CommandTree& command : tree.commands) {
        const std::string path = prefix.empty() ? command.name : prefix + " " + command.name;
        out.push_back({path, &command});
        collect(command, path, out);
    }
}
} // namespace

std::vector<CommandPath> all_commands(const CommandTree& tree) {
    std::vector<CommandPath> out;
    collect(tree, "", out);
    return out;
}

} // namespace hadeploy::cli
