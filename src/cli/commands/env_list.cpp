#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

int run_env_list(Context& context) {
    const Project& project = context.project;
    const std::filesystem::path root = project.root();
    const std::vector<std::string> declared = declared_environments(root);
    const std::vector<std::string> known = known_environments(root);
    std::size_t width = 0;
    for (const std::string& name : known) width = std::max(width, name.size());
    context.project.load_to_check(kSpecFile); // the spec can say where the states are
    for (const std::string& name : known) {
        nlohmann::json line{
            {"environment", name},
            {"declared", declared.empty() ||
                             std::find(declared.begin(), declared.end(), name) != declared.end()}};
        std::string text = "no state yet";
        try {
            if (Store::exists(project.state_location_of(name))) {
                const std::size_t count = project.open_state_of(name)->rows().size();
                line["resources"] = count;
                text = counted(count, "resource");
            }
        } catch (const Error& error) {
            text = error.all().front().message;
            line["error"] = text;
        }
        if (!line["declared"].get<bool>())
            text += fmt::format(" ({}/{}.yaml is missing)", kEnvironments, name);
        context.print(context.args.json ? line.dump() + "\n"
                                        : fmt::format("{:{}}  {}\n", name, width, text));
    }
    std::string ignored;
    for (const std::string& file : badly_named_environments(root))
        ignored += fmt::format("{}{}/{}", ignored.empty() ? "" : ", ", kEnvironments, file);
    if (!ignored.empty())
        context.say(fmt::format("ignored: {} (a file is NAME.yaml; {})\n", printable(ignored),
                                environment_name_rule()));
    return 0;
}

} // namespace hadeploy::cli
