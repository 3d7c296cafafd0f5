#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// The environment of a project without environments. Its state is in .hadeploy itself.
inline constexpr std::string_view kDefaultEnvironment = "default";
/// The directory beside the spec with a file of variables for each environment.
inline constexpr const char* kEnvironments = "environments";

/// The file with the variables of an environment. It declares the environment.
std::filesystem::path environment_file(const std::filesystem::path& project,
                                       const std::string& name);
/// What a name of an environment can be, for a hint.
std::string environment_name_rule();
/// The declared environments in the order of names; files whose name cannot be that of an
/// environment do not count.
std::vector<std::string> declared_environments(const std::filesystem::path& project);
/// Files in the directory of environments that declare none because of their names, in the order of
/// names.
std::vector<std::string> badly_named_environments(const std::filesystem::path& project);
/// The environments that are declared or have files of their own in .hadeploy, in the order of
/// names.
std::vector<std::string> known_environments(const std::filesystem::path& project);

/// The environment in which a command works.
/// @param given  from --env or HADEPLOY_ENV; "" if none
/// @throws Error(usage) if there is no such environment, or none is given and the project has
///         environments but not `default`
std::string choose_environment(const std::filesystem::path& project, const std::string& given);

/// The directory with the state and other files of an environment.
std::filesystem::path environment_data(const std::filesystem::path& data, const std::string& name);

/// The owner of objects, as states, saved plans and marks on objects name it: "shop", or
/// "shop/staging" outside the environment `default`.
std::string owner_name(const std::string& project, const std::string& environment);
std::string project_of_owner(const std::string& owner);
std::string environment_of_owner(const std::string& owner);

} // namespace hadeploy::cli
