#pragma once

#include "cli/openssh.h"
#include "cli/project.h"
#include "core/recorded_resource.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// A machine that can be logged in to.
struct Machine {
    std::string address; ///< of the resource
    OpenSshMachine login;
};

/// The short name of a resource: the key of an instance, such as `node1` of `node["node1"]`. An
/// index is no name.
std::string short_name(const std::string& address);

/// The recorded machines, with a unique alias for each. Of an instance and the ssh.host that
/// records its host key, the latter.
/// @param directory  of the project
/// @param others     further machines, without aliases; those at the place of a recorded machine
/// are left out
std::vector<Machine> recorded_machines(const std::vector<RecordedResource>& rows,
                                       const std::filesystem::path& directory,
                                       std::vector<Machine> others = {});

/// Whether two connections lead to the same machine.
bool same_place(const Value& a, const Value& b);

/// Writes .hadeploy/ssh/config and known_hosts for these machines.
/// @returns the path of the config
std::filesystem::path write_ssh_config(const Project& project,
                                       const std::vector<Machine>& machines);

/// Replaces this process by `ssh` to a machine, so that the terminal and signals are its own.
/// @param words  options of ssh, or the command
/// @throws Error(failed) if the host key is not known, or there is no ssh
[[noreturn]] void become_ssh(const Machine& machine, const std::filesystem::path& config,
                             const std::vector<std::string>& options,
                             const std::vector<std::string>& words);

} // namespace hadeploy::cli
