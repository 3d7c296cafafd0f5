#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/openssh.h"
#include "core/did_you_mean.h"
#include "core/file.h"
#include "core/text.h"
#include "planner/spec/address.h"
#include "state/file_check.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

struct Machine {
    std::string address; ///< of the resource
    OpenSshMachine login;
};

/// Only characters that neither ssh_config nor a shell interprets.
std::string alias_of(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (plain)
            out += c;
        else if (!out.empty() && !out.ends_with('-'))
            out += '-';
    }
    while (out.ends_with('-')) out.pop_back();
    return out.empty() ? "machine" : out;
}

/// The short name of a resource: the key of an instance, such as `node1` of `node["node1"]`. An
/// index is no name.
std::string short_name(const std::string& address) {
    const std::vector<AddressPart> parts = parts_of_address(address);
    if (parts.empty()) return address;
    const AddressPart& last = parts.back();
    if (last.indexed) return fmt::format("{}-{}", last.name, last.key);
    return last.key.empty() ? last.name : last.key;
}

/// A connection with paths that do not depend on the working directory.
Value with_absolute_paths(const Value& connection, const std::filesystem::path& directory) {
    Value out = connection;
    const auto absolute = [&](const std::string& path) {
        return path.empty() || path.starts_with("~") ? path : (directory / path).string();
    };
    if (connection["private_key_file"].is_string())
        out = out.with("private_key_file", absolute(connection.text("private_key_file")));
    if (connection["jump_host"].is_map())
        out = out.with("jump_host", with_absolute_paths(connection["jump_host"], directory));
    return out;
}

/// Gives each machine an alias: its short name, or its address if several have this name. OpenSSH
/// does not distinguish upper and lower case in known_hosts.
void name(std::vector<Machine>& machines) {
    std::map<std::string, int> count, used;
    for (const Machine& machine : machines)
        ++count[lower_case(alias_of(short_name(machine.address)))];
    for (Machine& machine : machines) {
        std::string alias = alias_of(short_name(machine.address));
        if (count[lower_case(alias)] > 1) alias = alias_of(machine.address);
        while (++used[lower_case(alias)] > 1) alias += fmt::format("-{}", used[lower_case(alias)]);
        machine.login.alias = alias;
    }
}

/// The recorded machines. Of an instance and the ssh.host that records its host key, the latter.
std::vector<Machine> machines_of(const std::vector<RecordedResource>& rows,
                                 const std::filesystem::path& directory) {
    std::vector<Machine> out;
    const auto has_host = [&](const RecordedResource& row) {
        return std::any_of(rows.begin(), rows.end(), [&](const RecordedResource& other) {
            return other.type == "ssh.host" && other.address != row.address &&
                   other.attributes["connection"].text("machine") == row.address;
        });
    };
    for (const RecordedResource& row : rows) {
        const Value& connection = row.attributes["connection"];
        if (!connection.is_map() || connection.text("address").empty() || has_host(row)) continue;
        out.push_back({row.address, {"", with_absolute_paths(connection, directory)}});
    }
    name(out);
    return out;
}

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

/// Replaces this process by `ssh`, so that the terminal and signals are its own.
[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::signal(SIGPIPE, SIG_DFL); // ignored signals stay ignored
    ::execvp(argv[0], argv.data());
    throw Error(ErrorKind::failed, "cannot run ssh, the client of OpenSSH")
        .with_hint("install it: apt-get install openssh-client");
}

} // namespace

int run_ssh(Context& context) {
    const std::filesystem::path directory = context.project.data_dir() / "ssh";
    std::vector<Machine> machines;
    {
        const auto store = recorded_state(context);
        machines = machines_of(store->rows(), context.project.data_dir().parent_path());
    }
    std::vector<OpenSshMachine> logins;
    for (const Machine& machine : machines) logins.push_back(machine.login);
    state::check_directory(context.project.state_file()); // nobody else can write to it
    if (std::filesystem::is_symlink(directory))
        throw Error(ErrorKind::failed, fmt::format("{} is a symbolic link", directory.string()))
            .with_hint("remove it: its target may hold files of another program");
    std::filesystem::create_directories(directory);
    write_file(directory / "known_hosts", openssh_known_hosts(logins));
    write_file(directory / "config", openssh_config(logins, directory / "known_hosts"));
    if (context.args.name.empty()) return list(context, machines, directory / "config"), 0;
    const Machine& machine = machine_named(context.args.name, machines);
    if (machine.login.connection.text("host_key").empty())
        throw Error(ErrorKind::failed,
                    fmt::format("the host key of {} is not known", machine.address))
            .with_hint("let an ssh.host with `trust_on_first_use` or `host_key` record it");
    std::vector<std::string> command{"ssh", "-F", (directory / "config").string(),
                                     machine.login.alias};
    command.insert(command.end(), context.args.words.begin(), context.args.words.end());
    become(command);
}

} // namespace hadeploy::cli
