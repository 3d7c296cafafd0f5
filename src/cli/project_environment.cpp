#include "cli/environment.h"
#include "cli/own_environment.h"
#include "cli/project.h"
#include "engine/observe.h"
#include "planner/plan/elsewhere.h"
#include "state/key_file.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace fs = std::filesystem;

std::string Project::given_environment() const {
    return options_.environment.empty() ? given_to_us("HADEPLOY_ENV") : options_.environment;
}

const std::string& Project::environment() const {
    if (environment_.empty()) environment_ = choose_environment(directory_, given_environment());
    return environment_;
}

bool Project::has_environments() const {
    return !declared_environments(directory_).empty();
}

std::string Project::owner() const {
    return owner_name(spec_.name, environment());
}

fs::path Project::data_dir() const {
    return environment_data(directory_ / kOwnDirectory, environment());
}

std::vector<fs::path> Project::variable_files() const {
    std::vector<fs::path> out = options_.variable_files;
    if (spec_.environment.is_unknown()) return out; // none is chosen, to validate the spec
    // messages show the path as the user wrote it
    const fs::path own = environment_file(options_.directory, environment()).lexically_normal();
    if (fs::exists(own)) out.insert(out.begin(), own);
    return out;
}

StateLocation Project::in_environment(StateLocation location, const std::string& environment) {
    if (!location.in_file() && environment != kDefaultEnvironment)
        location.extend_schema(environment);
    return location;
}

std::unique_ptr<Store> Project::open_state_of(const std::string& environment) const {
    const StateLocation location = state_location_of(environment);
    const fs::path beside =
        state::key_file(environment_data(directory_ / kOwnDirectory, environment) / kStateFile);
    return Store::open(location, Store::Mode::read_only, owner_name(spec_.name, environment),
                       given_key(location.in_file() || fs::exists(beside) ? beside : fs::path()),
                       form());
}

const Elsewhere& Project::elsewhere() const {
    if (elsewhere_) return *elsewhere_;
    elsewhere_.emplace();
    for (const std::string& name : known_environments(directory_)) {
        if (name == environment()) continue;
        try {
            if (!Store::exists(state_location_of(name))) continue;
            add_elsewhere(*elsewhere_, name, load_prior_state(*open_state_of(name)), registry_);
        } catch (const Error& error) {
            unread_environments_[name] = error.all().front().message;
        }
    }
    return *elsewhere_;
}

} // namespace hadeploy::cli
