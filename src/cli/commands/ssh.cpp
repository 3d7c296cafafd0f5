#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/machines.h"
#include "core/did_you_mean.h"
#include "planner/spec/address.h"

#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

const Machine& machine_named(const std::string& name, const std::vector<Machine>& machines) {
    std::vector<std::string> addresses, aliases;
    for (const Machine& machine : machines) {
        addresses.push_back(machine.address);
        aliases.push_back(machine.login.alias);
    }
    const std::string address = resolve_address(name, addresses);
    for (const Machine& machine : machines)
        if (machine.login.alias == name || machine.address == address) return machine;
    Error error(ErrorKind::usage, fmt::format("there is no machine \"{}\"", name));
    if (const auto close = did_you_mean(name, aliases))
        throw error.with_hint(fmt::format("did you mean \"{}\"?", *close));
    throw error.with_hint(aliases.empty()
                              ? "the state has no machine; `hadeploy apply` creates or records them"
                              : fmt::format("there are: {}", fmt::join(aliases, ", ")));
}

void list(const Context& context, const std::vector<Machine>& machines,
          const std::filesystem::path& config) {
    if (context.args.json) {
        nlohmann::json out = {{"config", config.string()}, {"machines", nlohmann::json::array()}};
        for (const Machine& machine : machines)
            out["machines"].push_back({{"name", machine.login.alias},
                                       {"address", machine.address},
                                       {"host", machine.login.connection.text("address")},
                                       {"port", machine.login.connection.integer("port", 22)},
                                       {"user", machine.login.connection.text("user")}});
        return context.print(out.dump() + "\n");
    }
    for (const Machine& machine : machines)
        context.print(fmt::format("{}  {}@{}\n", machine.login.alias,
                                  machine.login.connection.text("user"),
                                  machine.login.connection.text("address")));
    context.say(machines.empty() ? "The state has no machine.\n"
                                 : fmt::format("For scp, sftp and rsync: ssh -F {}\n",
                                               shell_word(config.string())));
}

} // namespace

int run_ssh(Context& context) {
    std::vector<Machine> machines;
    {
        const auto store = recorded_state(context);
        machines = recorded_machines(store->rows(), context.project.root());
    }
    const std::filesystem::path config = write_ssh_config(context.project, machines);
    if (context.args.name.empty()) return list(context, machines, config), 0;
    become_ssh(machine_named(context.args.name, machines), config, {}, context.args.words);
}

} // namespace hadeploy::cli
