#include "core/trace.h"
#include "planner/graph.h"
#include "planner/instances.h"
#include "planner/lifecycle.h"
#include "planner/names.h"
#include "planner/order.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace hadeploy {

namespace {
/// Of one block there are fewer; this is for blocks within modules that have instances themselves.
constexpr std::size_t kMostResources = 1'000'000;
} // namespace

/// Makes a Graph of a Spec: the instances on demand (a for_each may go over the instances of
/// another resource or module), then the edges, by evaluating every attribute once and watching
/// what it touches.
class Expander : public Resources {
  public:
    Expander(Graph& graph) : graph_(graph) {}

    void run() {
        make_scope(graph_.spec_.root, "", nullptr, nullptr, {});
        check_providers();
        check_calls(graph_.spec_.root);
        // more of them are made on the way
        for (std::size_t i = 0; i < graph_.scopes_.size(); ++i) expand(*graph_.scopes_[i]);
        problems_.throw_if_any();
        check_module(graph_.spec_.root);
        for (NodeId id = 0; id < nodes_.size(); ++id) trace(id);
        for (const auto& scope : graph_.scopes_) {
            trace_inputs(*scope);
            check_outputs(*scope);
            explicit_dependencies(*scope);
        }
        problems_.throw_if_any();
        renumber();
        graph_.order_ = topological_order(graph_.nodes_);
        spread_create_first();
    }

    const std::vector<NodeId>& instances(const Scope& scope,
                                         const ResourceBlock& block) const override {
        auto& made = made_[scope.number].resources[index_of(scope.module->resources, block)];
        return make_once(made, block, [&](std::vector<NodeId>& ids) {
            const ResourceType* type = &find_type(block);
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
    /// By block.
    struct MadeIn {
        std::vector<Made<NodeId>> resources;
        std::vector<Made<const Scope*>> modules;
    };

    /// Notes what is touched while it lives.
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
                block.loc);
        made.state = State::busy;
        try {
            make(made.all);
        } catch (...) {
            made.state = State::done; // its mistake is told once
            throw;
        }
        made.state = State::done;
        return made.all;
    }

    /// All ends there: what is over the limit takes long to count.
    static void refuse_too_many(std::size_t so_far, Loc loc) {
        if (so_far >= kMostResources)
            throw Errors({Error(
                ErrorKind::spec,
                fmt::format("all instances together are more than {}", kMostResources), loc)});
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

    /// All instances of what is called and declared in a scope.
    void expand(const Scope& scope) {
        const auto attempt = [&](const auto& block) {
            try {
                (void)instances(scope, block);
            } catch (Error& error) {
                problems_.add(std::move(error));
            }
        };
        for (const ModuleBlock& block : scope.module->modules) attempt(block);
        for (const ResourceBlock& block : scope.module->resources) attempt(block);
    }

    /// The instances that a for_each or a count makes, each with what follows the block's name in
    /// its address.
    template<class Block>
    std::vector<std::pair<std::string, Box<Instance>>> instances_of(const Block& block,
                                                                    const Scope& scope) const {
        std::vector<std::pair<std::string, Box<Instance>>> out;
        if (block.for_each == nullptr && block.count == nullptr) {
            out.emplace_back();
            return out;
        }
        const Expr& expr = block.count != nullptr ? *block.count : *block.for_each;
        std::set<NodeId> touched; // keys are no dependencies
        Value over;
        {
            const Watch watch(*this, touched);
            over = evaluate(expr, ScopeNames(graph_, *this, scope));
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

    void check_calls(const Module& module) {
        if (!calls_checked_.insert(&module).second) return;
        for (const ModuleBlock& call : module.modules) {
            check_call(call);
            check_calls(*call.module);
        }
    }

    void check_call(const ModuleBlock& call) {
        std::vector<std::string> known;
        for (const Variable& v : call.module->variables) {
            known.push_back(v.attribute.name);
            if (v.attribute.required && !call.inputs.contains(v.attribute.name))
                problems_
                    .add(fmt::format("module \"{}\" needs the input \"{}\"", call.name,
                                     v.attribute.name),
                         call.loc)
                    .with_note("declared here", v.loc);
        }
        for (const auto& [name, expr] : call.inputs) {
            if (call.module->variable(name) != nullptr) continue;
            Error& error =
                problems_.add(fmt::format("module \"{}\" has no input \"{}\"", call.name, name),
                              call.input_locs.at(name));
            const auto close = did_you_mean(name, known);
            if (close)
                error.hint = fmt::format("did you mean \"{}\"?", *close);
            else if (!known.empty())
                error.hint = fmt::format("it has: {}", fmt::join(known, ", "));
        }
    }

    void check_providers() {
        std::vector<std::string> known;
        for (const auto& kind : graph_.registry_.kinds()) known.push_back(kind->name);
        for (const auto& [name, loc] : graph_.spec_.provider_locs) {
            if (graph_.registry_.kind(name) != nullptr) continue;
            Error& error = problems_.add(fmt::format("there is no provider \"{}\"", name), loc);
            const auto close = did_you_mean(name, known);
            error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                               : fmt::format("there are: {}", fmt::join(known, ", "));
        }
    }

    const ResourceType& find_type(const ResourceBlock& block) const {
        const ResourceType* type = graph_.registry_.type(block.type);
        if (type != nullptr && type->data == block.data) return *type;
        if (type != nullptr)
            throw Error(ErrorKind::spec,
                        fmt::format("\"{}\" is a type of {}", block.type,
                                    type->data ? "data sources" : "resources"),
                        block.type_loc)
                .with_hint(type->data ? "put the block under `data:`"
                                      : "put the block under `resources:`");
        std::vector<std::string> known;
        for (const auto& t : graph_.registry_.types())
            if (t->data == block.data) known.push_back(t->name);
        Error error(ErrorKind::spec,
                    fmt::format("there is no {} type \"{}\"",
                                block.data ? "data source" : "resource", block.type),
                    block.type_loc);
        const auto close = did_you_mean(block.type, known);
        error.hint =
            close ? fmt::format("did you mean \"{}\"?", *close) : "`hadeploy docs` lists all types";
        throw error;
    }

    /// Finds what a node depends on, and the errors that need no values.
    void trace(NodeId id) {
        const Node& self = nodes_[id];
        const bool first = instances(*self.scope, *self.block).front() == id;
        std::set<NodeId> touched;
        const Watch watch(*this, touched);
        const Value unknown = Value::unknown();
        const ScopeNames names(graph_, *this, *self.scope, self.instance.get());
        const ScopeNames later(graph_, *this, *self.scope, self.instance.get(), &unknown);
        const auto look = [&](const ExprPtr& expr, const ScopeNames& with) {
            try {
                (void)evaluate(*expr, with);
            } catch (Error& error) {
                // every instance of a block has the same mistakes: once is enough
                if (first) problems_.add(std::move(error));
            }
        };
        for (const Argument& a : self.block->attributes) look(a.value, names);
        const Lifecycle& lifecycle = self.block->lifecycle();
        for (const auto& [rules, with] : {std::pair(&lifecycle.preconditions, &names),
                                          std::pair(&lifecycle.postconditions, &later)})
            for (const Rule& rule : *rules) {
                look(rule.check, *with);
                look(rule.message, *with);
            }
        nodes_[id].deps.assign(touched.begin(), touched.end());
    }

    /// Whether what a module is given, or its rules go by, may be known only once resources are
    /// there.
    void trace_inputs(Scope& scope) {
        std::set<NodeId> touched;
        const Watch watch(*this, touched);
        const auto look = [](const ExprPtr& expr, const ScopeNames& names) {
            try {
                (void)evaluate(*expr, names);
            } catch (const Error&) { // Graph::check_inputs() tells it
            }
        };
        const ScopeNames inside(graph_, *this, scope);
        for (const Variable& v : scope.module->variables)
            for (const Rule& rule : v.rules) look(rule.check, inside);
        if (scope.call != nullptr) {
            const ScopeNames outside(graph_, *this, *scope.parent, &scope.instance);
            for (const auto& [name, expr] : scope.call->inputs) look(expr, outside);
        }
        scope.open = !touched.empty();
    }

    /// What can be said of a module whatever it is given: also of branches that may never be taken.
    void check_module(const Module& module) {
        if (!modules_checked_.insert(&module).second) return;
        const Scope scope{&module};
        const ScopeNames names(graph_, *this, scope);
        const auto check = [&](const ExprPtr& expr) {
            if (!expr) return;
            for (const Reference& r : references_in(*expr)) {
                try {
                    names.check(r);
                } catch (Error& error) {
                    problems_.add(std::move(error));
                }
            }
        };
        for (const ResourceBlock& block : module.resources) {
            for (const Argument& a : block.attributes) check(a.value);
            for (const auto* rules :
                 {&block.lifecycle().preconditions, &block.lifecycle().postconditions})
                for (const Rule& rule : *rules) {
                    check(rule.check);
                    check(rule.message);
                }
            try {
                check_ignored(block, find_type(block), problems_);
            } catch (Error& error) { // of a type that is not there, in a module without instances
                problems_.add(std::move(error));
            }
        }
        for (const Local& local : module.locals) check(local.value);
        for (const Output& o : module.outputs) check(o.value);
        for (const ModuleBlock& call : module.modules) {
            for (const auto& [name, expr] : call.inputs) check(expr);
            check_module(*call.module);
        }
    }

    void check_outputs(const Scope& scope) {
        for (const Output& o : scope.module->outputs) {
            try {
                (void)evaluate(*o.value, ScopeNames(graph_, *this, scope));
            } catch (Error& error) {
                problems_.add(std::move(error));
            }
        }
    }

    void explicit_dependencies(const Scope& scope) {
        for (const ResourceBlock& block : scope.module->resources) {
            const std::vector<NodeId>& ids = instances(scope, block);
            const std::vector<NodeId> targets = named(block.depends_on, scope, "depends_on");
            const std::vector<NodeId> triggers =
                named(block.lifecycle().replace_triggered_by, scope, "replace_triggered_by");
            for (const NodeId id : ids) {
                wait_for(id, targets);
                depend(id, triggers);
                nodes_[id].triggers = triggers;
            }
            if (block.serial)
                for (std::size_t i = 1; i < ids.size(); ++i) depend(ids[i], {ids[i - 1]});
        }
        for (const ModuleBlock& call : scope.module->modules) {
            const std::vector<NodeId> targets = named(call.depends_on, scope, "depends_on");
            if (targets.empty()) continue;
            for (const NodeId id : all_of(scope, call)) wait_for(id, targets);
        }
    }

    std::vector<NodeId> named(const std::vector<Dependency>& dependencies, const Scope& scope,
                              std::string_view key) {
        std::vector<NodeId> out;
        for (const Dependency& d : dependencies) {
            if (const ResourceBlock* block = scope.module->resource(d.name)) {
                const auto& ids = instances(scope, *block);
                out.insert(out.end(), ids.begin(), ids.end());
            } else if (const ModuleBlock* call = d.name.starts_with("module.")
                                                     ? scope.module->module(d.name.substr(7))
                                                     : nullptr) {
                const auto ids = all_of(scope, *call);
                out.insert(out.end(), ids.begin(), ids.end());
            } else {
                std::vector<std::string> known;
                for (const ResourceBlock& b : scope.module->resources) known.push_back(b.name);
                for (const ModuleBlock& m : scope.module->modules)
                    known.push_back("module." + m.name);
                Error& error = problems_.add(
                    fmt::format("{}: nothing here is called \"{}\"", key, d.name), d.loc);
                for (const std::string& name : known)
                    if (within(d.name, name))
                        error.hint =
                            fmt::format("it takes whole resources and modules: \"{}\"", name);
                if (const auto close = did_you_mean(d.name, known); close && error.hint.empty())
                    error.hint = fmt::format("did you mean \"{}\"?", *close);
            }
        }
        return out;
    }

    /// The resources of all instances of a module.
    std::vector<NodeId> all_of(const Scope& scope, const ModuleBlock& call) const {
        std::vector<NodeId> out;
        for (const Scope* inside : instances(scope, call)) {
            const auto add = [&](const std::vector<NodeId>& ids) {
                out.insert(out.end(), ids.begin(), ids.end());
            };
            for (const ResourceBlock& block : inside->module->resources)
                add(instances(*inside, block));
            for (const ModuleBlock& inner : inside->module->modules) add(all_of(*inside, inner));
        }
        return out;
    }

    void depend(NodeId id, const std::vector<NodeId>& targets) {
        std::vector<NodeId>& deps = nodes_[id].deps;
        deps.insert(deps.end(), targets.begin(), targets.end());
    }

    /// What a depends_on says.
    void wait_for(NodeId id, const std::vector<NodeId>& targets) {
        depend(id, targets);
        if (!nodes_[id].type->data) return;
        std::vector<NodeId>& awaited = nodes_[id].awaited;
        awaited.insert(awaited.end(), targets.begin(), targets.end());
    }

    /// Gives out ids in the order of addresses, so that nothing depends on the order of expansion.
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

    /// What a resource that is made anew first rests on has to be made anew first too: or the old
    /// one would lose it while it is still in use.
    void spread_create_first() {
        for (auto it = graph_.order_.rbegin(); it != graph_.order_.rend(); ++it) {
            Node& node = graph_.nodes_[*it];
            node.create_first = node.create_first || node.block->lifecycle().create_before_destroy;
            if (!node.create_first) continue;
            for (const NodeId d : node.deps) {
                // what is on a machine goes with it
                const bool ends =
                    graph_.nodes_[d].type->machine && graph_.nodes_[d].type->hosts_die;
                if (!ends) graph_.nodes_[d].create_first = true;
            }
        }
    }

    Graph& graph_;
    Problems problems_;
    // made on demand while expressions are evaluated, which look at this object as const
    mutable std::deque<Node> nodes_;
    mutable std::deque<MadeIn> made_; ///< by the number of the scope
    mutable std::set<NodeId>* touched_ = nullptr;
    std::set<const Module*> calls_checked_, modules_checked_;
};

Graph::Graph(const Spec& spec, const Registry& registry, Value variables)
    : spec_(spec), registry_(registry), variables_(std::move(variables)) {
    const Span span("expand");
    Expander(*this).run();
}

} // namespace hadeploy
