#include "planner/spec/load_spec.h"

#include "core/own_way.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "core/trace.h"
#include "planner/spec/references.h"
#include "planner/spec/spec_addresses.h"
#include "planner/spec/spec_reader.h"
#include "planner/spec/variables.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace hadeploy {

namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kModuleSections = {"description", "variables", "locals",  "data",
                                                  "resources",   "modules",   "outputs", "checks"};

/// Resolves symbolic links in the existing part of a path.
fs::path real_path(const fs::path& path) {
    const fs::path whole = fs::current_path() / path;
    std::error_code error;
    const fs::path out = fs::weakly_canonical(whole, error);
    return error ? whole.lexically_normal() : out;
}

/// Reads one spec or module file. `loading` is the chain of files being loaded, to detect cycles.
class Loader : private SpecReader {
  public:
    Loader(Spec& spec, const FileReader& read, Diagnostics& diagnostics)
        : SpecReader(spec, diagnostics), read_(read) {}

    void load_root(const fs::path& file) {
        loading_.push_back(real_path(file));
        const Value root = read_file(file);
        spec_.root.directory = file.parent_path();
        refuse_expressions(root["description"], "a description", kEscape);
        if (!check_sections(root, "a spec",
                            {"name", "description", "variables", "locals", "secrets", "providers",
                             "data", "resources", "modules", "outputs", "checks", "moved",
                             "removed", "import", "state", "apply", "chaos"}))
            return;
        load_name(root);
        if (const Value* state = root.find("state")) load_state(*state);
        if (const Value* apply = root.find("apply")) load_apply(*apply);
        if (const Value* chaos = root.find("chaos")) {
            spec_.chaos = compiled(*chaos);
            spec_.chaos_loc = chaos->loc();
        }
        load_secrets(root["secrets"], file.parent_path());
        load_removed(root["removed"]);
        load_moves(root["moved"]);
        load_imports(root["import"]);
        load_providers(root["providers"]);
        load_module(root, spec_.root);
        check_spec_addresses(spec_, diagnostics_);
    }

    void load_module_root(const fs::path& file) {
        loading_.push_back(real_path(file));
        const Value root = read_file(file);
        spec_.root.directory = file.parent_path();
        if (check_sections(root, "a module", kModuleSections)) load_module(root, spec_.root);
    }

  private:
    Value read_file(const fs::path& file) {
        const std::uint16_t index = spec_.sources.add(file, read_(file));
        const std::size_t before = diagnostics_.list().size();
        Value root = read_yaml(spec_.sources, index, diagnostics_);
        spec_.written[file.lexically_normal()] = {index, root,
                                                  diagnostics_.list().size() == before};
        return root;
    }

    /// @param what  "a spec"
    bool check_sections(const Value& root, const std::string& what,
                        const std::vector<std::string>& known) {
        if (root.is_null() && !root.loc().known()) return false; // the reader has reported it
        if (!root.is_map()) {
            diagnostics_.add(fmt::format("{} is a map, not {}", what, root.kind_name()), root.loc())
                .hint = "write sections such as `variables:` and `resources:`";
            return false;
        }
        Value::Map sections = root.as_map(); // "x-..." sections only hold anchors
        std::erase_if(sections, [](const Entry& e) { return e.key.starts_with("x-"); });
        unknown_keys(Value::map(std::move(sections)), known, what);
        return true;
    }

    void load_name(const Value& root) {
        const Value* name = root.find("name");
        if (name == nullptr) {
            diagnostics_.add("a spec needs a \"name\"", root.loc()).hint =
                "for example: name: my-cluster";
            return;
        }
        const Attribute rule{.name = "name", .type = TypeKind::name, .doc = {}};
        const Value checked =
            normalize(rule, *name, "the spec", spec_.base_directory(), diagnostics_);
        if (checked.is_string()) spec_.name = checked.as_string();
    }

    void load_state(const Value& section) {
        const bool map = section.is_map();
        if (map) unknown_keys(section, {"url", "password"}, "the section \"state\"");
        const Value& url = map ? section["url"] : section;
        if (!url.is_string() || url.as_string().empty()) {
            diagnostics_.add("state: expected the URL of a database", section.loc()).hint =
                "for example: postgresql://deploy@db.example.com/infra?schema=shop";
            return;
        }
        if (refuse_expressions(url, "the URL of the state",
                               "if the URL differs between environments, use --state or "
                               "HADEPLOY_STATE"))
            return;
        StateSection state{.url = url.as_string(), .loc = url.loc()};
        if (map && section.has("password")) load_password(section["password"], state);
        spec_.state = std::move(state);
    }

    /// The password must be a reference to a file of secrets, which can be read before the rest of
    /// the spec.
    void load_password(const Value& value, StateSection& state) {
        constexpr std::string_view begin = "${secret.";
        const std::string text = value.is_string() ? value.as_string() : "";
        const std::string inner = text.starts_with(begin) && text.ends_with('}')
                                      ? text.substr(begin.size(), text.size() - begin.size() - 1)
                                      : "";
        std::istringstream steps(inner);
        for (std::string step; std::getline(steps, step, '.');) state.password.push_back(step);
        const bool plain = inner.find_first_of("${}[]()\"' ") == inner.npos;
        if (plain && state.password.size() >= 2) return;
        diagnostics_.add("the password of the state has to be in a file of secrets", value.loc())
            .hint = "write it as \"${secret.db.password}\", a value of the file that `secrets` "
                    "names db; or set HADEPLOY_STATE_PASSWORD";
    }

    void load_apply(const Value& section) {
        if (!section.is_map()) {
            diagnostics_.add("apply: expected a map", section.loc()).hint =
                "for example: {saved_plans_only: true}";
            return;
        }
        unknown_keys(section, {"saved_plans_only"}, "the section \"apply\"");
        if (const Value* only = section.find("saved_plans_only"))
            spec_.saved_plans_only = load_flag({"saved_plans_only", *only, only->loc()});
    }

    /// With the name of the environment in place of `${env.name}`. Other expressions can need the
    /// secrets.
    [[nodiscard]] Value in_environment(const Value& path) const {
        constexpr std::string_view name = "${env.name}";
        if (!path.is_string() || !spec_.environment.is_string()) return path;
        std::string text = path.as_string();
        for (auto at = text.find(name); at != text.npos; at = text.find(name, at))
            text.replace(at, name.size(), spec_.environment.as_string());
        return Value(std::move(text)).at(path.loc());
    }

    void load_secrets(const Value& section, const fs::path& directory) {
        for (Entry e : blocks(section, "secrets")) {
            e.value = in_environment(e.value);
            if (refuse_expressions(e.value, "the path of a file of secrets",
                                   "it is relative to this file"))
                continue;
            if (e.value.is_string() && refuse_windows_path(e.value)) continue;
            if (e.value.is_string() && !e.value.as_string().empty()) {
                const fs::path path = (directory / e.value.as_string()).lexically_normal();
                spec_.secret_files[e.key] = {path, e.value.loc()};
                continue;
            }
            diagnostics_
                .add(fmt::format("secrets \"{}\": expected a file, got {}", e.key,
                                 e.value.kind_name()),
                     e.loc)
                .hint = "for example: app: secrets/app.yaml, made with `hadeploy vault encrypt`";
        }
    }

    void load_providers(const Value& section) {
        for (const Entry& e : blocks(section, "providers")) {
            if (!e.value.is_null() && !is_map(e.value, e, "provider")) continue;
            spec_.providers[e.key] =
                compiled(e.value.is_null() ? Value::map({}).at(e.loc) : e.value);
            spec_.provider_locs[e.key] = e.loc;
        }
    }

    void load_module(const Value& root, Module& module) {
        for (const Entry& e : blocks(root["variables"], "variables")) load_variable(e, module);
        for (const Entry& e : blocks(root["locals"], "locals"))
            module.locals.push_back({e.key, e.loc, compiled(e.value)});
        check_local_cycles(module, diagnostics_);
        // data sources are named "data.x" among the resources; no resource can have such a name
        const std::vector<Entry> data = blocks(root["data"], "data");
        const std::vector<Entry> resources = blocks(root["resources"], "resources");
        module.resources.reserve(data.size() + resources.size());
        for (const Entry& e : data) load_resource(e, module, true);
        for (const Entry& e : resources) load_resource(e, module, false);
        std::sort(module.resources.begin(), module.resources.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
        for (const Entry& e : blocks(root["modules"], "modules")) load_call(e, module);
        for (const Entry& e : blocks(root["outputs"], "outputs")) load_output(e, module);
        for (const Entry& e : blocks(root["checks"], "checks"))
            module.checks.push_back({e.key, e.loc, load_rules(e.value, "a check")});
    }

    void load_variable(const Entry& e, Module& module) {
        Variable variable{{.name = e.key, .type = TypeKind::any, .doc = {}}, e.loc};
        Attribute& a = variable.attribute;
        a.required = true;
        if (e.value.is_map()) {
            unknown_keys(
                e.value,
                {"type", "default", "min", "max", "one_of", "secret", "description", "validate"},
                fmt::format("variable \"{}\"", e.key));
            read_declaration(e.value, a, spec_.base_directory(), diagnostics_);
            variable.rules = load_rules(e.value["validate"], "validate");
        } else if (!e.value.is_null()) {
            is_map(e.value, e, "variable");
        }
        module.variables.push_back(std::move(variable));
    }

    void load_resource(const Entry& e, Module& module, bool data) {
        const std::string_view what = data ? "data source" : "resource";
        if (!is_map(e.value, e, what)) return;
        ResourceBlock block{.name = data ? "data." + e.key : e.key, .loc = e.loc, .data = data};
        const Value* type = e.value.find("type");
        if (type == nullptr || !type->is_string()) {
            diagnostics_.add(fmt::format("{} \"{}\" needs a \"type\"", what, e.key), e.loc).hint =
                std::find(kModuleSections.begin(), kModuleSections.end(), e.key) !=
                        kModuleSections.end()
                    ? fmt::format("\"{}\" is a section of the spec: it begins in the first column",
                                  e.key)
                    : fmt::format("for example: type: {} (`hadeploy docs` lists all types)",
                                  data ? "http" : "host.file");
            return;
        }
        if (refuse_expressions(*type, "a type", "a count of 0 leaves a resource out")) return;
        block.type = type->as_string();
        block.type_loc = type->loc();
        block.attributes.reserve(e.value.as_map().size() - 1); // all settings except the type
        for (const Entry& a : e.value.as_map()) {
            if (a.key == "type" || refuse_expression_key(a)) continue;
            if (a.key == "for_each")
                block.for_each = compiled(a.value);
            else if (a.key == "count")
                block.count = compiled(a.value);
            else if (a.key == "depends_on")
                block.depends_on = load_dependencies(a.value);
            else if (a.key == "serial" && !data)
                block.serial = load_flag(a);
            else if (a.key == "lifecycle")
                load_lifecycle(a, block);
            else
                block.attributes.push_back({a.key, a.loc, compiled(a.value)});
        }
        if (block.count && block.for_each)
            refuse_both(fmt::format("a {}", what), block.count->loc());
        module.resources.push_back(std::move(block));
    }

    void refuse_both(std::string_view owner, Loc loc) {
        diagnostics_.add(fmt::format("{} can't have both a count and a for_each", owner), loc)
            .hint = "for_each names its instances, so removing one does not affect the others";
    }

    void load_call(const Entry& e, Module& module) {
        if (!is_map(e.value, e, "module")) return;
        unknown_keys(e.value, {"source", "for_each", "count", "with", "depends_on"},
                     fmt::format("module \"{}\"", e.key));
        ModuleBlock block{.name = e.key, .loc = e.loc};
        if (const Value* over = e.value.find("for_each")) block.for_each = compiled(*over);
        if (const Value* count = e.value.find("count")) block.count = compiled(*count);
        if (block.count && block.for_each) refuse_both("a module", block.count->loc());
        block.depends_on = load_dependencies(e.value["depends_on"]);
        const Value& with = e.value["with"];
        if (with.is_map()) {
            for (const Entry& input : with.as_map()) {
                if (refuse_expression_key(input)) continue;
                block.inputs[input.key] = compiled(input.value);
                block.input_locs[input.key] = input.loc;
            }
        } else if (!with.is_null()) {
            diagnostics_.add(fmt::format("\"with\" is a map of inputs, not {}", with.kind_name()),
                             with.loc());
        }
        const Value* source = e.value.find("source");
        if (source == nullptr || !source->is_string()) {
            diagnostics_.add(fmt::format("module \"{}\" needs a \"source\"", e.key), e.loc).hint =
                "the source is the module's directory, relative to the directory of this file";
            return;
        }
        block.module = load_source(*source, module.directory);
        if (block.module) module.modules.push_back(std::move(block));
    }

    bool refuse_windows_path(const Value& path) {
        if (!is_windows_path(path.as_string())) return false;
        diagnostics_.add(fmt::format("{} is a Windows path", quoted(path)), path.loc()).hint =
            "write it with /, relative to this file's directory";
        return true;
    }

    std::shared_ptr<const Module> load_source(const Value& source, const fs::path& directory) {
        const fs::path relative = source.as_string();
        if (refuse_expressions(source, "the source of a module",
                               "it is read before any value is known; a count can leave a module "
                               "out"))
            return nullptr;
        if (refuse_windows_path(source)) return nullptr;
        if (relative.is_absolute()) {
            diagnostics_
                .add("a module's source is relative to the file that names it", source.loc())
                .hint = "begin it with ./ or ../";
            return nullptr;
        }
        const fs::path file = (directory / relative).lexically_normal() / kModuleFile;
        const fs::path canonical = real_path(file);
        const fs::path here = real_path(directory);
        if (canonical != (here / relative / kModuleFile).lexically_normal()) {
            diagnostics_.add("a module's source can't lead through a symbolic link", source.loc())
                .hint = fmt::format("it leads to {}", in_quotes(canonical.string(), 400));
            return nullptr;
        }
        if (std::find(loading_.begin(), loading_.end(), canonical) != loading_.end()) {
            Error& error = diagnostics_.add("a module can't contain itself", source.loc());
            for (const fs::path& p : loading_)
                error.with_note(fmt::format("through {}", p.string()));
            return nullptr;
        }
        if (const auto known = loaded_.find(canonical); known != loaded_.end())
            return known->second;
        auto module = std::make_shared<Module>();
        module->directory = file.parent_path();
        loading_.push_back(canonical);
        try {
            const Value root = read_file(file);
            refuse_expressions(root["description"], "a description", kEscape);
            if (check_sections(root, "a module", kModuleSections)) load_module(root, *module);
        } catch (Error& error) {
            if (!error.loc.known()) error.loc = source.loc();
            if (error.hint.empty() && !fs::exists(file))
                error.hint = fmt::format("a module is a directory with a {}; its source is a path "
                                         "relative to this file's directory",
                                         kModuleFile);
            diagnostics_.add(std::move(error));
            module = nullptr;
        }
        loading_.pop_back();
        loaded_[canonical] = module;
        return module;
    }

    void load_output(const Entry& e, Module& module) {
        static const std::vector<std::string> keys{"value", "secret", "description",
                                                   "preconditions"};
        Output output{.name = e.key, .loc = e.loc, .value = nullptr};
        const auto is_known = [](const Entry& entry) {
            return std::find(keys.begin(), keys.end(), entry.key) != keys.end();
        };
        if (e.value.is_map() && !e.value.has("value") &&
            (e.value.has("secret") || e.value.has("preconditions")) &&
            std::all_of(e.value.as_map().begin(), e.value.as_map().end(), is_known))
            diagnostics_.add(fmt::format("output \"{}\" has no value", e.key), e.loc)
                .with_hint("for example: {value: \"${var.n}\", secret: true}");
        if (e.value.is_map() && e.value.has("value")) {
            unknown_keys(e.value, keys, fmt::format("output \"{}\"", e.key));
            output.preconditions = load_rules(e.value["preconditions"], "preconditions");
            output.value = compiled(e.value["value"]);
            refuse_expressions(e.value["description"], "a description", kEscape);
            if (const Value* secret = e.value.find("secret"))
                output.secret = load_flag({"secret", *secret, secret->loc()});
        } else {
            output.value = compiled(e.value);
        }
        module.outputs.push_back(std::move(output));
    }

    const FileReader& read_;
    std::vector<fs::path> loading_;
    std::map<fs::path, std::shared_ptr<const Module>> loaded_; ///< each file is read once
};

} // namespace

FileReader disk_reader() {
    return [](const fs::path& file) {
        struct stat info = {};
        if (::stat(file.c_str(), &info) != 0) {
            const bool lost = errno == ENOENT || errno == ENOTDIR;
            const char* hint = "";
            if (lost && file.filename() == kSpecFile)
                hint = "run it in a project's directory, name one with --chdir, or create one with "
                       "`hadeploy init`";
            else if (lost && file.filename() != kModuleFile) // a module has a hint of its own
                hint =
                    "the paths of options are relative to the current directory, those in a spec "
                    "to its own directory";
            throw Error(ErrorKind::spec, fmt::format("{}: {}", file.string(), std::strerror(errno)))
                .with_hint(hint);
        }
        if (!S_ISREG(info.st_mode))
            throw Error(ErrorKind::spec, fmt::format("{} is not a regular file", file.string()))
                .with_hint("name a YAML file");
        try {
            // errors show lines of the file, so other users must not be able to redirect the path
            // to a different file
            const Fd opened = open_file_own_way(file);
            std::ifstream in(own_name(opened), std::ios::binary);
            std::string text(static_cast<std::size_t>(std::min<off_t>(
                                 info.st_size, static_cast<off_t>(kMaxYamlBytes) + 1)),
                             '\0');
            if (!in.read(text.data(), static_cast<std::streamsize>(text.size())))
                throw Error(ErrorKind::spec, fmt::format("{} can't be read", file.string()));
            return text;
        } catch (Error& error) {
            error.kind = ErrorKind::spec;
            throw;
        }
    };
}

void load_spec(const fs::path& file, const FileReader& read, Spec& spec) {
    const Span span("load the spec");
    Diagnostics diagnostics;
    Loader(spec, read, diagnostics).load_root(file);
    diagnostics.throw_if_any();
}

void load_module_alone(const fs::path& file, const FileReader& read, Spec& spec) {
    Diagnostics diagnostics;
    Loader(spec, read, diagnostics).load_module_root(file);
    diagnostics.throw_if_any();
}

} // namespace hadeploy
