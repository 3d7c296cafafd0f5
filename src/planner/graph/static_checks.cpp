#include "planner/graph/static_checks.h"

#include "core/did_you_mean.h"
#include "planner/graph/early.h"
#include "planner/spec/references.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy {

namespace {

void check_providers(const Graph& graph, Diagnostics& diagnostics) {
    std::vector<std::string> known;
    for (const auto& provider : graph.registry().providers()) known.push_back(provider->name);
    for (const auto& [name, loc] : graph.spec().provider_locs) {
        if (graph.registry().provider(name) != nullptr) continue;
        Error& error = diagnostics.add(fmt::format("there is no provider \"{}\"", name), loc);
        const auto close = did_you_mean(name, known);
        error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                           : fmt::format("there are: {}", fmt::join(known, ", "));
    }
}

void check_call(const ModuleBlock& call, Diagnostics& diagnostics) {
    std::vector<std::string> known;
    for (const Variable& v : call.module->variables) {
        known.push_back(v.attribute.name);
        if (v.attribute.required && !call.inputs.contains(v.attribute.name))
            diagnostics
                .add(fmt::format("module \"{}\" needs the input \"{}\"", call.name,
                                 v.attribute.name),
                     call.loc)
                .with_note("declared here", v.loc)
                .with_hint(fmt::format("set it under `with`: {}: VALUE", v.attribute.name));
    }
    const bool secrets = std::any_of(call.module->variables.begin(), call.module->variables.end(),
                                     [](const Variable& v) { return v.attribute.secret; });
    for (const auto& [name, expr] : call.inputs) {
        if (call.module->variable(name) != nullptr) continue;
        const auto close = did_you_mean(name, known);
        // where secrets are expected, a name that does not resemble any known name may be a secret
        Error& error = diagnostics.add(
            secrets && !close ? fmt::format("module \"{}\" has no such input", call.name)
                              : fmt::format("module \"{}\" has no input \"{}\"", call.name, name),
            call.input_locs.at(name));
        if (close)
            error.hint = fmt::format("did you mean \"{}\"?", *close);
        else if (!known.empty())
            error.hint = fmt::format("it has: {}", fmt::join(known, ", "));
    }
}

void check_calls_of(const Module& module, std::set<const Module*>& done, Diagnostics& diagnostics) {
    if (!done.insert(&module).second) return;
    for (const ModuleBlock& call : module.modules) {
        check_call(call, diagnostics);
        check_calls_of(*call.module, done, diagnostics);
    }
}

class ModuleCheck {
  public:
    ModuleCheck(GraphContext& context, Diagnostics& diagnostics)
        : context_(context), diagnostics_(diagnostics) {}

    void operator()(const Module& module) {
        if (!done_.insert(&module).second) return;
        const Scope scope{&module};
        const ScopeNames names(context_, scope);
        const auto check = [&](const ExprPtr& expr, bool secret = false) {
            if (!expr) return;
            for (const Reference& r : references_in(*expr)) {
                try {
                    names.check(r);
                } catch (Error& error) {
                    if ((secret || r.in_secret) && r.steps.empty()) error = without_name(error);
                    diagnostics_.add(std::move(error));
                }
            }
        };
        const auto check_rules = [&](const std::vector<Rule>& rules) {
            for (const Rule& rule : rules) {
                check(rule.check);
                check(rule.message);
            }
        };
        for (const Variable& v : module.variables) check_rules(v.rules);
        for (const ResourceBlock& block : module.resources) {
            const ResourceType* type = context_.graph.registry().type(block.type);
            for (const Argument& a : block.attributes) {
                const Attribute* known =
                    type == nullptr ? nullptr : find_attribute(type->schema, a.name);
                check(a.value, known != nullptr && known->secret);
            }
            const Lifecycle& l = block.lifecycle();
            for (const ExprPtr& value : values_in(l)) check(value);
            check_rules(l.preconditions);
            check_rules(l.postconditions);
            check_unused(module, block);
        }
        for (const Local& local : module.locals) check(local.value);
        for (const Output& o : module.outputs) {
            check(o.value);
            check_rules(o.preconditions);
        }
        for (const Check& c : module.checks) check_rules(c.rules);
        for (const ModuleBlock& call : module.modules) {
            for (const auto& [name, expr] : call.inputs) check(expr);
            (*this)(*call.module);
        }
    }

  private:
    /// If a secret is expected, a single word may be the secret without its quotes.
    static Error without_name(const Error& error) {
        return Error(error.kind, "nothing here has this name", error.loc)
            .with_hint("a string in an expression needs quotes: \"...\", or '...' within \"...\"; "
                       "the name is not shown, because it may be a secret");
    }

    /// Checks a lifecycle that does not refer to anything, even if the block has no instances.
    void check_unused(const Module& module, const ResourceBlock& block) {
        try {
            const ResourceType& type = type_of(block, context_.graph.registry());
            const Lifecycle& l = block.lifecycle();
            for (const ExprPtr& e : values_in(l))
                if (e != nullptr && !references_in(*e).empty()) return;
            const Scope scope{&module};
            if (has_lifecycle_values(block))
                (void)lifecycle_values(block, type, context_.graph, scope, nullptr);
        } catch (Error& error) {
            diagnostics_.add(std::move(error));
        }
    }

    GraphContext& context_;
    Diagnostics& diagnostics_;
    std::set<const Module*> done_;
};

} // namespace

const ResourceType& type_of(const ResourceBlock& block, const Registry& registry) {
    const ResourceType* type = registry.type(block.type);
    if (type != nullptr && type->data == block.data) return *type;
    if (type != nullptr)
        throw Error(ErrorKind::spec,
                    fmt::format("\"{}\" is a type of {}", block.type,
                                type->data ? "data sources" : "resources"),
                    block.type_loc)
            .with_hint(type->data ? "put the block under `data:`"
                                  : "put the block under `resources:`");
    std::vector<std::string> known;
    for (const auto& t : registry.types())
        if (t->data == block.data) known.push_back(t->name);
    Error error(ErrorKind::spec,
                fmt::format("there is no {} type \"{}\"", block.data ? "data source" : "resource",
                            block.type),
                block.type_loc);
    const auto close = did_you_mean(block.type, known);
    error.hint =
        close ? fmt::format("did you mean \"{}\"?", *close) : "`hadeploy docs` lists all types";
    throw error;
}

void check_calls(const Graph& graph, Diagnostics& diagnostics) {
    check_providers(graph, diagnostics);
    std::set<const Module*> done;
    check_calls_of(graph.spec().root, done, diagnostics);
}

void check_modules(GraphContext& context, Diagnostics& diagnostics) {
    ModuleCheck(context, diagnostics)(context.graph.spec().root);
}

} // namespace hadeploy
