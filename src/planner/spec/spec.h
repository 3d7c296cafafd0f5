#pragma once

#include "core/heap_optional.h"
#include "planner/lang/expr.h"
#include "planner/lang/external_inputs.h"
#include "provider_api/normalize.h"
#include "provider_api/schema.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

inline constexpr const char* kSpecFile = "hadeploy.yaml"; ///< in a project's directory
inline constexpr const char* kModuleFile = "module.yaml"; ///< in a module's directory

/// Words that begin an expression of their own, so no resource, variable, ... can have such a name.
inline constexpr std::array<std::string_view, 13> kReservedNames{
    "var",  "local", "each",  "count", "module", "data", "path",
    "self", "true",  "false", "null",  "secret", "env"};

/// A condition that must hold, with its error message.
struct Rule {
    ExprPtr check;
    ExprPtr message;
    Loc loc;
};

struct Variable {
    Attribute attribute; ///< name, type, default, limits, secret
    Loc loc;
    std::vector<Rule> rules = {};
};

/// A named value for the expressions of one file.
struct Local {
    std::string name;
    Loc loc;
    ExprPtr value;
};

struct Dependency {
    std::string name; ///< a resource of the same module, or "module.NAME"
    Loc loc;
};

/// An entry under `moved:`.
struct Move {
    std::string from, to; ///< addresses of resources, their instances, or modules
    Loc loc;
    Loc to_loc = {};
};

/// An existing object to manage from now on.
struct Import {
    std::string id; ///< ID of the object; "" for types that adopt an existing object
    Loc loc;
};

/// An address whose keys are expressions: `s["a"]`, `s[each.key]`, `module.m[count.index].s`.
struct AddressPattern {
    struct Part {
        std::string name; ///< name of a resource, "data.NAME" or "module.NAME"
        ExprPtr key;      ///< nullptr: none
    };
    std::string text; ///< text as in the spec
    Loc loc;
    std::vector<Part> parts;   ///< modules, followed by a resource or a data source, or by neither
    bool leads_within = false; ///< whether more steps follow, which name a part of a resource
    [[nodiscard]] bool has_keys() const;
};

/// An entry under `import:`; with for_each it represents several objects.
struct ImportBlock {
    AddressPattern to;
    ExprPtr id; ///< nullptr: the type adopts an existing object
    Loc loc;
    ExprPtr for_each; ///< nullptr: one object
};

/// Limits and triggers of a resource's changes. LifecycleValues holds their values.
struct Lifecycle {
    ExprPtr prevent_destroy; ///< nullptr for each of these members: not set
    ExprPtr keep_on_destroy;
    ExprPtr create_before_destroy;
    ExprPtr ignore_changes;
    ExprPtr silence;
    std::vector<AddressPattern> replace_triggered_by = {};
    std::vector<Rule> preconditions = {};
    std::vector<Rule> postconditions = {}; ///< use `self`, the object after the change
};

/// The expressions of a lifecycle, which are evaluated before planning; nullptr for each that is
/// not set.
inline std::array<ExprPtr, 5> values_in(const Lifecycle& l) {
    return {l.prevent_destroy, l.keep_on_destroy, l.create_before_destroy, l.ignore_changes,
            l.silence};
}

/// An attribute given in a block.
struct Argument {
    std::string name;
    Loc loc;
    ExprPtr value;
};

/// One entry under `resources:` or `data:`; with for_each it represents several resources.
struct ResourceBlock {
    std::string name; ///< a data source has the prefix "data."
    Loc loc;
    std::string type;
    Loc type_loc;
    ExprPtr for_each; ///< one instance for each key
    ExprPtr count;    ///< number of instances; without for_each and count: one resource
    std::vector<Argument> attributes = {}; ///< sorted by name
    std::vector<Dependency> depends_on = {};
    HeapOptional<Lifecycle> own_lifecycle = {}; ///< see lifecycle()
    /// Whether its instances are changed one after the other, in the order of keys.
    bool serial = false;
    bool data = false; ///< a data source: only read

    [[nodiscard]] const Argument* attribute(std::string_view called) const;
    /// The block's own lifecycle, or the default.
    [[nodiscard]] const Lifecycle& lifecycle() const;
};

struct Module;

/// One entry under `modules:`; with for_each or count it represents several instances.
struct ModuleBlock {
    std::string name;
    Loc loc;
    ExprPtr for_each; ///< as in ResourceBlock
    ExprPtr count;
    std::map<std::string, ExprPtr> inputs;
    std::map<std::string, Loc> input_locs;
    std::vector<Dependency> depends_on;
    std::shared_ptr<const Module> module; ///< shared by all calls of the same source
};

struct Output {
    std::string name;
    Loc loc;
    ExprPtr value;
    bool secret = false;
    std::vector<Rule> preconditions = {};
};

/// An entry under `checks:`. A rule that is false is reported as a warning, and stops nothing.
struct Check {
    std::string name;
    Loc loc;
    std::vector<Rule> rules;
};

/// The contents of one spec or module file. Blocks are sorted by name, so their order in the file
/// has no effect.
struct Module {
    std::filesystem::path directory;
    std::vector<Variable> variables;
    std::vector<Local> locals;
    std::vector<ResourceBlock> resources; ///< and data sources
    std::vector<ModuleBlock> modules;
    std::vector<Output> outputs;
    std::vector<Check> checks;

    [[nodiscard]] const Variable* variable(std::string_view name) const;
    [[nodiscard]] const Local* local(std::string_view name) const;
    [[nodiscard]] const ResourceBlock* resource(std::string_view name) const;
    [[nodiscard]] const ModuleBlock* module(std::string_view name) const;
    [[nodiscard]] const Output* output(std::string_view name) const;
};

/// An entry under `secrets:`, an encrypted file.
struct SecretFile {
    std::filesystem::path path;
    Loc loc;
};

/// The section `state`: a database for the state, instead of a file beside the spec.
struct StateSection {
    std::string url;
    /// {"db", "password"} for ${secret.db.password}; empty: none.
    std::vector<std::string> password = {};
    Loc loc;
};

/// A file of the spec as it was read.
struct WrittenFile {
    std::uint16_t index = 0; ///< in Spec::sources
    Value tree;              ///< null if it is not YAML
    bool whole = true;       ///< whether the tree contains everything in the file
};

/// A loaded spec with all modules and files to which it refers.
struct Spec {
    std::string name;
    /// The name of the environment, for `${env.name}`; unknown if none is chosen, which only
    /// `validate` permits.
    Value environment = "default";
    /// The time of the plan, in seconds since 1970 in UTC. It is fixed for a plan, even for a saved
    /// one.
    std::int64_t plan_time = static_cast<std::int64_t>(std::time(nullptr));
    /// The external inputs of its values, shared by all evaluations.
    std::shared_ptr<ExternalInputs> external_inputs = std::make_shared<ExternalInputs>();
    Sources sources;
    /// The files by path, until hide_written_secrets() has used them.
    std::map<std::filesystem::path, WrittenFile> written;
    Module root;
    std::map<std::string, ExprPtr> providers; ///< settings by provider name
    std::map<std::string, Loc> provider_locs;
    std::map<std::string, SecretFile> secret_files; ///< by name
    /// The contents of the files of secrets by name, for `${secret.NAME.key}`; filled in after
    /// decryption.
    Value secrets = Value::map({});
    /// Addresses under `removed:`: the state forgets their resources, but the objects are kept.
    std::vector<Dependency> removed;
    std::vector<Move> moved; ///< the moves of a chain in order
    std::vector<ImportBlock> import_blocks;
    std::map<std::string, Import> imports; ///< requested on the command line, by target address
    std::optional<StateSection> state;
    bool saved_plans_only = false; ///< section `apply`: only saved plans may be applied
    ExprPtr chaos;                 ///< settings of failure drills; nullptr if there are none
    Loc chaos_loc;

    /// The base of relative paths in values: the directory of the file that contains a Loc.
    [[nodiscard]] BaseDirectory base_directory() const;
};

} // namespace hadeploy
