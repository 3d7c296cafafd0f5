#include "planner/graph/names.h"

#include "core/did_you_mean.h"
#include "planner/graph/reference_hints.h"
#include "planner/graph/value_in_progress.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

Path tail(const Path& path, std::size_t from) {
    return {path.begin() + static_cast<std::ptrdiff_t>(std::min(from, path.size())), path.end()};
}

/// The name right after a root such as `var`.
std::string member(const Path& path, std::string_view root, Loc loc) {
    if (path.empty() || !path[0].is_string())
        throw Error(ErrorKind::spec, fmt::format("\"{}\" needs a name after it", root), loc)
            .with_hint(fmt::format("for example {}.name", root));
    return path[0].as_string();
}

[[noreturn]] void unknown_name(std::string message, std::string_view name,
                               const std::vector<std::string>& known, Loc loc) {
    Error error(ErrorKind::spec, std::move(message), loc);
    if (const auto close = did_you_mean(name, known))
        error.hint = fmt::format("did you mean \"{}\"?", *close);
    else if (!known.empty() && known.size() <= 20)
        error.hint = fmt::format("there are: {}", fmt::join(known, ", "));
    throw error;
}

template<class Blocks>
std::vector<std::string> block_names(const Blocks& blocks) {
    std::vector<std::string> out;
    for (const auto& b : blocks) out.push_back(b.name);
    return out;
}

/// Whether a single instance represents all instances (Instance::any).
template<class Ids, class InstanceOf>
bool represents_all(const Ids& ids, InstanceOf instance_of) {
    return ids.size() == 1 && instance_of(ids.front()).any;
}

/// An absolute path to the project's files, which is valid wherever the value is used. Keeps
/// symbolic links.
std::string whole_path(const std::filesystem::path& directory) {
    const std::filesystem::path whole =
        (std::filesystem::current_path() / directory).lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).string();
}

Error ambiguous_instance(const ModuleBlock& call, const std::string& output, Loc loc) {
    return Error(ErrorKind::spec,
                 fmt::format("module \"{}\" has a count: which one is meant?", call.name), loc)
        .with_hint(
            fmt::format("for example module.{0}[0].{1}, or module.{0}[*].{1} for all of them",
                        call.name, output));
}

/// The error for an attribute of a block with instances that is used without a key.
Error ambiguous_instance(const ResourceBlock& block, const std::string& attribute,
                         const std::string& key, Loc loc) {
    const char* what = block.count != nullptr ? "count" : "for_each";
    Error error(ErrorKind::spec,
                fmt::format("{} has a {}: which one's {} is meant?", block.name, what, attribute),
                loc);
    if (block.count != nullptr)
        error.hint = fmt::format("for example {0}[0].{1}, or {0}[*].{1} for all of them",
                                 block.name, attribute);
    else if (!key.empty())
        error.hint = fmt::format("for example {}[\"{}\"].{}", block.name, key, attribute);
    return error;
}

/// Follows `path` into the type, as long as the canonical form of the part does not depend on the
/// rest of the value. Returns the type of the part, and the number of followed elements in `taken`.
/// Stops at an optional field of an object, which exists only after the whole object has its
/// defaults.
const Type& part_of(const Type& whole, const Path& path, std::size_t& taken) {
    const Type* type = &whole;
    for (; taken < path.size(); ++taken) {
        const Type* next = nullptr;
        if (type->kind == TypeKind::list || type->kind == TypeKind::map) {
            next = type->element.get();
        } else if (type->kind == TypeKind::object && type->fields && path[taken].is_string()) {
            const Attribute* field = find_attribute(*type->fields, path[taken].as_string());
            if (field != nullptr && field->required) next = &field->type;
        }
        if (next == nullptr) break;
        type = next;
    }
    const bool as_it_is =
        type->kind == TypeKind::any ||
        ((type->kind == TypeKind::list || type->kind == TypeKind::map) && type->element == nullptr);
    if (as_it_is) taken = path.size();
    return *type;
}

} // namespace

/// If a step is secret (`local[var.which]`), errors do not show the step.
Value ScopeNames::resolve(const std::string& name, const Path& path, Loc loc,
                          std::size_t& used) const {
    if (std::none_of(path.begin(), path.end(), [](const Value& step) { return step.secret(); }))
        return resolve_open(name, path, loc, used);
    try {
        return resolve_open(name, path, loc, used);
    } catch (const Error& error) {
        throw Error(error.kind,
                    fmt::format("\"{}\" has no entry with this name (the name is secret)", name),
                    loc);
    }
}

Value ScopeNames::resolve_open(const std::string& name, const Path& path, Loc loc,
                               std::size_t& used) const {
    used = 0;
    if (name == "var") return variable(path, loc, used);
    if (name == "local") return local(path, loc, used);
    if (name == "data") return data(path, loc, used);
    if (name == "module") return module_outputs(path, loc, used);
    if (name == "secret") return secret(path, loc, used);
    if (name == "each") return each(path, loc, used);
    if (name == "count") return count(path, loc, used);
    if (name == "self") {
        if (self_ != nullptr) return *self_;
        throw Error(ErrorKind::spec, "\"self\" is only available in a postcondition", loc)
            .with_hint("write the same expression as that attribute, or give the value a name "
                       "under `locals`");
    }
    if (name == "path") {
        const std::string what = member(path, "path", loc);
        used = 1;
        if (what == "module") return whole_path(scope_.module->directory);
        if (what == "root") return whole_path(graph_.spec_.root.directory);
        unknown_name(fmt::format("there is no path.{}", what), what, {"module", "root"}, loc);
    }
    if (name == "env") {
        const std::string what = member(path, "env", loc);
        used = 1;
        if (what == "name") return graph_.spec_.environment;
        const std::string problem = fmt::format("there is no env.{}", what);
        if (did_you_mean(what, {"name"})) unknown_name(problem, what, {"name"}, loc);
        throw Error(ErrorKind::spec, problem, loc).with_hint(environment_hint(what));
    }
    if (const ResourceBlock* block = scope_.module->resource(name))
        return resource(*block, path, loc, used);
    unknown_root(name, loc);
}

void ScopeNames::check(const Reference& r) const {
    try {
        check_names(r);
    } catch (Error& error) {
        std::string hint = reference_hint(*scope_.module, graph_.registry(), r);
        if (!hint.empty() && scope_.module->resource(r.name) == nullptr)
            error.hint = std::move(hint);
        throw std::move(error);
    }
}

void ScopeNames::check_names(const Reference& r) const {
    if (r.name == "var" && !r.steps.empty()) {
        (void)declared(r.steps[0], r.loc);
    } else if (r.name == "local" && !r.steps.empty()) {
        (void)known_local(r.steps[0], r.loc);
    } else if (r.name == "data" && !r.steps.empty()) {
        check_attribute(data_source(r.steps[0], r.loc), r, 1);
    } else if (r.name == "module" && !r.steps.empty()) {
        check_output(r);
    } else {
        const bool root = r.name == "var" || r.name == "local" || r.name == "data" ||
                          r.name == "secret" || r.name == "module" || r.name == "each" ||
                          r.name == "count" || r.name == "path" || r.name == "self" ||
                          r.name == "env";
        const ResourceBlock* block = root ? nullptr : scope_.module->resource(r.name);
        if (!root && block == nullptr) unknown_root(r.name, r.loc);
        if (block != nullptr) check_attribute(*block, r, 0);
    }
}

/// If the block has instances, the step after its name can be a key.
void ScopeNames::check_attribute(const ResourceBlock& block, const Reference& r,
                                 std::size_t step) const {
    const ResourceType* type = graph_.registry().type(block.type);
    if (type == nullptr || block.count != nullptr || block.for_each != nullptr ||
        r.steps.size() <= step)
        return;
    if (find_attribute(type->schema, r.steps[step]) != nullptr) return;
    std::vector<std::string> known;
    for (const Attribute& a : type->schema) known.push_back(a.name);
    unknown_name(fmt::format("{} has no \"{}\"", block.name, r.steps[step]), r.steps[step], known,
                 r.loc);
}

void ScopeNames::unknown_root(const std::string& name, Loc loc) const {
    std::vector<std::string> known = block_names(scope_.module->resources);
    for (const char* root :
         {"var", "local", "data", "secret", "module", "each", "count", "path", "env"})
        known.emplace_back(root);
    for (const auto& type : graph_.registry().types())
        if (type->name.starts_with(name + ".") && !did_you_mean(name, known))
            throw Error(ErrorKind::spec, fmt::format("nothing here is called \"{}\"", name), loc)
                .with_hint("refer to a resource by its key, without its type: "
                           "${NAME.ATTRIBUTE}");
    unknown_name(fmt::format("nothing here is called \"{}\"", name), name, known, loc);
}

const Variable& ScopeNames::declared(const std::string& name, Loc loc) const {
    if (const Variable* v = scope_.module->variable(name)) return *v;
    std::vector<std::string> known;
    for (const Variable& v : scope_.module->variables) known.push_back(v.attribute.name);
    unknown_name(fmt::format("there is no variable \"{}\"", name), name, known, loc);
}

const Local& ScopeNames::known_local(const std::string& name, Loc loc) const {
    if (const Local* found = scope_.module->local(name)) return *found;
    unknown_name(fmt::format("there is no local \"{}\"", name), name,
                 block_names(scope_.module->locals), loc);
}

const ResourceBlock& ScopeNames::data_source(const std::string& name, Loc loc) const {
    if (const ResourceBlock* found = scope_.module->resource("data." + name)) return *found;
    std::vector<std::string> known;
    for (const ResourceBlock& b : scope_.module->resources)
        if (b.data) known.push_back(b.name.substr(5));
    unknown_name(fmt::format("there is no data source \"{}\"", name), name, known, loc);
}

const ModuleBlock& ScopeNames::called(const std::string& name, Loc loc) const {
    if (const ModuleBlock* found = scope_.module->module(name)) return *found;
    unknown_name(fmt::format("there is no module \"{}\"", name), name,
                 block_names(scope_.module->modules), loc);
}

const Output& ScopeNames::output(const ModuleBlock& call, const std::string& name, Loc loc) const {
    if (const Output* found = call.module->output(name)) return *found;
    unknown_name(fmt::format("module \"{}\" has no output \"{}\"", call.name, name), name,
                 block_names(call.module->outputs), loc);
}

/// If the module has instances, the step after its name is a key.
void ScopeNames::check_output(const Reference& r) const {
    const ModuleBlock& call = called(r.steps[0], r.loc);
    const std::size_t at = call.for_each != nullptr ? 2 : 1;
    if (call.count != nullptr && r.steps.size() > 1)
        throw ambiguous_instance(call, r.steps[1], r.loc);
    if (r.steps.size() > at) (void)output(call, r.steps[at], r.loc);
}

Value ScopeNames::variable(const Path& path, Loc loc, std::size_t& used) const {
    const std::string name = member(path, "var", loc);
    const Attribute& attribute = declared(name, loc).attribute;
    used = 1;
    if (scope_.call == nullptr) return graph_.variables_[name];
    const auto input = scope_.call->inputs.find(name);
    if (input == scope_.call->inputs.end())
        return attribute.default_value.value_or(Value::unknown());
    const ScopeNames outside(context_, *scope_.parent, &scope_.instance);
    const Type& type = part_of(attribute.type, path, used);
    const Path way(path.begin() + 1, path.begin() + static_cast<std::ptrdiff_t>(used));
    const ValueInProgress lead(context_, scope_, "var.", attribute.name, way,
                               scope_.call->input_locs.at(name));
    Value value = evaluate_at(*input->second, way, outside);
    Diagnostics ignored; // check_inputs() reports them
    const BaseDirectory base = graph_.spec_.base_directory();
    value = used == 1 ? normalize(attribute, value, "", base, ignored)
                      : normalize(Attribute{.type = type}, value, "", base, ignored);
    return attribute.secret ? value.as_secret() : value;
}

/// Only the root module has access to secrets by name: a module gets them as inputs.
Value ScopeNames::secret(const Path& path, Loc loc, std::size_t& used) const {
    if (scope_.call != nullptr)
        throw Error(ErrorKind::spec, "a module sees only the secrets that are passed to it", loc)
            .with_hint("declare a variable with secret: true, and set it under \"with\"");
    const std::string name = member(path, "secret", loc);
    const Value& all = graph_.spec_.secrets;
    const Value* found = all.find(name);
    if (found == nullptr) {
        std::vector<std::string> known;
        for (const Entry& e : all.as_map()) known.push_back(e.key);
        unknown_name(fmt::format("there are no secrets \"{}\"", name), name, known, loc);
    }
    used = 1;
    return *found;
}

/// The outputs of a module instance: the output to which the path leads from `used` on, or all
/// outputs.
Value ScopeNames::outputs(const Scope& inside, const Path& path, Loc loc, std::size_t& used) const {
    const ScopeNames names(context_, inside);
    const auto hidden = [](const Output& o, const Value& v) {
        return o.secret ? v.as_secret() : v;
    };
    if (path.size() <= used || !path[used].is_string()) {
        Value::Map all;
        const Path whole;
        for (const Output& o : inside.module->outputs) {
            const ValueInProgress lead(context_, inside, "", o.name, whole, o.loc);
            check_preconditions(o, names);
            all.push_back({o.name, hidden(o, evaluate(*o.value, names)), o.loc});
        }
        return Value::map(std::move(all));
    }
    const Output& found = output(*inside.call, path[used].as_string(), loc);
    const Path way = tail(path, used + 1);
    used = path.size();
    const ValueInProgress lead(context_, inside, "", found.name, way, found.loc);
    check_preconditions(found, names);
    return hidden(found, evaluate_at(*found.value, way, names));
}

Value ScopeNames::module_outputs(const Path& path, Loc loc, std::size_t& used) const {
    const ModuleBlock& call = called(member(path, "module", loc), loc);
    const std::vector<const Scope*>& instances = resources_.instances(scope_, call);
    used = 1;
    if (call.for_each == nullptr && call.count == nullptr)
        return instances.empty() ? Value::unknown() : outputs(*instances.front(), path, loc, used);
    const auto instance_of = [](const Scope* s) -> const Instance& { return s->instance; };
    const bool any = represents_all(instances, instance_of);
    if (any && path.size() < 2) return Value::unknown();
    const auto it = path.size() < 2 ? instances.end()
                    : any           ? instances.begin()
                                    : find_instance(instances, path[1], instance_of);
    if (it != instances.end()) {
        used = 2;
        return outputs(**it, path, loc, used);
    }
    if (call.count != nullptr && path.size() > 1 && path[1].is_string())
        throw ambiguous_instance(call, path[1].as_string(), loc);
    Value::List list;
    Value::Map map;
    for (const Scope* s : instances) {
        std::size_t whole = path.size();
        Value all = outputs(*s, path, loc, whole);
        if (call.count != nullptr)
            list.push_back(std::move(all));
        else
            map.push_back({s->instance.key, std::move(all), call.loc});
    }
    return call.count != nullptr ? Value::list(std::move(list)) : Value::map(std::move(map));
}

std::optional<Path> ScopeNames::instances(const std::string& name, const Path& path) const {
    if (name != "module" || path.size() != 1 || !path[0].is_string()) return std::nullopt;
    const ModuleBlock* call = scope_.module->module(path[0].as_string());
    if (call == nullptr || (call->for_each == nullptr && call->count == nullptr))
        return std::nullopt;
    const std::vector<const Scope*>& all = resources_.instances(scope_, *call);
    if (represents_all(all, [](const Scope* s) -> const Instance& { return s->instance; }))
        return std::nullopt;
    Path keys;
    for (const Scope* s : all)
        keys.push_back(s->instance.index ? Value(*s->instance.index) : Value(s->instance.key));
    return keys;
}

/// Evaluates only the part that is used, so that dependencies stay narrow.
Value ScopeNames::local(const Path& path, Loc loc, std::size_t& used) const {
    const Local& found = known_local(member(path, "local", loc), loc);
    const ScopeNames names(context_, scope_);
    const Path way = tail(path, 1);
    const ValueInProgress lead(context_, scope_, "local.", found.name, way, found.loc);
    try {
        used = path.size();
        return evaluate_at(*found.value, way, names);
    } catch (const Error&) {
        if (way.empty()) throw;
        used = 1; // an invalid step is an error of the reference, not of the local
        return evaluate(*found.value, names);
    }
}

Value ScopeNames::data(const Path& path, Loc loc, std::size_t& used) const {
    const ResourceBlock& block = data_source(member(path, "data", loc), loc);
    Value value = resource(block, tail(path, 1), loc, used);
    ++used; // the name
    return value;
}

Value ScopeNames::count(const Path& path, Loc loc, std::size_t& used) const {
    if (instance_ == nullptr || !instance_->index)
        throw Error(ErrorKind::spec,
                    "\"count\" is only available in a resource or a module's inputs, with count",
                    loc);
    const std::string what = member(path, "count", loc);
    if (what != "index") unknown_name("\"count\" has \"index\"", what, {"index"}, loc);
    used = 1;
    return instance_->any ? Value::unknown() : *instance_->index;
}

Value ScopeNames::each(const Path& path, Loc loc, std::size_t& used) const {
    if (instance_ == nullptr || instance_->over == nullptr)
        throw Error(ErrorKind::spec,
                    "\"each\" is only available in a resource or a module's inputs, with for_each",
                    loc);
    const std::string what = member(path, "each", loc);
    used = 1;
    if (what == "key") return instance_->any ? Value::unknown() : instance_->key;
    if (what != "value")
        unknown_name("\"each\" has \"key\" and \"value\"", what, {"key", "value"}, loc);
    if (instance_->any) return Value::unknown();
    if (instance_->of_set) return instance_->key;
    if (const Value* value = instance_->values.find(instance_->key)) return *value;
    Path way{Value(instance_->key)};
    way.insert(way.end(), path.begin() + 1, path.end());
    used = path.size();
    return evaluate_at(*instance_->over, way, ScopeNames(context_, scope_));
}

Value ScopeNames::resource(const ResourceBlock& block, const Path& path, Loc loc,
                           std::size_t& used) const {
    const std::vector<NodeId>& instances = resources_.instances(scope_, block);
    if (block.for_each == nullptr && block.count == nullptr)
        return instances.empty() ? Value::unknown() : resources_.value(instances.front());
    const auto instance_of = [&](NodeId id) -> const Instance& {
        return *resources_.node(id).instance;
    };
    const bool any = represents_all(instances, instance_of);
    if (any && path.empty()) return Value::unknown();
    const auto it = path.empty() ? instances.end()
                    : any        ? instances.begin()
                                 : find_instance(instances, path[0], instance_of);
    if (it != instances.end()) {
        used = 1;
        return resources_.value(*it);
    }
    const ResourceType* type = graph_.registry().type(block.type);
    if (!path.empty() && path[0].is_string() && type != nullptr &&
        find_attribute(type->schema, path[0].as_string()) != nullptr)
        throw ambiguous_instance(block, path[0].as_string(),
                                 instances.empty() ? "" : instance_of(instances.front()).key, loc);
    Value::List list;
    Value::Map map;
    for (const NodeId id : instances) {
        if (block.count != nullptr)
            list.push_back(resources_.value(id));
        else
            map.push_back({resources_.node(id).instance->key, resources_.value(id), block.loc});
    }
    return block.count != nullptr ? Value::list(std::move(list)) : Value::map(std::move(map));
}

} // namespace hadeploy
