#include "planner/graph/early.h"

#include "core/text.h"
#include "planner/graph/ignored.h"
#include "planner/graph/names.h"
#include "planner/graph/silenced.h"
#include "planner/spec/address.h"
#include "planner/spec/references.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <deque>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>

namespace hadeploy {

namespace {

/// Resources do not exist yet. Records that an expression used one, because `try()` would swallow
/// the error.
class NoResources : public Resources {
  public:
    const std::vector<NodeId>& instances(const Scope&, const ResourceBlock& block) const override {
        refuse(block.name);
    }
    const std::vector<const Scope*>& instances(const Scope&,
                                               const ModuleBlock& block) const override {
        refuse("module." + block.name);
    }
    const Node& node(NodeId) const override { refuse("a resource"); }
    Value value(NodeId) const override { refuse("a resource"); }

    mutable std::string asked_for; ///< the resource that was used; "": none

  private:
    [[noreturn]] void refuse(const std::string& name) const {
        asked_for = name;
        throw Error(ErrorKind::spec, "not known yet");
    }
};

constexpr const char* kEarlyHint = "it can use variables, locals, each and count";

Error not_a(std::string_view what, std::string_view wanted, const Value& got, Loc loc,
            std::string hint) {
    return Error(ErrorKind::spec,
                 fmt::format("{}: expected {}, got {}", what, wanted, got.kind_name()), loc)
        .with_hint(std::move(hint));
}

std::optional<bool> early_flag(const ExprPtr& expr, const Graph& graph, const Scope& scope,
                               const Instance* instance, std::string_view what) {
    if (expr == nullptr) return std::nullopt;
    const Value v = evaluate_early(*expr, graph, scope, instance, what);
    if (!v.is_bool())
        throw not_a(what, "a boolean", v, expr->loc(),
                    "true, false, or an expression that gives one of them");
    return v.as_bool();
}

/// Reconstructs an instance from its address. The block is in the spec, but may no longer have the
/// instance.
Instance former_instance(const AddressPart& part, const ExprPtr& for_each, const Graph& graph,
                         const Scope& scope) {
    Instance out{.key = part.key};
    if (part.indexed) {
        std::int64_t index = 0;
        std::from_chars(part.key.data(), part.key.data() + part.key.size(), index);
        out.index = index;
    } else if (for_each != nullptr) {
        out.over = for_each.get();
        out.values = evaluate_early(*for_each, graph, scope, nullptr, "for_each");
        out.of_set = out.values.is_list();
    }
    return out;
}

/// The block of an address and the scope in which it is evaluated, even if the spec no longer has
/// this instance.
class FormerBlock {
  public:
    FormerBlock(const std::string& address, const Graph& graph) {
        scope_ = &graph.root();
        for (const AddressPart& part : parts_of_address(address)) {
            if (!part.name.starts_with("module.")) {
                block = scope_->module->resource(part.name);
                if (block != nullptr && !part.key.empty())
                    instance = former_instance(part, block->for_each, graph, *scope_);
                return;
            }
            const ModuleBlock* call = scope_->module->module(part.name.substr(7));
            if (call == nullptr) return;
            Instance within = former_instance(part, call->for_each, graph, *scope_);
            scopes_.push_back({.module = call->module.get(),
                               .prefix = scope_->prefix + part.name + ".",
                               .parent = scope_,
                               .call = call,
                               .instance = std::move(within)});
            scope_ = &scopes_.back();
        }
    }
    [[nodiscard]] const Scope& scope() const { return *scope_; }

    const ResourceBlock* block = nullptr;
    HeapOptional<Instance> instance;

  private:
    std::deque<Scope> scopes_;
    const Scope* scope_ = nullptr;
};

} // namespace

Value evaluate_early(const Expr& expr, const Graph& graph, const Scope& scope,
                     const Instance* instance, std::string_view what) {
    const NoResources none;
    Value out;
    try {
        GraphContext context(graph, none);
        out = evaluate(expr, ScopeNames(context, scope, instance));
    } catch (const Error&) {
        if (none.asked_for.empty()) throw;
    }
    if (!none.asked_for.empty() || out.contains_unknown())
        throw Error(ErrorKind::spec,
                    none.asked_for.empty()
                        ? fmt::format("{} must be known before planning", what)
                        : fmt::format("{} can't depend on {}: it must be known before planning",
                                      what, none.asked_for),
                    expr.loc())
            .with_hint(kEarlyHint);
    if (out.contains_secret())
        throw Error(ErrorKind::spec,
                    fmt::format("{} can't depend on a secret: it would be visible", what),
                    expr.loc())
            .with_hint("use a variable that is not secret");
    return out;
}

bool has_lifecycle_values(const ResourceBlock& block) {
    const auto values = values_in(block.lifecycle());
    return std::any_of(values.begin(), values.end(), [](const ExprPtr& e) { return e != nullptr; });
}

LifecycleValues lifecycle_values(const ResourceBlock& block, const ResourceType& type,
                                 const Graph& graph, const Scope& scope, const Instance* instance) {
    const Lifecycle& l = block.lifecycle();
    const auto flag = [&](const ExprPtr& expr, std::string_view what) {
        return early_flag(expr, graph, scope, instance, what);
    };
    LifecycleValues out;
    out.prevent_destroy = flag(l.prevent_destroy, kPreventDestroy);
    out.keep_on_destroy = flag(l.keep_on_destroy, kKeepOnDestroy);
    out.create_before_destroy = flag(l.create_before_destroy, "create_before_destroy");
    if (l.ignore_changes != nullptr)
        read_ignored(evaluate_early(*l.ignore_changes, graph, scope, instance, "ignore_changes"),
                     type, out);
    if (l.silence != nullptr)
        out.silenced =
            read_silenced(evaluate_early(*l.silence, graph, scope, instance, "silence"), type);
    return out;
}

std::string address_of(const AddressPattern& pattern, const Graph& graph, const Scope& scope,
                       const Instance* instance, std::string_view what) {
    if (pattern.leads_within)
        throw Error(ErrorKind::spec,
                    fmt::format("{}: {} names a part of a resource", what, in_quotes(pattern.text)),
                    pattern.loc)
            .with_hint(fmt::format("name the resource itself: {}", pattern.parts.back().name));
    std::string out = scope.prefix;
    for (std::size_t i = 0; i < pattern.parts.size(); ++i) {
        const AddressPattern::Part& part = pattern.parts[i];
        out += (i == 0 ? "" : ".") + part.name;
        if (part.key == nullptr) continue;
        Value key;
        try {
            key = evaluate_early(*part.key, graph, scope, instance, what);
        } catch (Error& error) {
            error.loc = pattern.loc; // locations within patterns are unknown
            throw;
        }
        if (!key.is_string() && !key.is_integer())
            throw not_a(what, "a key or an index in brackets", key, pattern.loc,
                        "for example: web[each.key], web[0]");
        out += key.is_string() ? fmt::format("[\"{}\"]", key.as_string())
                               : fmt::format("[{}]", key.as_integer());
    }
    return out;
}

Leaving leaving_of(const RecordedResource& recorded, const Graph* graph) {
    Leaving out{.prevented = recorded.config.flag(kPreventDestroy),
                .kept = recorded.config.flag(kKeepOnDestroy)};
    if (graph == nullptr) return out;
    try {
        const FormerBlock former(resource_address(recorded.address), *graph);
        if (former.block == nullptr) return out;
        out.loc = former.block->loc;
        const Lifecycle& l = former.block->lifecycle();
        const auto said = [&](const ExprPtr& expr, std::string_view what, bool& flag) {
            const auto value =
                early_flag(expr, *graph, former.scope(), former.instance.get(), what);
            if (value) flag = *value;
        };
        said(l.prevent_destroy, kPreventDestroy, out.prevented);
        said(l.keep_on_destroy, kKeepOnDestroy, out.kept);
    } catch (const Error&) { // the value depends on an instance that exists
    }
    return out;
}

} // namespace hadeploy
