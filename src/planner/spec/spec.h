#pragma once

#include "core/heap_optional.h"
#include "planner/lang/expr.h"
#include "provider_api/normalize.h"
#include "provider_api/schema.h"

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

inline constexpr const char* kSpecFile = "hadeploy.yaml"; ///< what a project's directory holds
inline constexpr const char* kModuleFile = "module.yaml"; ///< what a module's directory holds

/// Something that has to be true, and what to say when it is not.
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

/// A value with a name, for the expressions of one file.
struct Local {
    std::string name;
    Loc loc;
    ExprPtr value;
};

struct Dependency {
    std::string name; ///< a resource of the same module, or "module.NAME"
    Loc loc;
};

/// A new name for what is there under an old one.
struct Move {
    std::string from, to; ///< addresses of resources, their instances, or modules
    Loc loc;
    Loc to_loc = {};
};

/// An object that is there already and shall be managed from now on.
struct Import {
    std::string id; ///< what it is known by where it is; "" for types that adopt what is there
    Loc loc;
};

/// An address whose keys are expressions: `s["a"]`, `s[each.key]`, `module.m[count.index].s`.
struct AddressPattern {
    struct Part {
        std::string name; ///< of a resource, "data.NAME" or "module.NAME"
        ExprPtr key;      ///< nullptr: none
    };
    std::string text; ///< as it is written
    Loc loc;
    std::vector<Part> parts;   ///< modules, and after them a resource or data source, or none
    bool leads_within = false; ///< more follows: it names no resource, but something of one
    [[nodiscard]] bool has_keys() const;
};

/// An entry under `import:`; with for_each it stands for several objects.
struct ImportBlock {
    AddressPattern to;
    ExprPtr id; ///< nullptr: of a type that adopts what is there
    Loc loc;
    ExprPtr for_each; ///< nullptr: one object
};

/// How changes of a resource are limited, or brought about by others. What its expressions give is
/// in LifecycleValues.
struct Lifecycle {
    ExprPtr prevent_destroy; ///< nullptr of these: not said
    ExprPtr keep_on_destroy;
    ExprPtr create_before_destroy;
    ExprPtr ignore_changes;
    std::vector<AddressPattern> replace_triggered_by = {};
    std::vector<Rule> preconditions = {};
    std::vector<Rule> postconditions = {}; ///< of what is there then: `self`
};

/// An attribute as a block gives it.
struct Argument {
    std::string name;
    Loc loc;
    ExprPtr value;
};

/// One entry under `resources:` or `data:`; with for_each it stands for several resources.
struct ResourceBlock {
    std::string name; ///< of a data source with the prefix "data."
    Loc loc;
    std::string type;
    Loc type_loc;
    ExprPtr for_each;                      ///< one instance for each key; nullptr: see count
    ExprPtr count;                         ///< so many instances; nullptr too: a single resource
    std::vector<Argument> attributes = {}; ///< sorted by name
    std::vector<Dependency> depends_on = {};
    HeapOptional<Lifecycle> own_lifecycle = {}; ///< see lifecycle()
    bool serial = false; ///< its instances are changed one after the other, in the order of keys
    bool data = false;   ///< a data source: only read

    [[nodiscard]] const Argument* attribute(std::string_view called) const;
    /// Its own, or that of whoever says nothing.
    [[nodiscard]] const Lifecycle& lifecycle() const;
};

struct Module;

/// One entry under `modules:`; with for_each or count it stands for several instances.
struct ModuleBlock {
    std::string name;
    Loc loc;
    ExprPtr for_each; ///< as of a resource
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

/// An entry under `checks:`. What does not hold is a warning, and stops nothing.
struct Check {
    std::string name;
    Loc loc;
    std::vector<Rule> rules;
};

/// The contents of one spec or module file. Blocks are sorted by name, so that the order in which
/// they were written changes nothing.
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

/// An entry under `secrets:`, a file that is read by whoever has its password.
struct SecretFile {
    std::filesystem::path path;
    Loc loc;
};

/// A loaded spec with everything it refers to.
struct Spec {
    std::string name;
    /// In seconds since 1970 in UTC: of one plan always the same, also when it was saved.
    std::int64_t plan_time = static_cast<std::int64_t>(std::time(nullptr));
    Sources sources;
    Module root;
    std::map<std::string, ExprPtr> providers; ///< settings by provider's name
    std::map<std::string, Loc> provider_locs;
    std::map<std::string, SecretFile> secret_files; ///< by name
    /// What they hold, by name, for `${secret.NAME.key}`: filled in by whoever has read them.
    Value secrets = Value::map({});
    /// Addresses of what the spec no longer has and that stays all the same: only forgotten.
    std::vector<Dependency> removed;
    std::vector<Move> moved; ///< of a chain the first move comes first
    std::vector<ImportBlock> import_blocks;
    std::map<std::string, Import> imports; ///< asked for from outside, by the address that they get
    ExprPtr chaos; ///< settings of failure drills; nullptr where the spec has none
    Loc chaos_loc;

    /// For relative paths in values: the directory of the file that a Loc is in.
    [[nodiscard]] BaseDirectory base_directory() const;
};

/// Reads one file for the loader. A saved plan answers from what it carries.
/// @throws Error(spec) when it can't be read
using FileReader = std::function<std::string(const std::filesystem::path&)>;

/// Reads regular files up to the loader's limit; never blocks on a FIFO or a device.
FileReader disk_reader();

/// Loads the spec and, recursively, its modules. Checks all that needs no values: form, names,
/// sources, expression syntax.
/// @throws Error with everything that is wrong. `spec.sources` is filled in even then, so that
///         the errors can be shown with their lines.
void load_spec(const std::filesystem::path& file, const FileReader& read, Spec& spec);

/// Reads what a variable is declared as: the entries of its block but `validate`.
void read_declaration(const Value& body, Attribute& variable, const BaseDirectory& base,
                      Diagnostics& diagnostics);
/// Loads a module's file alone, as the root of a spec without a name, whose variables are the
/// module's inputs.
/// @throws Error as load_spec()
void load_module_alone(const std::filesystem::path& file, const FileReader& read, Spec& spec);

/// Values given from outside, by variable name.
using VariableValues = std::map<std::string, Value>;

/// Reads a `--var-file`: a YAML map of values. Those of secret variables are hidden in the sources
/// of the spec, to which the file is added; when it can't be read, all of it.
VariableValues load_variable_file(const std::filesystem::path& file, const FileReader& read,
                                  Spec& spec);
/// Turns the text of `--var NAME=TEXT` into a value of the variable's type: a string as it is,
/// anything else read as YAML. `from` is what messages call the place: "--var NAME".
Value parse_variable_text(const Variable& variable, const std::string& text,
                          const std::string& from, Sources& sources);

/// The value of every variable of the root: given, else default. Checked and normalized.
/// @param missing  gets the names of required variables that have no value, which are unknown then;
///                 nullptr: a missing one is an error
/// @throws Error: missing, unknown, wrong type or range
Value resolve_variables(const Spec& spec, const VariableValues& given,
                        std::vector<std::string>* missing = nullptr);

} // namespace hadeploy
