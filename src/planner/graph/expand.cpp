#include "planner/graph/expand.h"

#include "core/trace.h"
#include "planner/graph/early.h"
#include "planner/graph/instances.h"
#include "planner/graph/named_nodes.h"
#include "planner/graph/names.h"
#include "planner/graph/order.h"
#include "planner/graph/static_checks.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace hadeploy {

namespace {
/// The limit for all blocks together, including blocks within modules that have instances.
/// kMostInstances limits a single block.
constexpr std::size_t kMostResources = 1'000'000;
/// Not an Error, so that it bypasses all error handlers: counting beyond the limit would take too
/// long.
struct TooMany {
    Loc loc;
};
} // namespace

/// Builds a Graph from a Spec: first the instances, on demand (a for_each can use the instances of
/// another resource or module), then the edges, by evaluating every attribute once and recording
/// the nodes that it accesses.
class Expander : public Resources {
  public:
    Expander(Graph& graph) : graph_(graph) {}

    void run() {
        make_scope(graph_.spec_.root, "", nullptr, nullptr, {});
        check_calls(graph_, diagnostics_);
        // the loop adds more scopes
        const std::size_t before = diagnostics_.list().size();
        Diagnostics inputs;
        for (std::size_t i = 0; i < graph_.scopes_.size(); ++i) {
            const Scope& scope = *graph_.scopes_[i];
            // Without its instances, a block that failed looks like an empty map to inputs.
            const bool checked = diagnostics_.list().size() == before;
            if (!checked || inputs_hold(scope, inputs)) expand(scope);
        }
        for (const Error& error : inputs.list()) diagnostics_.add(error);
        diagnostics_.throw_if_any();
        check_modules(context_, diagnostics_);
        for (NodeId id = 0; id < nodes_.size(); ++id) trace(id);
        for (const auto& scope : graph_.scopes_) {
            trace_inputs(*scope);
            check_values(*scope);
            explicit_dependencies(*scope);
        }
        diagnostics_.throw_if_any();
        renumber();
        graph_.order_ = topological_order(graph_.nodes_);
        spread_create_first(graph_.nodes_, graph_.order_);
    }

    const std::vector<NodeId>& instances(const Scope& scope,
                                         const ResourceBlock& block) const override {
        auto& made = made_[scope.number].resources[index_of(scope.module->resources, block)];
        return make_once(made, block, [&](std::vector<NodeId>& ids) {
            const ResourceType* type = &type_of(block, graph_.registry_);
            auto all = instances_of(block, scope);
            ids.reserve(all.size());
            for (auto& [suffix, instance] : all) {
                refuse_too_many(nodes_.size(), block.loc);
                ids.push_back(static_cast<NodeId>(nodes_.size()));
                nodes_.push_back({.address = scope.prefix + block.name + suffix,
                                  .type = type,
                                  .block = &block,
                                  .scope = &scope,
                                  .instance = std::move(instance)});
            }
        });
    }
    const std::vector<const Scope*>& instances(const Scope& scope,
                                               const ModuleBlock& block) const override {
        auto& made = made_[scope.number].modules[index_of(scope.module->modules, block)];
        return make_once(made, block, [&](auto& scopes) {
            const std::string name = scope.prefix + "module." + block.name;
            for (auto& [suffix, instance] : instances_of(block, scope)) {
                refuse_too_many(graph_.scopes_.size(), block.loc);
                scopes.push_back(&make_scope(*block.module, name + suffix + ".", &scope, &block,
                                             instance ? std::move(*instance) : Instance{}));
            }
        });
    }
    const Node& node(NodeId id) const override { return nodes_[id]; }
    Value value(NodeId id) const override {
        if (touched_ != nullptr) touched_->insert(id);
        return Value::unknown();
    }

  private:
    enum class State { fresh, busy, done };
    template<class Id>
    struct Made {
        State state = State::fresh;
        std::vector<Id> all;
    };
    /// Instances by block.
    struct MadeIn {
        std::vector<Made<NodeId>> resources;
        std::vector<Made<const Scope*>> modules;
    };

    /// Records the accessed nodes during its lifetime.
    class Watch {
      public:
        Watch(const Expander& expander, std::set<NodeId>& touched)
            : expander_(expander), before_(std::exchange(expander.touched_, &touched)) {}
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        ~Watch() { expander_.touched_ = before_; }

      private:
        const Expander& expander_;
        std::set<NodeId>* before_;
    };

    template<class Id, class Block, class Make>
    const std::vector<Id>& make_once(Made<Id>& made, const Block& block, Make make) const {
        if (made.state == State::done) return made.all;
        if (made.state == State::busy)
            throw Error(
                ErrorKind::spec,
                fmt::format("the number of instances of \"{}\" depends on itself", block.name),
                block.loc)
                .with_hint(
                    "calculate `count` or `for_each` from variables, locals or other blocks");
        made.state = State::busy;
        try {
            make(made.all);
        } catch (...) {
            made.state = State::done; // the error of a block is reported only once
            throw;
        }
        made.state = State::done;
        return made.all;
    }

    static void refuse_too_many(std::size_t so_far, Loc loc) {
        if (so_far >= kMostResources) throw TooMany{loc};
    }

    const Scope& make_scope(const Module& module, std::string prefix, const Scope* parent,
                            const ModuleBlock* call, Instance instance) const {
        graph_.scopes_.push_back(std::make_unique<Scope>(
            Scope{&module, made_.size(), std::move(prefix), parent, call, std::move(instance)}));
        MadeIn& inside = made_.emplace_back();
        inside.resources.resize(module.resources.size());
        inside.modules.resize(module.modules.size());
        return *graph_.scopes_.back();
    }

    /// Whether a module can be expanded with its inputs. Otherwise the inputs are reported, not
    /// their consequences in the module.
    bool inputs_hold(const Scope& scope, Diagnostics& out) {
        if (scope.call != nullptr)
            for (const Variable& v : scope.module->variables)
                if (v.attribute.required && !scope.call->inputs.contains(v.attribute.name))
                    return false; // check_calls() has reported it
        const std::size_t before = out.list().size();
        graph_.check_scope(scope, context_, out);
        return out.list().size() == before;
    }

    /// Creates all instances of the blocks and module calls in a scope.
    void expand(const Scope& scope) {
        const auto attempt = [&](const auto& block) {
            try {
                (void)instances(scope, block);
            } catch (Error& error) {
                diagnostics_.add(std::move(error));
            }
        };
        for (const ModuleBlock& block : scope.module->modules) attempt(block);
        for (const ResourceBlock& block : scope.module->resources) attempt(block);
    }

    /// The instances of a for_each or a count, each with the suffix of its address.
    template<class Block>
    std::vector<std::pair<std::string, HeapOptional<Instance>>>
    instances_of(const Block& block, const Scope& scope) const {
        std::vector<std::pair<std::string, HeapOptional<Instance>>> out;
        if (block.for_each == nullptr && block.count == nullptr) {
            out.emplace_back();
            return out;
        }
        const Expr& expr = block.count != nullptr ? *block.count : *block.for_each;
        std::set<NodeId> touched; // keys are not dependencies
        Value over;
        {
            const Watch watch(*this, touched);
            over = evaluate(expr, ScopeNames(context_, scope));
        }
        const bool open = over.is_unknown() || (over.is_list() && over.contains_unknown());
        if (open && touched.empty() && graph_.variables_.contains_unknown()) {
            Instance any{.any = true};
            if (block.count != nullptr)
                any.index = 0;
            else
                any.over = &expr;
            out.emplace_back("[*]", std::move(any));
            return out;
        }
        if (block.count != nullptr) {
            const std::int64_t n = instance_count(over, expr);
            for (std::int64_t i = 0; i < n; ++i)
                out.emplace_back(fmt::format("[{}]", i),
                                 Instance{.key = fmt::to_string(i), .index = i});
            return out;
        }
        for (std::string& key : instance_keys(over, expr)) {
            std::string suffix = fmt::format("[\"{}\"]", key);
            out.emplace_back(std::move(suffix),
                             Instance{.key = std::move(key),
                                      .over = &expr,
                                      .of_set = over.is_list(),
                                      .values = touched.empty() ? over : Value()});
        }
        return out;
    }

    /// Finds the dependencies of a node, and the errors that do not need values.
    void trace(NodeId id) {
        const Node& self = nodes_[id];
        const bool first = instances(*self.scope, *self.block).front() == id;
        std::set<NodeId> touched;
        const Watch watch(*this, touched);
        const Value unknown = Value::unknown();
        const ScopeNames names(context_, *self.scope, self.instance.get());
        const ScopeNames later(context_, *self.scope, self.instance.get(), &unknown);
        const auto look = [&](const ExprPtr& expr, const ScopeNames& with) {
            try {
                (void)evaluate(*expr, with);
            } catch (Error& error) {
                // all instances of a block have the same errors
                if (first) diagnostics_.add(std::move(error));
            }
        };
        for (const Argument& a : self.block->attributes) look(a.value, names);
        settle_lifecycle(id);
        const Lifecycle& lifecycle = self.block->lifecycle();
        for (const auto& [rules, with] : {std::pair(&lifecycle.preconditions, &names),
                                          std::pair(&lifecycle.postconditions, &later)})
            for (const Rule& rule : *rules) {
                look(rule.check, *with);
                look(rule.message, *with);
            }
        nodes_[id].deps.assign(touched.begin(), touched.end());
    }

    void settle_lifecycle(NodeId id) {
        Node& node = nodes_[id];
        if (!has_lifecycle_values(*node.block)) return;
        try {
            node.own_lifecycle =
                lifecycle_values(*node.block, *node.type, graph_, *node.scope, node.instance.get());
        } catch (Error& error) {
            diagnostics_.add(std::move(error));
        }
    }

    /// Determines whether the inputs or the rules of a module can depend on resources.
    void trace_inputs(Scope& scope) {
        std::set<NodeId> touched;
        const Watch watch(*this, touched);
        const auto look = [](const ExprPtr& expr, const ScopeNames& names) {
            try {
                (void)evaluate(*expr, names);
            } catch (const Error&) { // Graph::check_inputs() reports it
            }
        };
        const ScopeNames inside(context_, scope);
        for (const Variable& v : scope.module->variables)
            for (const Rule& rule : v.rules) look(rule.check, inside);
        if (scope.call != nullptr) {
            const ScopeNames outside(context_, *scope.parent, &scope.instance);
            for (const auto& [name, expr] : scope.call->inputs) look(expr, outside);
        }
        scope.open = !touched.empty();
    }

    /// Evaluates the locals and outputs of a scope even if nothing refers to them.
    void check_values(const Scope& scope) {
        const auto check = [&](const Expr& value) {
            try {
                (void)evaluate(value, ScopeNames(context_, scope));
            } catch (Error& error) {
                diagnostics_.add(std::move(error));
            }
        };
        for (const Output& output : scope.module->outputs) check(*output.value);
        for (const Local& local : scope.module->locals) check(*local.value);
    }

    void explicit_dependencies(const Scope& scope) {
        for (const ResourceBlock& block : scope.module->resources) {
            const std::vector<NodeId>& ids = instances(scope, block);
            const std::vector<NodeId> targets = named_.dependencies(block.depends_on, scope);
            for (const NodeId id : ids) wait_for(id, targets);
            add_triggers(scope, block, ids);
            if (block.serial)
                for (std::size_t i = 1; i < ids.size(); ++i) depend(ids[i], {ids[i - 1]});
        }
        for (const ModuleBlock& call : scope.module->modules) {
            const std::vector<NodeId> targets = named_.dependencies(call.depends_on, scope);
            if (targets.empty()) continue;
            std::vector<NodeId> ids;
            for (const Scope* inside : instances(scope, call)) named_.add_all(*inside, ids);
            for (const NodeId id : ids) wait_for(id, targets);
        }
    }

    void add_triggers(const Scope& scope, const ResourceBlock& block,
                      const std::vector<NodeId>& ids) {
        const std::vector<AddressPattern>& patterns = block.lifecycle().replace_triggered_by;
        if (patterns.empty()) return;
        const bool each = std::any_of(patterns.begin(), patterns.end(),
                                      [](const AddressPattern& p) { return p.has_keys(); });
        std::vector<NodeId> triggers;
        for (const NodeId id : ids) {
            if (each || id == ids.front()) {
                triggers.clear();
                for (const AddressPattern& p : patterns)
                    named_.add_triggers(p, scope, nodes_[id].instance.get(), triggers);
            }
            depend(id, triggers);
            nodes_[id].triggers = triggers;
        }
    }

    void depend(NodeId id, const std::vector<NodeId>& targets) {
        std::vector<NodeId>& deps = nodes_[id].deps;
        deps.insert(deps.end(), targets.begin(), targets.end());
    }

    /// Adds the dependencies of a depends_on.
    void wait_for(NodeId id, const std::vector<NodeId>& targets) {
        depend(id, targets);
        if (!nodes_[id].type->data) return;
        std::vector<NodeId>& awaited = nodes_[id].awaited;
        awaited.insert(awaited.end(), targets.begin(), targets.end());
    }

    /// Assigns ids in the order of addresses, so that they do not depend on the order of expansion.
    void renumber() {
        std::vector<NodeId> by_address(nodes_.size());
        for (NodeId i = 0; i < by_address.size(); ++i) by_address[i] = i;
        std::sort(by_address.begin(), by_address.end(),
                  [&](NodeId a, NodeId b) { return nodes_[a].address < nodes_[b].address; });
        std::vector<NodeId> new_id(nodes_.size());
        for (NodeId i = 0; i < by_address.size(); ++i) new_id[by_address[i]] = i;
        graph_.nodes_.reserve(nodes_.size());
        graph_.by_address_.reserve(nodes_.size());
        for (const NodeId old : by_address) {
            Node& n = graph_.nodes_.emplace_back(std::move(nodes_[old]));
            for (NodeId& d : n.deps) d = new_id[d];
            for (NodeId& t : n.triggers) t = new_id[t];
            for (NodeId& a : n.awaited) a = new_id[a];
            std::sort(n.deps.begin(), n.deps.end());
            n.deps.erase(std::unique(n.deps.begin(), n.deps.end()), n.deps.end());
            graph_.by_address_.emplace(n.address, static_cast<NodeId>(graph_.nodes_.size() - 1));
        }
        graph_.instances_.reserve(made_.size());
        for (MadeIn& made : made_) {
            Graph::Instances& in = graph_.instances_.emplace_back();
            in.resources.reserve(made.resources.size());
            for (Made<NodeId>& block : made.resources) {
                for (NodeId& id : block.all) id = new_id[id];
                in.resources.push_back(std::move(block.all));
            }
            for (Made<const Scope*>& block : made.modules)
                in.modules.push_back(std::move(block.all));
        }
        made_.clear();
    }

    Graph& graph_;
    Diagnostics diagnostics_;
    // created on demand by the evaluation of expressions, which has only const access
    mutable std::deque<Node> nodes_;
    mutable std::deque<MadeIn> made_; ///< by Scope::number
    mutable std::set<NodeId>* touched_ = nullptr;
    mutable GraphContext context_{graph_, *this};
    NamedNodes named_{graph_, *this, diagnostics_};
};

void expand(Graph& graph) {
    const Span span("expand");
    try {
        Expander(graph).run();
    } catch (const TooMany& too_many) {
        throw Error(ErrorKind::spec,
                    fmt::format("the spec has more than {} instances in total", kMostResources),
                    too_many.loc);
    }
}

} // namespace hadeploy
