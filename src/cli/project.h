#pragma once

#include "core/secrecy.h"
#include "engine/apply.h"
#include "engine/planning.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "provider_api/normalize.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// Prefix of environment variables that set variables of the spec.
inline constexpr std::string_view kVariablePrefix = "HADEPLOY_VAR_";
/// The directory beside the spec for hadeploy's own files.
inline constexpr const char* kOwnDirectory = ".hadeploy";
inline constexpr const char* kStateFile = "state.db";

/// Location and variables of a project as given on the command line.
struct ProjectOptions {
    std::filesystem::path directory = ".";
    std::vector<std::string> variables;                ///< NAME=TEXT, later ones win
    std::vector<std::filesystem::path> variable_files; ///< later ones win; `variables` win over all
    std::filesystem::path vault_password_file;         ///< "": see vault_password()
    std::size_t parallelism = 10;                      ///< concurrent reads and jobs
    bool takes_unsealed = false;                       ///< see KeySource
    std::string state;       ///< URL of a database; "": see state_location()
    std::string environment; ///< "": the one in HADEPLOY_ENV
};

/// A project: its spec, its graph, and the locations of its state and data.
class Project {
  public:
    Project(const Registry& registry, ProjectOptions options);

    /// Whether to open the files under `secrets:`. Opening them can require a prompt for the
    /// password.
    enum class Secrets { read, unread };
    /// Loads the spec and expands it. `sources()` is filled in even when this throws.
    /// @throws Error
    void load(Secrets secrets = Secrets::read);
    /// Loads the spec or a single module for validation. Required variables without a value are
    /// unknown.
    /// @returns their names
    /// @throws Error
    std::vector<std::string> load_to_check(const std::filesystem::path& file);
    /// For a destroy that has only the state, because the spec cannot be used: the spec is empty
    /// except for its name.
    /// @param last_run  the record of the last run (see spec_record()), with "settings"
    void load_without_spec(const std::string& name, const Value& last_run);
    /// Loads the project from a saved plan or the history instead of the disk.
    void load_from(const FileReader& read, const VariableValues& variables, const Value& secrets);
    /// Sets the time of a saved plan, so that making the plan again gives the same result. Call it
    /// before loading.
    void set_plan_time(std::int64_t seconds) { spec_.plan_time = seconds; }
    /// The origin of the saved plan that is applied, for the history; null without a saved plan.
    void set_plan_origin(Value origin) { plan_origin_ = std::move(origin); }
    [[nodiscard]] const Value& plan_origin() const { return plan_origin_; }
    /// Adds an entry to `import:`, for the import command.
    void add_import(const std::string& address, const std::string& id) {
        spec_.imports[address] = {id, {}};
    }

    /// For a rollback: the moves to undo, from current to earlier addresses, the latest moves
    /// first. A plan begins with them.
    void move_back(std::vector<Moves> moves) { moves_back_ = std::move(moves); }
    [[nodiscard]] const std::vector<Moves>& moves_back() const { return moves_back_; }

    [[nodiscard]] const ProjectOptions& options() const { return options_; }
    [[nodiscard]] const Sources& sources() const { return spec_.sources; }
    /// Adds a file beside the spec, so that errors show its lines. Returns its index.
    std::uint16_t add_source(const std::filesystem::path& file, std::string text) {
        return spec_.sources.add(file, std::move(text));
    }
    [[nodiscard]] const Spec& spec() const { return spec_; }
    [[nodiscard]] const Graph& graph() const { return *graph_; }
    [[nodiscard]] const Value& variables() const { return variables_; }
    /// The argument of load_without_spec(); null if there is a spec.
    [[nodiscard]] const Value& last_run() const { return last_run_; }
    /// The settings of all providers, from the spec or from the last run.
    /// @throws Error
    [[nodiscard]] ProviderSettings settings() const;
    /// The spec's `chaos` section in canonical form; null if there is none.
    /// @param values  attributes of resources that it refers to, as far as known
    /// @throws Error: every invalid setting
    [[nodiscard]] Value chaos_section(const Graph::Values& values) const;
    /// The text with the secrets of variables and files removed. All output passes through here.
    [[nodiscard]] std::string hidden(std::string_view text) const { return redact_(text); }
    [[nodiscard]] const Registry& registry() const { return registry_; }
    /// The path relative to the project directory.
    [[nodiscard]] std::filesystem::path from_directory(const std::filesystem::path& path) const {
        return path.lexically_relative(options_.directory.lexically_normal());
    }
    /// The name of the environment that is used.
    /// @throws Error(usage): see choose_environment()
    [[nodiscard]] const std::string& environment() const;
    /// Whether the output names the environment: only if the project has several.
    [[nodiscard]] bool has_environments() const;
    /// The name of the project, and the environment if it is not `default`: see owner_name().
    [[nodiscard]] std::string owner() const;
    /// The variable files in the order in which they are read, with that of the environment.
    [[nodiscard]] std::vector<std::filesystem::path> variable_files() const;
    /// The objects of the other environments.
    [[nodiscard]] const Elsewhere& elsewhere() const;
    /// The environments whose states elsewhere() could not read, each with the reason.
    [[nodiscard]] const std::map<std::string, std::string>& unread_environments() const {
        return unread_environments_;
    }
    /// The location of another environment's state.
    [[nodiscard]] StateLocation state_location_of(const std::string& environment) const;
    /// Opens the state of any environment for reading.
    [[nodiscard]] std::unique_ptr<Store> open_state_of(const std::string& environment) const;
    /// The directory of the environment's state and other files.
    [[nodiscard]] std::filesystem::path data_dir() const;
    [[nodiscard]] std::filesystem::path state_file() const { return data_dir() / kStateFile; }
    /// Where the state is. The first of these that is set counts: --state, HADEPLOY_STATE, the
    /// section `state` of the spec. If none is set, the state is in state_file(). In a database,
    /// the name of the schema ends in that of the environment. Uses the current spec, even for a
    /// saved plan or a rollback.
    /// @throws Error: an invalid URL, or a password that cannot be read
    [[nodiscard]] StateLocation state_location() const;
    /// Parses a location in the form of StateLocation::text(); "" stands for state_file(). If the
    /// spec has the same URL with a password, the result has the password too.
    [[nodiscard]] StateLocation location_of(const std::string& url) const;
    /// The location of an environment's state, if this is that of `default`.
    [[nodiscard]] static StateLocation in_environment(StateLocation location,
                                                      const std::string& environment);
    /// The URL given on the command line or in the environment; "" if none is.
    [[nodiscard]] std::string given_state() const;
    /// Whether only saved plans may be applied. The spec in the directory decides, even if a
    /// different one is loaded; without a spec, the last run decides.
    [[nodiscard]] bool saved_plans_only() const;
    /// Whether there is a state yet.
    [[nodiscard]] bool has_state() const { return Store::exists(state_location()); }

    /// The key of the state and of saved plans, from the environment.
    [[nodiscard]] KeySource key_source() const;
    /// The key of the state at another location.
    [[nodiscard]] KeySource key_of(const StateLocation& place) const;
    /// Opens the state, which stores paths inside the project relative to the project directory.
    std::unique_ptr<Store> open_store(Store::Mode mode) const;
    /// Opens the state and checks that it belongs to this project; "" accepts any project.
    std::unique_ptr<Store> open_store_of(const std::string& project, Store::Mode mode) const;
    [[nodiscard]] Form form() const;
    /// Checks that a state in a database has not lost writes that this machine has seen.
    /// @throws Error(state)
    void check_serial(const Store& store, const StateLocation& location) const;
    /// Records the serial of a state in a database beside the spec. If a fail-over or a restored
    /// backup loses writes, this machine can then detect it, and open_store() refuses to open the
    /// state for writing.
    void remember(const Store& store) const;
    /// The project directory without a trailing slash.
    [[nodiscard]] std::string root() const { return without_last_slash(directory_); }
    [[nodiscard]] ProviderContext provider_context(const std::string& lineage) const;
    /// The inputs of a plan for the engine.
    /// @throws Error: invalid provider settings
    [[nodiscard]] PlanSource plan_source() const;

  private:
    [[nodiscard]] std::string given_environment() const;
    void keep_present(const Spec& spec) const;
    void read_present() const;
    [[nodiscard]] std::filesystem::path memory_file() const { return data_dir() / "seen.json"; }
    [[nodiscard]] std::int64_t remembered_serial(const std::string& lineage) const;
    void remember(const std::string& lineage, std::int64_t serial) const;
    [[nodiscard]] std::string state_password() const;
    /// @param otherwise  the key file if none is given
    [[nodiscard]] KeySource given_key(const std::filesystem::path& otherwise) const;
    void read_spec(const FileReader& read, const std::filesystem::path& file = kSpecFile);
    VariableValues given_variables();
    void expand(const VariableValues& given, std::vector<std::string>* missing = nullptr);
    void check_chaos_section() const;

    const Registry& registry_;
    ProjectOptions options_;
    std::filesystem::path directory_;
    Spec spec_;
    mutable std::string environment_; ///< "": not chosen yet
    mutable std::optional<Elsewhere> elsewhere_;
    mutable std::map<std::string, std::string> unread_environments_;
    Value variables_;
    Value last_run_;
    Value plan_origin_;
    std::unique_ptr<Graph> graph_;
    /// From the spec in the directory, not the one of a saved plan or the history: its section
    /// `state`, whose parts are read when needed.
    mutable std::optional<StateSection> state_section_;
    mutable std::map<std::string, SecretFile> state_secrets_; ///< files of the password
    mutable std::optional<std::string> state_password_;
    /// The key printed by the program that is the key file.
    mutable std::optional<std::string> printed_key_;
    mutable bool saved_plans_only_ = false;
    mutable bool present_known_ = false;
    mutable Redactor redact_;
    std::vector<Moves> moves_back_;
};

} // namespace hadeploy::cli
