#include "core/trace.h"
#include "planner/graph.h"
#include "planner/instances.h"
#include "planner/names.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

/// Makes a Graph of a Spec: the instances on demand (a for_each may go over another resource's
/// instances), then the edges, by evaluating every attribute once and watching what it touches.
class Expander : public Resources {
  public:
    Expander(Graph& graph) : graph_(graph) {}

    void run() {
        add_scope(graph_.spec_.root, "", nullptr, nullptr);
        check_providers();
        for (const auto& scope : graph_.scopes_)
            for (const ResourceBlock& block : scope->module->resources) {
                try {
                    instances(*scope, block);
                } catch (Error& error) {
                    problems_.add(std::move(error));
                    made_[{scope.get(), &block}].state = State::done;
                }
            }
        problems_.throw_if_any();
        check_references();
        for (NodeId id = 0; id < nodes_.size(); ++id) trace(id);
        check_outputs();
        for (const auto& scope : graph_.scopes_) explicit_dependencies(*scope);
        problems_.throw_if_any();
        renumber();
        sort();
    }

    const std::vector<NodeId>& instances(const Scope& scope,
                                         const ResourceBlock& block) const override {
        Made& made = made_[{&scope, &block}];
        if (made.state == State::done) return made.ids;
        if (made.state == State::busy)
            throw Error(
                ErrorKind::spec,
                fmt::format("the number of instances of \"{}\" depends on itself", block.name),
                block.loc);
        made.state = State::busy;
        expand(scope, block, made.ids);
        made.state = State::done;
        return made.ids;
    }
    const Node& node(NodeId id) const override { return nodes_[id]; }
    Value value(NodeId id) const override {
        if (touched_ != nullptr) touched_->insert(id);
        return Value::unknown();
    }

  private:
    enum class State { fresh, busy, done };
    struct Made {
        State state = State::fresh;
        std::vector<NodeId> ids;
    };

    void add_scope(const Module& module, std::string prefix, const Scope* parent,
                   const ModuleBlock* call) {
        graph_.scopes_.push_back(std::make_unique<Scope>());
        Scope* scope = graph_.scopes_.back().get();
        *scope = {&module, std::move(prefix), parent, call, {}};
        if (call != nullptr) check_call(*call);
        for (const ModuleBlock& block : module.modules) {
            const std::string child_prefix = scope->prefix + "module." + block.name + ".";
            const std::size_t index = graph_.scopes_.size();
            add_scope(*block.module, child_prefix, scope, &block);
            scope->children[block.name] = graph_.scopes_[index].get();
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

    void expand(const Scope& scope, const ResourceBlock& block, std::vector<NodeId>& ids) const {
        const ResourceType& type = find_type(block);
        const std::string address = scope.prefix + block.name;
        if (block.for_each == nullptr && block.count == nullptr) {
            ids.push_back(static_cast<NodeId>(nodes_.size()));
            nodes_.push_back({.address = address, .type = &type, .block = &block, .scope = &scope});
            return;
        }
        auto* outer = std::exchange(touched_, nullptr); // keys are no dependencies
        const bool counted = block.count != nullptr;
        const Value over =
            evaluate(counted ? *block.count : *block.for_each, ScopeNames(graph_, *this, scope));
        touched_ = outer;
        Node node{.type = &type, .block = &block, .scope = &scope, .keyed = true};
        if (counted) {
            const std::int64_t n = instance_count(over, block);
            for (std::int64_t i = 0; i < n; ++i) {
                node.address = fmt::format("{}[{}]", address, i);
                node.key = fmt::to_string(i);
                node.index = i;
                ids.push_back(static_cast<NodeId>(nodes_.size()));
                nodes_.push_back(node);
            }
            return;
        }
        node.of_set = over.is_list();
        for (std::string& key : instance_keys(over, block)) {
            node.address = fmt::format("{}[\"{}\"]", address, key);
            node.key = std::move(key);
            ids.push_back(static_cast<NodeId>(nodes_.size()));
            nodes_.push_back(node);
        }
    }

    /// Finds what a node depends on, and the errors that need no values.
    void trace(NodeId id) {
        const Node& self = nodes_[id];
        std::set<NodeId> touched;
        touched_ = &touched;
        const ScopeNames names(graph_, *this, *self.scope, &self);
        const auto look = [&](const ExprPtr& expr) {
            try {
                (void)evaluate(*expr, names);
            } catch (Error& error) {
                // every instance of a block has the same mistakes: once is enough
                if (!self.keyed || instances(*self.scope, *self.block).front() == id)
                    problems_.add(std::move(error));
            }
        };
        for (const auto& [name, expr] : self.block->attributes) look(expr);
        for (const Rule& rule : self.block->lifecycle.preconditions) {
            look(rule.check);
            look(rule.message);
        }
        touched_ = nullptr;
        nodes_[id].deps.assign(touched.begin(), touched.end());
    }

    /// Also those in branches that may never be taken.
    void check_references() {
        for (const auto& scope : graph_.scopes_) {
            const ScopeNames names(graph_, *this, *scope);
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
            for (const ResourceBlock& block : scope->module->resources) {
                for (const auto& [name, expr] : block.attributes) check(expr);
                for (const Rule& rule : block.lifecycle.preconditions) {
                    check(rule.check);
                    check(rule.message);
                }
            }
            for (const Local& local : scope->module->locals) check(local.value);
            for (const Output& o : scope->module->outputs) check(o.value);
            for (const ModuleBlock& call : scope->module->modules)
                for (const auto& [name, expr] : call.inputs) check(expr);
        }
    }

    void check_outputs() {
        for (const auto& scope : graph_.scopes_)
            for (const Output& o : scope->module->outputs) {
                try {
                    (void)evaluate(*o.value, ScopeNames(graph_, *this, *scope));
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
                named(block.lifecycle.replace_triggered_by, scope, "replace_triggered_by");
            for (const NodeId id : ids) {
                wait_for(id, targets);
                depend(id, triggers);
                nodes_[id].triggers = triggers;
            }
            check_ignored(block);
            if (block.serial)
                for (std::size_t i = 1; i < ids.size(); ++i) depend(ids[i], {ids[i - 1]});
        }
        for (const ModuleBlock& call : scope.module->modules) {
            const std::vector<NodeId> targets = named(call.depends_on, scope, "depends_on");
            if (targets.empty()) continue;
            for (const NodeId id : all_in(*scope.children.at(call.name))) wait_for(id, targets);
        }
    }

    std::vector<NodeId> named(const std::vector<Dependency>& dependencies, const Scope& scope,
                              std::string_view key) {
        std::vector<NodeId> out;
        for (const Dependency& d : dependencies) {
            if (const ResourceBlock* block = scope.module->resource(d.name)) {
                const auto& ids = instances(scope, *block);
                out.insert(out.end(), ids.begin(), ids.end());
            } else if (d.name.starts_with("module.") && scope.children.contains(d.name.substr(7))) {
                const auto ids = all_in(*scope.children.at(d.name.substr(7)));
                out.insert(out.end(), ids.begin(), ids.end());
            } else {
                std::vector<std::string> known;
                for (const ResourceBlock& b : scope.module->resources) known.push_back(b.name);
                for (const auto& child : scope.children) known.push_back("module." + child.first);
                Error& error = problems_.add(
                    fmt::format("{}: nothing here is called \"{}\"", key, d.name), d.loc);
                if (const auto close = did_you_mean(d.name, known))
                    error.hint = fmt::format("did you mean \"{}\"?", *close);
            }
        }
        return out;
    }

    void check_ignored(const ResourceBlock& block) {
        std::vector<std::string> known;
        const Schema& schema = find_type(block).schema;
        for (const Attribute& a : schema) known.push_back(a.name);
        for (std::size_t i = 0; i < block.lifecycle.ignore_changes.size(); ++i) {
            const std::string& name = block.lifecycle.ignore_changes[i];
            if (find_attribute(schema, name) != nullptr) continue;
            Error& error = problems_.add(
                fmt::format("ignore_changes: {} has no attribute \"{}\"", block.type, name),
                block.lifecycle.ignore_locs[i]);
            const auto close = did_you_mean(name, known);
            error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                               : fmt::format("it has: {}", fmt::join(known, ", "));
        }
    }

    std::vector<NodeId> all_in(const Scope& scope) {
        std::vector<NodeId> out;
        for (const ResourceBlock& block : scope.module->resources) {
            const auto& ids = instances(scope, block);
            out.insert(out.end(), ids.begin(), ids.end());
        }
        for (const auto& [name, child] : scope.children) {
            const auto ids = all_in(*child);
            out.insert(out.end(), ids.begin(), ids.end());
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
        for (const NodeId old : by_address) {
            Node& n = graph_.nodes_.emplace_back(std::move(nodes_[old]));
            for (NodeId& d : n.deps) d = new_id[d];
            for (NodeId& t : n.triggers) t = new_id[t];
            for (NodeId& a : n.awaited) a = new_id[a];
            std::sort(n.deps.begin(), n.deps.end());
            n.deps.erase(std::unique(n.deps.begin(), n.deps.end()), n.deps.end());
            graph_.by_address_.emplace(n.address, static_cast<NodeId>(graph_.nodes_.size() - 1));
        }
        for (auto& [place, made] : made_) {
            for (NodeId& id : made.ids) id = new_id[id];
            graph_.instances_.emplace(place, std::move(made.ids));
        }
    }

    /// Kahn's algorithm; what is left over when it stops has a cycle in it.
    void sort() {
        const auto& nodes = graph_.nodes_;
        std::vector<std::uint32_t> waiting(nodes.size());
        std::vector<std::vector<NodeId>> dependents(nodes.size());
        std::deque<NodeId> ready;
        for (NodeId id = 0; id < nodes.size(); ++id) {
            waiting[id] = static_cast<std::uint32_t>(nodes[id].deps.size());
            for (const NodeId d : nodes[id].deps) dependents[d].push_back(id);
            if (waiting[id] == 0) ready.push_back(id);
        }
        while (!ready.empty()) {
            const NodeId id = ready.front();
            ready.pop_front();
            graph_.order_.push_back(id);
            for (const NodeId d : dependents[id])
                if (--waiting[d] == 0) ready.push_back(d);
        }
        if (graph_.order_.size() != nodes.size()) report_cycle(waiting);
    }

    /// Walks from any node that still waits to one that it waits for, until a node comes again.
    [[noreturn]] void report_cycle(const std::vector<std::uint32_t>& waiting) const {
        NodeId at = 0;
        while (waiting[at] == 0) ++at;
        std::vector<NodeId> path;
        while (std::find(path.begin(), path.end(), at) == path.end()) {
            path.push_back(at);
            for (const NodeId d : graph_.nodes_[at].deps)
                if (waiting[d] != 0) {
                    at = d;
                    break;
                }
        }
        path.erase(path.begin(), std::find(path.begin(), path.end(), at));
        const Node& first = graph_.nodes_[path.front()];
        Error error(ErrorKind::spec,
                    path.size() == 1
                        ? fmt::format("{} depends on itself", first.address)
                        : fmt::format("{} resources depend on each other in a circle", path.size()),
                    first.block->loc);
        for (std::size_t i = 0; i < path.size(); ++i) {
            const Node& from = graph_.nodes_[path[i]];
            const Node& to = graph_.nodes_[path[(i + 1) % path.size()]];
            error.with_note(fmt::format("{} needs {}", from.address, to.address), from.block->loc);
        }
        throw Errors({std::move(error)});
    }

    Graph& graph_;
    Problems problems_;
    // made on demand while expressions are evaluated, which look at this object as const
    mutable std::deque<Node> nodes_;
    mutable std::map<std::pair<const Scope*, const ResourceBlock*>, Made> made_;
    mutable std::set<NodeId>* touched_ = nullptr;
};

Graph::Graph(const Spec& spec, const Registry& registry, Value variables)
    : spec_(spec), registry_(registry), variables_(std::move(variables)) {
    const Span span("expand");
    Expander(*this).run();
}

} // namespace hadeploy
