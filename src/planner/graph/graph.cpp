#include "planner/graph/graph.h"

#include "core/secrecy.h"
#include "planner/graph/computed.h"
#include "planner/graph/expand.h"
#include "planner/graph/hide_secrets.h"
#include "planner/graph/imports.h"
#include "planner/graph/names.h"
#include "planner/spec/references.h"
#include "provider_api/lifecycle_keys.h"
#include "provider_api/normalize.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy {

Graph::Graph(const Spec& spec, const Registry& registry, Value variables)
    : spec_(spec), registry_(registry), variables_(std::move(variables)) {
    expand(*this);
    Diagnostics diagnostics;
    imports_ = evaluate_imports(*this, diagnostics);
    diagnostics.throw_if_any();
}

namespace {
/// Checks the pre- or postconditions of one resource.
void check_conditions(const std::vector<Rule>& rules, const std::string& address,
                      const Names& names, Diagnostics& diagnostics) {
    for (const Rule& rule : rules) {
        try {
            if (const auto broken = broken_rule(rule, names))
                throw Error(ErrorKind::spec, *broken, rule.loc);
        } catch (const Error& error) {
            Error named = error;
            named.address = address;
            diagnostics.add(std::move(named));
        }
    }
}
} // namespace

/// The resources of the expanded graph, with values from outside.
class LiveResources : public Resources {
  public:
    LiveResources(const Graph& graph, const Graph::Values& values)
        : graph_(graph), values_(values) {}
    const std::vector<NodeId>& instances(const Scope& scope,
                                         const ResourceBlock& block) const override {
        return graph_.instances_[scope.number].resources[index_of(scope.module->resources, block)];
    }
    const std::vector<const Scope*>& instances(const Scope& scope,
                                               const ModuleBlock& block) const override {
        return graph_.instances_[scope.number].modules[index_of(scope.module->modules, block)];
    }
    const Node& node(NodeId id) const override { return graph_.nodes_[id]; }
    Value value(NodeId id) const override { return values_(id); }

  private:
    const Graph& graph_;
    const Graph::Values& values_;
};

namespace {
/// An evaluation in the expanded graph.
struct LiveContext : private LiveResources, GraphContext {
    LiveContext(const Graph& of, const Graph::Values& values)
        : LiveResources(of, values), GraphContext(of, static_cast<const LiveResources&>(*this)) {}
};
} // namespace

std::optional<NodeId> Graph::find(const std::string& address) const {
    const auto it = by_address_.find(address);
    return it == by_address_.end() ? std::nullopt : std::optional(it->second);
}

const LifecycleValues& Node::lifecycle() const {
    static const LifecycleValues none;
    return own_lifecycle ? *own_lifecycle : none;
}

const Import* Graph::import_of(const std::string& address) const {
    for (const auto* all : {&spec_.imports, &imports_})
        if (const auto it = all->find(address); it != all->end()) return &it->second;
    return nullptr;
}

std::map<std::string, Import> Graph::imports() const {
    std::map<std::string, Import> out = spec_.imports;
    out.insert(imports_.begin(), imports_.end());
    return out;
}

std::vector<std::string> Graph::dependencies(NodeId id) const {
    std::vector<NodeId> todo = nodes_[id].deps;
    std::set<NodeId> found;
    std::set<NodeId> passed;
    while (!todo.empty()) {
        const NodeId d = todo.back();
        todo.pop_back();
        if (!nodes_[d].type->data)
            found.insert(d);
        else if (passed.insert(d).second)
            todo.insert(todo.end(), nodes_[d].deps.begin(), nodes_[d].deps.end());
    }
    std::vector<std::string> out;
    for (const NodeId d : found) out.push_back(nodes_[d].address);
    return out;
}

Value Graph::config(NodeId id, const Values& values, Diagnostics& diagnostics) const {
    const Node& node = nodes_[id];
    LiveContext context(*this, values);
    const ScopeNames names(context, *node.scope, node.instance.get());
    const std::size_t before = diagnostics.list().size();
    Value::Map entries;
    entries.reserve(node.block->attributes.size());
    for (const Argument& a : node.block->attributes) {
        try {
            entries.push_back({a.name, evaluate(*a.value, names), a.loc});
        } catch (Error& error) {
            error.address = node.address;
            diagnostics.add(std::move(error));
        }
    }
    if (diagnostics.list().size() != before) return {};
    const Value raw = Value::map(std::move(entries)).at(node.block->loc);
    Value config = normalize(node.type->schema, raw, node.address, node.block->loc,
                             spec_.base_directory(), diagnostics);
    if (diagnostics.list().size() != before) return {};
    Diagnostics found; // a safety net: types already use quoted() for secrets
    node.type->check(config, found);
    for (const Error& error : found.list()) diagnostics.add(hide_secrets(error, config));
    if (diagnostics.list().size() != before) return {};
    if (node.type->derives_from_files) spec_.external_inputs->note();
    try {
        config = with_derived(*node.type, config); // can throw
    } catch (Error& failure) {
        Error error = hide_secrets(std::move(failure), *node.type, config);
        error.kind = ErrorKind::spec; // for example a file that it names is missing
        if (!error.loc.known()) error.loc = node.block->loc;
        error.address = node.address;
        diagnostics.add(std::move(error));
    }
    check_conditions(node.block->lifecycle().preconditions, node.address, names, diagnostics);
    if (node.lifecycle().prevent_destroy.value_or(false))
        config = config.with(kPreventDestroy, true);
    if (node.lifecycle().keep_on_destroy.value_or(false))
        config = config.with(kKeepOnDestroy, true);
    return with_machine(*node.type, node.address, std::move(config));
}

void Graph::check_postconditions(NodeId id, const Values& values, Diagnostics& diagnostics) const {
    const Node& node = nodes_[id];
    if (node.block->lifecycle().postconditions.empty()) return;
    LiveContext context(*this, values);
    const Value self = values(id);
    const ScopeNames names(context, *node.scope, node.instance.get(), &self);
    check_conditions(node.block->lifecycle().postconditions, node.address, names, diagnostics);
}

Value Graph::settings(const Provider& provider, Diagnostics& diagnostics) const {
    const auto it = spec_.providers.find(provider.name);
    Value raw = Value::map({});
    Loc loc;
    if (it != spec_.providers.end()) {
        const Values none = [](NodeId) { return Value::unknown(); };
        LiveContext context(*this, none);
        raw = evaluate(*it->second, ScopeNames(context, *scopes_.front()));
        loc = spec_.provider_locs.at(provider.name);
    }
    const std::size_t before = diagnostics.list().size();
    Value settings = normalize(provider.schema, raw, "provider " + provider.name, loc,
                               spec_.base_directory(), diagnostics);
    if (diagnostics.list().size() == before) provider.check(settings, diagnostics);
    return settings;
}

bool is_serial_pair(const Node& a, const Node& b) {
    return a.block == b.block && a.scope == b.scope && a.block->serial;
}

Value Graph::chaos_settings(const Values& values) const {
    if (spec_.chaos == nullptr) return {};
    LiveContext context(*this, values);
    return evaluate(*spec_.chaos, ScopeNames(context, *scopes_.front())).at(spec_.chaos_loc);
}

Value Graph::value(const Expr& expr, const Values& values) const {
    LiveContext context(*this, values);
    const ScopeNames names(context, *scopes_.front());
    for (const Reference& reference : references_in(expr)) names.check(reference);
    return evaluate(expr, names);
}

std::vector<NodeId> Graph::sources(NodeId id, const std::string& attribute) const {
    const Node& node = nodes_[id];
    const Argument* written = node.block->attribute(attribute);
    if (written == nullptr) return {};
    std::set<NodeId> touched;
    const Values watch = [&](NodeId n) {
        touched.insert(n);
        return Value::unknown();
    };
    LiveContext context(*this, watch);
    (void)evaluate(*written->value, ScopeNames(context, *node.scope, node.instance.get()));
    return {touched.begin(), touched.end()};
}

Value Graph::outputs(const Values& values, Diagnostics& diagnostics) const {
    LiveContext context(*this, values);
    const ScopeNames names(context, *scopes_.front());
    Value::Map out;
    for (const Output& o : spec_.root.outputs) {
        try {
            const Value v = evaluate(*o.value, names);
            out.push_back({o.name, o.secret ? v.as_secret() : v, o.loc});
        } catch (Error& error) {
            diagnostics.add(std::move(error));
        }
    }
    return Value::map(std::move(out));
}

void Graph::check_inputs(const Values& values, Diagnostics& diagnostics) const {
    LiveContext context(*this, values);
    for (const auto& scope : scopes_) check_scope(*scope, context, diagnostics);
}

void Graph::check_open_inputs(const Values& values, Diagnostics& diagnostics) const {
    LiveContext context(*this, values);
    for (const auto& scope : scopes_)
        if (scope->open) check_scope(*scope, context, diagnostics);
}

void Graph::check_inputs_of(NodeId id, const Values& values, Diagnostics& diagnostics) const {
    LiveContext context(*this, values);
    for (const Scope* s = nodes_[id].scope; s != nullptr; s = s->parent)
        if (s->open) check_scope(*s, context, diagnostics);
}

void Graph::check_scope(const Scope& scope, GraphContext& context, Diagnostics& diagnostics) const {
    if (check_types(scope, context, diagnostics))
        check_rules(scope, ScopeNames(context, scope), diagnostics);
}

bool Graph::check_types(const Scope& scope, GraphContext& context, Diagnostics& diagnostics) const {
    if (scope.call == nullptr) return true;
    const std::size_t before = diagnostics.list().size();
    const ScopeNames outside(context, *scope.parent, &scope.instance);
    const std::string name = scope.prefix.substr(0, scope.prefix.size() - 1); // without the dot
    for (const Variable& v : scope.module->variables) {
        const auto input = scope.call->inputs.find(v.attribute.name);
        if (input == scope.call->inputs.end()) continue;
        try {
            normalize(v.attribute, evaluate(*input->second, outside),
                      fmt::format("{}: {}", name, v.attribute.name), spec_.base_directory(),
                      diagnostics);
        } catch (Error& error) {
            diagnostics.add(std::move(error));
        }
    }
    return diagnostics.list().size() == before;
}

void Graph::check_output_rules(const Values& values, Diagnostics& diagnostics) const {
    LiveContext context(*this, values);
    for (const auto& scope : scopes_)
        for (const Output& o : scope->module->outputs) {
            try {
                check_preconditions(o, ScopeNames(context, *scope));
            } catch (Error& error) {
                diagnostics.add(std::move(error));
            }
        }
}

void Graph::check_rules(const Scope& scope, const Names& names, Diagnostics& diagnostics) const {
    for (const Variable& v : scope.module->variables)
        for (const Rule& rule : v.rules) {
            try {
                const auto broken = broken_rule(rule, names);
                if (!broken) continue;
                Error error(ErrorKind::spec,
                            fmt::format("variable \"{}\": {}", v.attribute.name, *broken),
                            rule.loc);
                const std::string& name = v.attribute.name;
                const Loc given = scope.call == nullptr ? variables_[name].loc()
                                  : scope.call->inputs.contains(name)
                                      ? scope.call->input_locs.at(name)
                                      : Loc{};
                if (given.known()) error.with_note("the value is here", given);
                diagnostics.add(std::move(error));
            } catch (Error& error) {
                diagnostics.add(std::move(error));
            }
        }
}

std::vector<Error> Graph::broken_checks(const Values& values) const {
    LiveContext context(*this, values);
    std::vector<Error> out;
    for (const auto& scope : scopes_) {
        const ScopeNames names(context, *scope);
        for (const Check& check : scope->module->checks)
            for (const Rule& rule : check.rules) {
                const std::string name = fmt::format("check {}{}", scope->prefix, check.name);
                try {
                    if (const auto broken = broken_rule(rule, names))
                        out.emplace_back(ErrorKind::spec, fmt::format("{}: {}", name, *broken),
                                         rule.loc);
                } catch (Error& error) { // an error in a check stops nothing either
                    error.message = fmt::format("{}: {}", name, error.message);
                    out.push_back(std::move(error));
                }
            }
    }
    return out;
}

void check_preconditions(const Output& output, const Names& names) {
    for (const Rule& rule : output.preconditions)
        if (const auto broken = broken_rule(rule, names))
            throw Error(ErrorKind::spec, fmt::format("output \"{}\": {}", output.name, *broken),
                        rule.loc)
                .with_note("the output is here", output.loc);
}

std::optional<std::string> broken_rule(const Rule& rule, const Names& names) {
    const Value holds = evaluate(*rule.check, names);
    if (holds.is_unknown()) return std::nullopt;
    if (!holds.is_bool())
        throw Error(ErrorKind::spec,
                    fmt::format("a check must be a boolean, not {}", holds.kind_name()), rule.loc)
            .with_hint("write a comparison, such as ${self.port > 1024}");
    if (holds.as_bool()) return std::nullopt;
    return display(evaluate(*rule.message, names));
}

} // namespace hadeploy
