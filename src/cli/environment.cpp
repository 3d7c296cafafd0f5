#include "cli/environment.h"

#include "core/did_you_mean.h"
#include "core/error.h"
#include "core/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestName = 30; // a part of the names of schemas and objects

bool can_name_environment(std::string_view name) {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !name.empty() && name.size() <= kLongestName && is_letter(name.front()) &&
           name.back() != '-' && std::all_of(name.begin(), name.end(), [&](char c) {
               return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
           });
}

bool declares_environment(const fs::directory_entry& entry) {
    std::error_code none;
    return entry.path().extension() == ".yaml" && !entry.is_directory(none) &&
           can_name_environment(entry.path().stem().string());
}

Error unknown_environment(const std::string& given, const std::vector<std::string>& declared) {
    const std::string file = fmt::format("{}/{}.yaml", kEnvironments, given);
    Error error(ErrorKind::usage, fmt::format("there is no environment {}", in_quotes(given)));
    if (const auto close = did_you_mean(given, declared))
        return std::move(error).with_hint(fmt::format("did you mean \"{}\"?", *close));
    const std::string create =
        fmt::format("create {} with the values of its variables, or {{}} for none", file);
    if (declared.empty()) return std::move(error).with_hint(create);
    return std::move(error).with_hint(
        fmt::format("there are: {}; for a new one, {}", fmt::join(declared, ", "), create));
}

} // namespace

fs::path environment_file(const fs::path& project, const std::string& name) {
    return project / kEnvironments / (name + ".yaml");
}

std::string environment_name_rule() {
    return fmt::format("a name begins with one of a-z, followed by these, 0-9 and -, and does not "
                       "end with -: at most {} characters",
                       kLongestName);
}

std::vector<std::string> declared_environments(const fs::path& project) {
    std::set<std::string> out;
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(project / kEnvironments, none))
        if (declares_environment(entry)) out.insert(entry.path().stem().string());
    return {out.begin(), out.end()};
}

std::vector<std::string> badly_named_environments(const fs::path& project) {
    std::set<std::string> out;
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(project / kEnvironments, none)) {
        const fs::path extension = entry.path().extension();
        if ((extension == ".yaml" || extension == ".yml") && !entry.is_directory(none) &&
            !declares_environment(entry))
            out.insert(entry.path().filename().string());
    }
    return {out.begin(), out.end()};
}

std::vector<std::string> known_environments(const fs::path& project) {
    const std::vector<std::string> declared = declared_environments(project);
    std::set<std::string> out(declared.begin(), declared.end());
    const fs::path data = project / ".hadeploy";
    std::error_code none;
    if (declared.empty() || fs::exists(data / "state.db", none)) out.emplace(kDefaultEnvironment);
    for (const fs::directory_entry& entry : fs::directory_iterator(data / "env", none))
        if (can_name_environment(entry.path().filename().string()))
            out.insert(entry.path().filename().string());
    return {out.begin(), out.end()};
}

std::string choose_environment(const fs::path& project, const std::string& given) {
    if (!given.empty() && !can_name_environment(given))
        throw Error(ErrorKind::usage,
                    fmt::format("{} can't be the name of an environment", in_quotes(given)))
            .with_hint(environment_name_rule());
    const std::vector<std::string> declared = declared_environments(project);
    const std::string name = given.empty() ? std::string(kDefaultEnvironment) : given;
    const bool there = std::find(declared.begin(), declared.end(), name) != declared.end();
    if (there || (declared.empty() && name == kDefaultEnvironment)) return name;
    if (!given.empty()) throw unknown_environment(given, declared);
    throw Error(ErrorKind::usage, "the project has several environments: which one is meant?")
        .with_hint(fmt::format("choose one with --env or HADEPLOY_ENV: {}; to use the state "
                               "without a name, create {}/{}.yaml",
                               fmt::join(declared, ", "), kEnvironments, kDefaultEnvironment));
}

fs::path environment_data(const fs::path& data, const std::string& name) {
    return name == kDefaultEnvironment ? data : data / "env" / name;
}

std::string owner_name(const std::string& project, const std::string& environment) {
    if (project.empty() || environment == kDefaultEnvironment) return project;
    return project + "/" + environment;
}

std::string project_of_owner(const std::string& owner) {
    return owner.substr(0, owner.find('/'));
}

std::string environment_of_owner(const std::string& owner) {
    const auto slash = owner.find('/');
    return slash == owner.npos ? std::string(kDefaultEnvironment) : owner.substr(slash + 1);
}

} // namespace hadeploy::cli
