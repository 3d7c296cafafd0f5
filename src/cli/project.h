#pragma once

#include "core/secrecy.h"
#include "engine/apply.h"
#include "engine/planning.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "provider_api/normalize.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// What the environment's variables that set one of the spec's begin with.
inline constexpr std::string_view kVariablePrefix = "HADEPLOY_VAR_";

/// Where a project is and what its variables are, as the command line and the environment say.
struct ProjectOptions {
    std::filesystem::path directory = ".";
    std::vector<std::string> variables;                ///< NAME=TEXT, later ones win
    std::vector<std::filesystem::path> variable_files; ///< later ones win; below `variables`
    std::filesystem::path vault_password_file;         ///< "": see vault_password()
    std::size_t parallelism = 10; ///< places that are read, and jobs that run, at once
    bool takes_unsealed = false;  ///< see KeySource
};

/// A loaded project: its spec, and where its state and data are.
class Project {
  public:
    Project(const Registry& registry, ProjectOptions options);

    /// Whether the files under `secrets:` are opened, for which a password may have to be asked.
    enum class Secrets { read, unread };
    /// Loads the spec and expands it. `sources()` is filled in even when this throws.
    /// @throws Error
    void load(Secrets secrets = Secrets::read);
    /// Loads what is only to be checked: the spec, or the file of a module alone. Required
    /// variables without a value are unknown.
    /// @returns their names
    /// @throws Error
    std::vector<std::string> load_to_check(const std::filesystem::path& file);
    /// Goes by the state alone, for a removal: the spec is empty but for its name.
    /// @param last_run  the record of the last run (see spec_record()), with "settings"
    void load_without_spec(const std::string& name, const Value& last_run);
    /// The same from what a saved plan or the history carries, instead of from the disk.
    void load_from(const FileReader& read, const VariableValues& variables, const Value& secrets);
    /// The time of a plan that was saved, which is to say the same again. Before it is loaded.
    void set_plan_time(std::int64_t seconds) { spec_.plan_time = seconds; }
    /// One more entry of `import:`, as the command line has it.
    void add_import(const std::string& address, const std::string& id) {
        spec_.imports[address] = {id, {}};
    }

    /// What has moved since the version that is gone back to: addresses by those that they had
    /// then, the latest moves first. A plan begins with them.
    void move_back(std::vector<Moves> moves) { moves_back_ = std::move(moves); }
    [[nodiscard]] const std::vector<Moves>& moves_back() const { return moves_back_; }

    [[nodiscard]] const ProjectOptions& options() const { return options_; }
    [[nodiscard]] const Sources& sources() const { return spec_.sources; }
    [[nodiscard]] const Spec& spec() const { return spec_; }
    [[nodiscard]] const Graph& graph() const { return *graph_; }
    [[nodiscard]] const Value& variables() const { return variables_; }
    /// What load_without_spec() was given; null where there is a spec.
    [[nodiscard]] const Value& last_run() const { return last_run_; }
    /// The settings of every provider, by the spec or by the last run.
    /// @throws Error
    [[nodiscard]] ProviderSettings settings() const;
    /// The spec's `chaos` section, in canonical form; null when the spec has none.
    /// @param values  of the resources that it refers to, as far as they are known
    /// @throws Error: every invalid setting
    [[nodiscard]] Value chaos_section(const Graph::Values& values) const;
    /// The text without the secrets that the spec's variables and files hold: what is shown to
    /// anybody goes through here.
    [[nodiscard]] std::string hidden(std::string_view text) const { return redact_(text); }
    [[nodiscard]] const Registry& registry() const { return registry_; }
    /// A source's path, told from the project's directory.
    [[nodiscard]] std::filesystem::path from_directory(const std::filesystem::path& path) const {
        return path.lexically_relative(options_.directory.lexically_normal());
    }
    [[nodiscard]] std::filesystem::path data_dir() const { return directory_ / ".hadeploy"; }
    [[nodiscard]] std::filesystem::path state_file() const { return data_dir() / "state.db"; }

    /// What locks the state and saved plans, as the environment says.
    [[nodiscard]] KeySource key_source() const;
    /// The state. Paths in the project are relative to it in what is stored.
    std::unique_ptr<Store> open_store(Store::Mode mode) const;
    /// The same of the project of that name; "": of whatever project it may be.
    std::unique_ptr<Store> open_store_of(const std::string& project, Store::Mode mode) const;
    [[nodiscard]] Form form() const;
    /// The directory as local paths have it.
    [[nodiscard]] std::string root() const { return without_last_slash(directory_); }
    [[nodiscard]] ProviderContext setting(const std::string& lineage) const;
    /// What the engine makes plans from.
    /// @throws Error: wrong settings of providers
    [[nodiscard]] PlanSource plan_source() const;

  private:
    void read_spec(const FileReader& read, const std::filesystem::path& file = kSpecFile);
    VariableValues given_variables();
    void expand(const VariableValues& given, std::vector<std::string>* missing = nullptr);
    void check_chaos_section() const;

    const Registry& registry_;
    ProjectOptions options_;
    std::filesystem::path directory_;
    Spec spec_;
    Value variables_;
    Value last_run_;
    std::unique_ptr<Graph> graph_;
    Redactor redact_;
    std::vector<Moves> moves_back_;
};

} // namespace hadeploy::cli
