#include "cli/machines.h"

#include "core/file.h"
#include "core/text.h"
#include "planner/spec/address.h"
#include "providers/ssh/ssh.h"
#include "state/file_check.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace hadeploy::cli {

std::string short_name(const std::string& address) {
    const std::vector<AddressPart> parts = parts_of_address(address);
    if (parts.empty()) return address;
    const AddressPart& last = parts.back();
    if (last.indexed) return fmt::format("{}-{}", last.name, last.key);
    return last.key.empty() ? last.name : last.key;
}

bool same_place(const Value& a, const Value& b) {
    return ssh::place_of(a) == ssh::place_of(b);
}

namespace {

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
void give_aliases(std::vector<Machine>& machines) {
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

} // namespace

std::vector<Machine> recorded_machines(const std::vector<RecordedResource>& rows,
                                       const std::filesystem::path& directory,
                                       std::vector<Machine> others) {
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
    for (Machine& other : others) {
        const auto known = std::any_of(out.begin(), out.end(), [&](const Machine& machine) {
            return same_place(machine.login.connection, other.login.connection);
        });
        if (known) continue;
        other.login.connection = with_absolute_paths(other.login.connection, directory);
        out.push_back(std::move(other));
    }
    give_aliases(out);
    return out;
}

std::filesystem::path write_ssh_config(const Project& project,
                                       const std::vector<Machine>& machines) {
    const std::filesystem::path directory = project.data_dir() / "ssh";
    std::vector<OpenSshMachine> logins;
    for (const Machine& machine : machines) logins.push_back(machine.login);
    state::check_directory(project.state_file()); // nobody else can write to it
    if (std::filesystem::is_symlink(directory))
        throw Error(ErrorKind::failed, fmt::format("{} is a symbolic link", directory.string()))
            .with_hint("remove it: its target may hold files of another program");
    std::filesystem::create_directories(directory);
    write_file(directory / "known_hosts", openssh_known_hosts(logins));
    write_file(directory / "config", openssh_config(logins, directory / "known_hosts"));
    return directory / "config";
}

void become_ssh(const Machine& machine, const std::filesystem::path& config,
                const std::vector<std::string>& options, const std::vector<std::string>& words) {
    if (machine.login.connection.text("host_key").empty())
        throw Error(ErrorKind::failed,
                    fmt::format("the host key of {} is not known", machine.address))
            .with_hint("let an ssh.host with `trust_on_first_use` or `host_key` record it");
    std::vector<std::string> command{"ssh", "-F", config.string()};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(machine.login.alias);
    command.insert(command.end(), words.begin(), words.end());
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::signal(SIGPIPE, SIG_DFL); // ignored signals stay ignored
    ::execvp(argv[0], argv.data());
    throw Error(ErrorKind::failed, "cannot run ssh, the client of OpenSSH")
        .with_hint("install it: apt-get install openssh-client");
}

} // namespace hadeploy::cli
