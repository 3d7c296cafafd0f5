#include "cli/openssh.h"

#include <fmt/format.h>
#include <sstream>
#include <string_view>

namespace hadeploy::cli {

namespace {

/// The jump host of a machine. No alias contains a `+`.
std::string jump_of(const std::string& alias) {
    return alias + "+jump";
}

/// The machines, each before the jump hosts on the way to it.
std::vector<OpenSshMachine> with_jump_hosts(const std::vector<OpenSshMachine>& machines) {
    std::vector<OpenSshMachine> out;
    for (const OpenSshMachine& machine : machines) {
        out.push_back(machine);
        while (out.back().connection["jump_host"].is_map()) {
            const OpenSshMachine& last = out.back();
            out.push_back({jump_of(last.alias), last.connection["jump_host"]});
        }
    }
    return out;
}

/// A word of ssh_config, in which `%` begins a token.
std::string config_word(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '%') out += '%';
        out += c;
    }
    return out + '"';
}

std::string section(const OpenSshMachine& machine, const std::string& known_hosts) {
    const Value& c = machine.connection;
    std::string out = fmt::format("Host {}\n", machine.alias);
    const auto set = [&](std::string_view name, std::string_view value) {
        out += fmt::format("    {} {}\n", name, value);
    };
    set("HostName", config_word(c.text("address")));
    set("Port", std::to_string(c.integer("port", 22)));
    set("User", c.text("user"));
    if (const std::string family = c.text("address_family"); !family.empty())
        set("AddressFamily", family);
    if (const std::string key = c.text("private_key_file"); !key.empty()) {
        set("IdentityFile", config_word(key));
        set("IdentitiesOnly", "yes");
    } else if (c["identity_files"].is_list()) {
        for (const Value& file : c["identity_files"].as_list())
            set("IdentityFile", config_word(file.as_string()));
        if (c["identities_only"].is_bool() && c["identities_only"].as_bool())
            set("IdentitiesOnly", "yes");
    }
    if (const std::string agent = c.text("agent"); !agent.empty())
        set("IdentityAgent", config_word(agent));
    if (c["jump_host"].is_map()) set("ProxyJump", jump_of(machine.alias));
    set("HostKeyAlias", machine.alias);
    set("UserKnownHostsFile", known_hosts);
    set("GlobalKnownHostsFile", "/dev/null");
    set("StrictHostKeyChecking", "yes");
    return out + "\n";
}

} // namespace

std::string openssh_config(const std::vector<OpenSshMachine>& machines,
                           const std::filesystem::path& known_hosts) {
    std::string out;
    for (const OpenSshMachine& machine : with_jump_hosts(machines))
        out += section(machine, config_word(known_hosts.string()));
    return out;
}

std::string openssh_known_hosts(const std::vector<OpenSshMachine>& machines) {
    std::string out;
    for (const OpenSshMachine& machine : with_jump_hosts(machines)) {
        std::istringstream keys(machine.connection.text("host_key"));
        for (std::string key; std::getline(keys, key);)
            if (!key.empty()) out += fmt::format("{} {}\n", machine.alias, key);
    }
    return out;
}

} // namespace hadeploy::cli
