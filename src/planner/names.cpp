#include "planner/names.h"

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
std::vector<std::string> names_of(const Blocks& blocks) {
    std::vector<std::string> out;
    for (const auto& b : blocks) out.push_back(b.name);
    return out;
}

} // namespace

Value ScopeNames::resolve(const std::string& name, const Path& path, Loc loc,
                          std::size_t& used) const {
    used = 0;
    if (name == "var") return variable(path, loc, used);
    if (name == "local") return local(path, loc, used);
    if (name == "data") return data(path, loc, used);
    if (name == "module") return module_output(path, loc, used);
    if (name == "secret") return secret(path, loc, used);
    if (name == "each") return each(path, loc, used);
    if (name == "count") return count(path, loc, used);
    if (name == "path") {
        const std::string what = member(path, "path", loc);
        used = 1;
        if (what == "module") return scope_.module->directory.string();
        if (what == "root") return graph_.spec_.root.directory.string();
        unknown_name(fmt::format("there is no path.{}", what), what, {"module", "root"}, loc);
    }
    if (const ResourceBlock* block = scope_.module->resource(name))
        return resource(*block, path, used);
    unknown_root(name, loc);
}

void ScopeNames::check(const Reference& r) const {
    if (r.name == "var" && !r.steps.empty()) {
        (void)declared(r.steps[0], r.loc);
    } else if (r.name == "local" && !r.steps.empty()) {
        (void)known_local(r.steps[0], r.loc);
    } else if (r.name == "data" && !r.steps.empty()) {
        (void)data_source(r.steps[0], r.loc);
    } else if (r.name == "module" && !r.steps.empty()) {
        const Scope& called = child(r.steps[0], r.loc);
        if (r.steps.size() > 1) (void)output(called, r.steps[1], r.loc);
    } else {
        const bool root = r.name == "var" || r.name == "local" || r.name == "data" ||
                          r.name == "secret" || r.name == "module" || r.name == "each" ||
                          r.name == "count" || r.name == "path";
        if (!root && scope_.module->resource(r.name) == nullptr) unknown_root(r.name, r.loc);
    }
}

void ScopeNames::unknown_root(const std::string& name, Loc loc) const {
    std::vector<std::string> known = names_of(scope_.module->resources);
    for (const char* root : {"var", "local", "data", "secret", "module", "each", "count", "path"})
        known.emplace_back(root);
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
                 names_of(scope_.module->locals), loc);
}

const ResourceBlock& ScopeNames::data_source(const std::string& name, Loc loc) const {
    if (const ResourceBlock* found = scope_.module->resource("data." + name)) return *found;
    std::vector<std::string> known;
    for (const ResourceBlock& b : scope_.module->resources)
        if (b.data) known.push_back(b.name.substr(5));
    unknown_name(fmt::format("there is no data source \"{}\"", name), name, known, loc);
}

const Scope& ScopeNames::child(const std::string& name, Loc loc) const {
    const auto it = scope_.children.find(name);
    if (it != scope_.children.end()) return *it->second;
    unknown_name(fmt::format("there is no module \"{}\"", name), name,
                 names_of(scope_.module->modules), loc);
}

const Output& ScopeNames::output(const Scope& child, const std::string& name, Loc loc) const {
    if (const Output* found = child.module->output(name)) return *found;
    unknown_name(fmt::format("module \"{}\" has no output \"{}\"", child.call->name, name), name,
                 names_of(child.module->outputs), loc);
}

Value ScopeNames::variable(const Path& path, Loc loc, std::size_t& used) const {
    const std::string name = member(path, "var", loc);
    const Attribute& attribute = declared(name, loc).attribute;
    used = 1;
    if (scope_.call == nullptr) return graph_.variables_[name];
    const auto input = scope_.call->inputs.find(name);
    if (input == scope_.call->inputs.end()) return attribute.fallback.value_or(Value::unknown());
    used = path.size();
    const ScopeNames outside(graph_, resources_, *scope_.parent);
    Value value = evaluate_at(*input->second, tail(path, 1), outside);
    if (path.size() == 1) {
        Problems ignored; // check_inputs() reports them
        value = normalize(attribute, value, "", graph_.spec_.base_directory(), ignored);
    }
    return attribute.secret ? value.as_secret() : value;
}

/// Only the spec's own file has them by name: a module is given what it needs.
Value ScopeNames::secret(const Path& path, Loc loc, std::size_t& used) const {
    if (scope_.call != nullptr)
        throw Error(ErrorKind::spec, "a module sees no secrets but those that it is given", loc)
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

Value ScopeNames::module_output(const Path& path, Loc loc, std::size_t& used) const {
    const std::string name = member(path, "module", loc);
    const Scope& called = child(name, loc);
    const Module& module = *called.module;
    const ScopeNames inside(graph_, resources_, called);
    if (path.size() < 2 || !path[1].is_string()) {
        used = 1;
        Value::Map all;
        for (const Output& o : module.outputs) {
            const Value v = evaluate(*o.value, inside);
            all.push_back({o.name, o.secret ? v.as_secret() : v, o.loc});
        }
        return Value::map(std::move(all));
    }
    const Output& found = output(called, path[1].as_string(), loc);
    used = path.size();
    const Value v = evaluate_at(*found.value, tail(path, 2), inside);
    return found.secret ? v.as_secret() : v;
}

/// Evaluated where it is used and no further than it is: so dependencies stay narrow.
Value ScopeNames::local(const Path& path, Loc loc, std::size_t& used) const {
    const Local& found = known_local(member(path, "local", loc), loc);
    const ScopeNames names(graph_, resources_, scope_);
    try {
        used = path.size();
        return evaluate_at(*found.value, tail(path, 1), names);
    } catch (const Error&) {
        used = 1; // a step that leads nowhere is a mistake of the reference, not of the local
        return evaluate(*found.value, names);
    }
}

Value ScopeNames::data(const Path& path, Loc loc, std::size_t& used) const {
    const ResourceBlock& block = data_source(member(path, "data", loc), loc);
    Value value = resource(block, tail(path, 1), used);
    ++used; // the name
    return value;
}

Value ScopeNames::count(const Path& path, Loc loc, std::size_t& used) const {
    if (self_ == nullptr || !self_->index)
        throw Error(ErrorKind::spec, "\"count\" has a meaning only in a resource with count", loc);
    const std::string what = member(path, "count", loc);
    if (what != "index") unknown_name("\"count\" has \"index\"", what, {"index"}, loc);
    used = 1;
    return *self_->index;
}

Value ScopeNames::each(const Path& path, Loc loc, std::size_t& used) const {
    if (self_ == nullptr || !self_->keyed || self_->index)
        throw Error(ErrorKind::spec, "\"each\" has a meaning only in a resource with for_each",
                    loc);
    const std::string what = member(path, "each", loc);
    used = 1;
    if (what == "key") return self_->key;
    if (what != "value")
        unknown_name("\"each\" has \"key\" and \"value\"", what, {"key", "value"}, loc);
    if (self_->of_set) return self_->key;
    Path way{Value(self_->key)};
    way.insert(way.end(), path.begin() + 1, path.end());
    used = path.size();
    return evaluate_at(*self_->block->for_each, way, ScopeNames(graph_, resources_, scope_));
}

Value ScopeNames::resource(const ResourceBlock& block, const Path& path, std::size_t& used) const {
    const std::vector<NodeId>& instances = resources_.instances(scope_, block);
    if (block.count != nullptr) {
        const bool one = !path.empty() && path[0].is_integer() && path[0].as_integer() >= 0 &&
                         path[0].as_integer() < static_cast<std::int64_t>(instances.size());
        if (one) {
            used = 1;
            return resources_.value(instances[static_cast<std::size_t>(path[0].as_integer())]);
        }
        Value::List all;
        for (const NodeId id : instances) all.push_back(resources_.value(id));
        return Value::list(std::move(all));
    }
    if (block.for_each == nullptr) return resources_.value(instances.front());
    if (!path.empty() && path[0].is_string()) {
        const auto it = std::lower_bound(
            instances.begin(), instances.end(), path[0].as_string(),
            [&](NodeId id, const std::string& key) { return resources_.node(id).key < key; });
        if (it != instances.end() && resources_.node(*it).key == path[0].as_string()) {
            used = 1;
            return resources_.value(*it);
        }
    }
    Value::Map all;
    for (const NodeId id : instances)
        all.push_back({resources_.node(id).key, resources_.value(id), block.loc});
    return Value::map(std::move(all));
}

} // namespace hadeploy
