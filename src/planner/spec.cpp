#include "planner/spec.h"

#include "core/text.h"
#include "core/trace.h"
#include "planner/references.h"
#include "planner/written_secrets.h"
#include "planner/yaml.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace hadeploy {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kRoots[] = {"var",  "local", "each", "count", "module", "data",
                                       "path", "self",  "true", "false", "null",   "secret"};

constexpr std::string_view kEscape = "\"$${\" stands for the characters \"${\"";
const std::vector<std::string> kModuleSections = {"description", "variables", "locals", "data",
                                                  "resources",   "modules",   "outputs"};

/// Without symbolic links, as far as there is something.
fs::path real_path(const fs::path& path) {
    const fs::path whole = fs::current_path() / path;
    std::error_code error;
    const fs::path out = fs::weakly_canonical(whole, error);
    return error ? whole.lexically_normal() : out;
}

/// Reads one spec or module file. `loading` is the chain of files being loaded, against cycles.
class Loader {
  public:
    Loader(Spec& spec, const FileReader& read, Problems& problems)
        : spec_(spec), read_(read), problems_(problems) {}

    void load_root(const fs::path& file) {
        loading_.push_back(real_path(file));
        const Value root = read_file(file);
        spec_.root.directory = file.parent_path();
        refuse_expressions(root["description"], "a description", kEscape);
        if (!check_sections(root, {"name", "description", "variables", "locals", "secrets",
                                   "providers", "data", "resources", "modules", "outputs", "moved",
                                   "removed", "import", "chaos"}))
            return;
        load_name(root);
        if (const Value* chaos = root.find("chaos")) {
            spec_.chaos = compiled(*chaos);
            spec_.chaos_loc = chaos->loc();
        }
        load_secrets(root["secrets"], file.parent_path());
        spec_.removed = load_dependencies(root["removed"], "removed lists addresses");
        load_moves(root["moved"]);
        spec_.imports = read_imports(root["import"], problems_);
        load_providers(root["providers"]);
        load_module(root, spec_.root);
    }

    void load_module_root(const fs::path& file) {
        loading_.push_back(real_path(file));
        const Value root = read_file(file);
        spec_.root.directory = file.parent_path();
        if (check_sections(root, kModuleSections)) load_module(root, spec_.root);
    }

  private:
    ExprPtr compiled(const Value& tree) {
        return compile(tree, spec_.sources, strings_, problems_);
    }

    Value read_file(const fs::path& file) {
        const std::uint16_t index = spec_.sources.add(file, read_(file));
        Value root = read_yaml(spec_.sources, index, problems_);
        if (root.is_null()) hide_unread(spec_.sources, index);
        return root;
    }

    bool check_sections(const Value& root, const std::vector<std::string>& known) {
        if (root.is_null() && !root.loc().known()) return false; // reading has said why
        if (!root.is_map()) {
            problems_.add(fmt::format("a spec is a map, not {}", root.kind_name()), root.loc());
            return false;
        }
        Value::Map sections = root.as_map(); // "x-..." only holds what anchors stand for
        std::erase_if(sections, [](const Entry& e) { return e.key.starts_with("x-"); });
        unknown_keys(Value::map(std::move(sections)), known, "a spec");
        return true;
    }

    void unknown_keys(const Value& map, const std::vector<std::string>& known,
                      std::string_view owner) {
        for (const Entry& e : map.as_map()) {
            if (std::find(known.begin(), known.end(), e.key) != known.end()) continue;
            if (refuse_expression_key(e)) continue;
            Error& error =
                problems_.add(fmt::format("{} has no key {}", owner, in_quotes(e.key)), e.loc);
            const auto close = did_you_mean(e.key, known);
            error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                               : fmt::format("it has: {}", fmt::join(known, ", "));
        }
    }

    /// The entries of a section, each a map; what is not is reported and left out.
    std::vector<Entry> blocks(const Value& section, std::string_view what) {
        std::vector<Entry> out;
        if (section.is_null()) return out;
        if (!section.is_map()) {
            problems_.add(fmt::format("{} is a map of names, not {}", what, section.kind_name()),
                          section.loc());
            return out;
        }
        std::unordered_map<std::string, const Entry*> seen; // in lower case
        seen.reserve(section.as_map().size());
        out.reserve(section.as_map().size());
        for (const Entry& e : section.as_map()) {
            if (!check_name(e)) continue;
            std::string folded = e.key;
            std::transform(folded.begin(), folded.end(), folded.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            const auto [it, fresh] = seen.emplace(std::move(folded), &e);
            if (fresh)
                out.push_back(e);
            else
                problems_
                    .add(fmt::format("\"{}\" differs from \"{}\" only in upper and lower case",
                                     e.key, it->second->key),
                         e.loc)
                    .with_note("the other one is here", it->second->loc);
        }
        return out;
    }

    bool refuse_expressions(const Value& text, std::string_view where, std::string_view hint) {
        const std::size_t before = problems_.list().size();
        (void)constant(text, where, hint, problems_);
        return problems_.list().size() > before;
    }

    bool refuse_expression_key(const Entry& e) {
        return refuse_expressions(Value(e.key).at(e.loc), "the name of a block or an attribute",
                                  "names are written out; within a value keys may be expressions");
    }

    bool check_name(const Entry& e) {
        if (refuse_expression_key(e)) return false;
        const auto good = [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
        };
        const bool well_formed = !e.key.empty() && e.key.size() <= 63 &&
                                 std::isalpha(static_cast<unsigned char>(e.key[0])) &&
                                 std::all_of(e.key.begin(), e.key.end(), good);
        if (!well_formed) {
            problems_.add(fmt::format("{} can't be a name", in_quotes(e.key)), e.loc).hint =
                "a name begins with one of a-z and A-Z, and goes on with these, 0-9, _ and -: at "
                "most 63 "
                "characters";
            return false;
        }
        if (std::find(std::begin(kRoots), std::end(kRoots), e.key) != std::end(kRoots)) {
            problems_.add(fmt::format("\"{}\" is a reserved name", e.key), e.loc);
            return false;
        }
        return true;
    }

    bool is_map(const Value& value, const Entry& owner, std::string_view what) {
        if (value.is_map()) return true;
        problems_.add(fmt::format("{} \"{}\" is a map, not {}", what, owner.key, value.kind_name()),
                      value.loc().known() ? value.loc() : owner.loc);
        return false;
    }

    void load_name(const Value& root) {
        const Value* name = root.find("name");
        if (name == nullptr) {
            problems_.add("a spec needs a \"name\"", root.loc()).hint =
                "for example: name: my-cluster";
            return;
        }
        const Attribute rule{.name = "name", .type = TypeKind::name, .doc = {}};
        const Value checked = normalize(rule, *name, "the spec", spec_.base_directory(), problems_);
        if (checked.is_string()) spec_.name = checked.as_string();
    }

    void load_secrets(const Value& section, const fs::path& directory) {
        for (const Entry& e : blocks(section, "secrets")) {
            if (refuse_expressions(e.value, "the path of a file of secrets",
                                   "it is relative to this file"))
                continue;
            if (e.value.is_string() && !e.value.as_string().empty()) {
                const fs::path path = (directory / e.value.as_string()).lexically_normal();
                spec_.secret_files[e.key] = {path, e.value.loc()};
                continue;
            }
            problems_
                .add(fmt::format("the secrets \"{}\" are a file, not {}", e.key,
                                 e.value.kind_name()),
                     e.loc)
                .hint = "for example: app: secrets/app.yaml, made with `hadeploy vault encrypt`";
        }
    }

    void load_moves(const Value& list) {
        if (list.is_null()) return;
        for (const Value& move : list.is_list() ? list.as_list() : Value::List{list}) {
            if (!move.is_map() || !move["from"].is_string() || !move["to"].is_string()) {
                problems_.add("moved lists addresses, each with a from and a to", move.loc()).hint =
                    "for example: moved: [{from: node, to: host}]";
                continue;
            }
            if (refuse_expressions(move, "an address", "write it as `hadeploy state list` does"))
                continue;
            unknown_keys(move, {"from", "to"}, "a move");
            spec_.moved.push_back({move.text("from"), move.text("to"), move["from"].loc()});
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
        check_local_cycles(module, problems_);
        // "data.x" among the resources: the name it is referred to by, which no resource can have
        const std::vector<Entry> data = blocks(root["data"], "data");
        const std::vector<Entry> resources = blocks(root["resources"], "resources");
        module.resources.reserve(data.size() + resources.size());
        for (const Entry& e : data) load_resource(e, module, true);
        for (const Entry& e : resources) load_resource(e, module, false);
        std::sort(module.resources.begin(), module.resources.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
        for (const Entry& e : blocks(root["modules"], "modules")) load_call(e, module);
        for (const Entry& e : blocks(root["outputs"], "outputs")) load_output(e, module);
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
            read_declaration(e.value, a, spec_.base_directory(), problems_);
            variable.rules = load_rules(e.value["validate"], "validate");
        } else if (!e.value.is_null()) {
            is_map(e.value, e, "variable");
        }
        module.variables.push_back(std::move(variable));
    }

    /// `[{check: "${...}", message: ...}]`
    std::vector<Rule> load_rules(const Value& list, std::string_view what) {
        std::vector<Rule> out;
        if (list.is_null()) return out;
        for (const Value& rule : list.is_list() ? list.as_list() : Value::List{list}) {
            if (!rule.is_map() || !rule.has("check") || !rule.has("message")) {
                problems_
                    .add(fmt::format("{} has rules with a check and a message", what), rule.loc())
                    .hint = "for example: {check: \"${var.n % 2 == 1}\", message: n has to be odd}";
                continue;
            }
            unknown_keys(rule, {"check", "message"}, fmt::format("a rule of {}", what));
            out.push_back(
                {compiled(rule["check"]), compiled(rule["message"]), rule["check"].loc()});
        }
        return out;
    }

    std::vector<Dependency>
    load_dependencies(const Value& list,
                      const char* mistake = "depends_on lists names of resources and modules") {
        std::vector<Dependency> out;
        if (list.is_null()) return out;
        const Value::List items = list.is_list() ? list.as_list() : Value::List{list};
        for (const Value& item : items) {
            if (refuse_expressions(item, "a list of names", "write the name alone, without ${}"))
                continue;
            if (item.is_string())
                out.push_back({item.as_string(), item.loc()});
            else
                problems_.add(mistake, item.loc());
        }
        return out;
    }

    void load_resource(const Entry& e, Module& module, bool data) {
        const std::string_view what = data ? "data source" : "resource";
        if (!is_map(e.value, e, what)) return;
        ResourceBlock block{.name = data ? "data." + e.key : e.key, .loc = e.loc, .data = data};
        const Value* type = e.value.find("type");
        if (type == nullptr || !type->is_string()) {
            problems_.add(fmt::format("{} \"{}\" needs a \"type\"", what, e.key), e.loc).hint =
                fmt::format("for example: type: {} (`hadeploy docs` lists all types)",
                            data ? "http" : "host.file");
            return;
        }
        if (refuse_expressions(*type, "a type", "a count of 0 leaves a resource out")) return;
        block.type = type->as_string();
        block.type_loc = type->loc();
        block.attributes.reserve(e.value.as_map().size() - 1); // all but the type
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
        problems_.add(fmt::format("{} has a count or a for_each, not both", owner), loc).hint =
            "for_each names its instances, so that taking one away leaves the others alone";
    }

    bool load_flag(const Entry& e) {
        if (refuse_expressions(e.value, e.key, "it is true or false, whatever the variables are"))
            return false;
        if (e.value.is_bool()) return e.value.as_bool();
        problems_.add(fmt::format("{}: expected a boolean, got {}", e.key, e.value.kind_name()),
                      e.value.loc());
        return false;
    }

    void load_lifecycle(const Entry& e, ResourceBlock& block) {
        if (!is_map(e.value, {block.name, {}, block.loc}, "the lifecycle of")) return;
        if (block.data)
            unknown_keys(e.value, {"preconditions"}, "the lifecycle of a data source");
        else
            unknown_keys(e.value,
                         {"prevent_destroy", "create_before_destroy", "ignore_changes",
                          "replace_triggered_by", "preconditions", "postconditions"},
                         "a lifecycle");
        Lifecycle l;
        for (const Entry& rule : e.value.as_map()) {
            if (rule.key == "prevent_destroy") l.prevent_destroy = load_flag(rule);
            if (rule.key == "create_before_destroy") l.create_before_destroy = load_flag(rule);
            if (rule.key == "preconditions") l.preconditions = load_rules(rule.value, rule.key);
            if (rule.key == "postconditions") l.postconditions = load_rules(rule.value, rule.key);
            if (rule.key == "replace_triggered_by")
                l.replace_triggered_by = load_dependencies(
                    rule.value, "replace_triggered_by lists names of resources and modules");
            if (rule.key != "ignore_changes") continue;
            l.ignore_all = rule.value.is_string() && rule.value.as_string() == "all";
            if (l.ignore_all) continue;
            for (const Dependency& name :
                 load_dependencies(rule.value, "ignore_changes lists names of attributes")) {
                l.ignore_changes.push_back(name.name);
                l.ignore_locs.push_back(name.loc);
            }
        }
        block.own_lifecycle = std::move(l);
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
            problems_.add(fmt::format("\"with\" is a map of inputs, not {}", with.kind_name()),
                          with.loc());
        }
        const Value* source = e.value.find("source");
        if (source == nullptr || !source->is_string()) {
            problems_.add(fmt::format("module \"{}\" needs a \"source\"", e.key), e.loc).hint =
                "the module's directory, relative to this file";
            return;
        }
        block.module = load_source(*source, module.directory);
        if (block.module) module.modules.push_back(std::move(block));
    }

    std::shared_ptr<const Module> load_source(const Value& source, const fs::path& directory) {
        const fs::path relative = source.as_string();
        if (refuse_expressions(source, "the source of a module",
                               "it is read before any value is known; a count can leave a module "
                               "out"))
            return nullptr;
        if (relative.is_absolute()) {
            problems_.add("a module's source is relative to the file that names it", source.loc());
            return nullptr;
        }
        const fs::path file = (directory / relative).lexically_normal() / kModuleFile;
        const fs::path canonical = real_path(file);
        const fs::path here = real_path(directory);
        if (canonical != (here / relative / kModuleFile).lexically_normal()) {
            problems_.add("a module's source can't lead through a symbolic link", source.loc())
                .hint = fmt::format("it leads to {}", in_quotes(canonical.string(), 400));
            return nullptr;
        }
        if (std::find(loading_.begin(), loading_.end(), canonical) != loading_.end()) {
            Error& error = problems_.add("a module can't contain itself", source.loc());
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
            if (check_sections(root, kModuleSections)) load_module(root, *module);
        } catch (Error& error) {
            if (!error.loc.known()) error.loc = source.loc();
            if (error.hint.empty() && !fs::exists(file))
                error.hint =
                    fmt::format("a module is a directory with a {}; the source leads there "
                                "from this file's directory",
                                kModuleFile);
            problems_.add(std::move(error));
            module = nullptr;
        }
        loading_.pop_back();
        loaded_[canonical] = module;
        return module;
    }

    void load_output(const Entry& e, Module& module) {
        Output output{.name = e.key, .loc = e.loc, .value = nullptr};
        if (e.value.is_map() && e.value.has("value")) {
            unknown_keys(e.value, {"value", "secret", "description"},
                         fmt::format("output \"{}\"", e.key));
            output.value = compiled(e.value["value"]);
            refuse_expressions(e.value["description"], "a description", kEscape);
            if (const Value* secret = e.value.find("secret"))
                output.secret = load_flag({"secret", *secret, secret->loc()});
        } else {
            output.value = compiled(e.value);
        }
        module.outputs.push_back(std::move(output));
    }

    Spec& spec_;
    const FileReader& read_;
    Problems& problems_;
    StringPool strings_;
    std::vector<fs::path> loading_;
    std::map<fs::path, std::shared_ptr<const Module>> loaded_; ///< each file is read once
};

} // namespace

void load_spec(const fs::path& file, const FileReader& read, Spec& spec) {
    const Span span("load the spec");
    Problems problems;
    Loader(spec, read, problems).load_root(file);
    problems.throw_if_any();
}

void load_module_alone(const fs::path& file, const FileReader& read, Spec& spec) {
    Problems problems;
    Loader(spec, read, problems).load_module_root(file);
    problems.throw_if_any();
}

} // namespace hadeploy
