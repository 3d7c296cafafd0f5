#include "planner/plan/why.h"

#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

namespace hadeploy {

namespace {

class Explainer {
  public:
    Explainer(const Plan& plan, const Graph& graph, const PriorState& prior)
        : plan_(plan), graph_(graph), prior_(prior) {
        for (StepId id = 0; id < plan.steps.size(); ++id) steps_[plan.steps[id].address] = id;
    }

    Why operator()(const std::string& address) const {
        Why why{.address = address, .step = step_of(address)};
        const auto node = graph_.find(address);
        const auto recorded = prior_.recorded.find(address);
        if (node) {
            why.loc = graph_[*node].block->loc;
            for (const NodeId d : graph_[*node].deps) why.depends_on.push_back(graph_[d].address);
        } else if (recorded != prior_.recorded.end()) {
            why.depends_on = recorded->second.depends_on;
        }
        if (!why.step) return why;
        const Step& step = plan_.steps[*why.step];
        for (const AttributeChange& c : step.changes) why.causes.push_back(cause(step, c));
        if (step.action == Action::replace && node)
            for (const NodeId t : graph_[*node].triggers)
                if (changes(graph_[t].address)) why.triggers.push_back(graph_[t].address);
        for (const StepId before : step.after_steps) {
            const Step& first = plan_.steps[before];
            if (first.address != step.address)
                why.waits_for.push_back(first.address);
            else // the first half of a replacement
                for (const StepId id : first.after_steps)
                    why.removed_after.push_back(plan_.steps[id].address);
        }
        return why;
    }

  private:
    std::optional<StepId> step_of(const std::string& address) const {
        const auto it = steps_.find(address);
        return it == steps_.end() ? std::nullopt : std::optional(it->second);
    }

    /// Whether the plan changes the resource, or may change it.
    bool changes(const std::string& address) const {
        const auto step = step_of(address);
        return step && plan_.steps[*step].action != Action::adopt;
    }

    Why::Cause cause(const Step& step, const AttributeChange& change) const {
        Why::Cause out{.change = change};
        if (change.after.contains_unknown())
            out.origin = Why::Origin::later;
        else if (change.drift)
            out.origin = Why::Origin::drift;
        if (!step.node) return out;
        const ResourceBlock& block = *graph_[*step.node].block;
        if (const Argument* written = block.attribute(change.name)) out.loc = written->loc;
        for (const NodeId source : graph_.sources(*step.node, change.name))
            if (changes(graph_[source].address)) out.from.push_back(graph_[source].address);
        return out;
    }

    const Plan& plan_;
    const Graph& graph_;
    const PriorState& prior_;
    std::map<std::string, StepId> steps_;
};

/// Resolves an address. In a plan, the old object of a replacement has an address of its own:
/// `a#1`.
/// @throws Error(usage)
std::string known_address(const std::string& given, const Plan& plan, const Graph& graph,
                          const PriorState& prior) {
    std::vector<std::string> known;
    for (const Node& n : graph.nodes()) known.push_back(n.address);
    for (const auto& [recorded, r] : prior.recorded) known.push_back(recorded);
    std::string address = resolve_address(given, known);
    if (const auto now = moved_from(address, prior); !graph.find(address) && now.size() == 1)
        address = now.front();
    if (graph.find(address) || prior.recorded.contains(address) ||
        std::any_of(plan.steps.begin(), plan.steps.end(),
                    [&](const Step& s) { return s.address == address; }))
        return address;
    throw unknown_address(fmt::format("neither the spec nor the state has a {}", given), address,
                          known, "`hadeploy graph` and `hadeploy state list` show all addresses");
}

} // namespace

std::vector<Why> explain(const std::string& given, const Plan& plan, const Graph& graph,
                         const PriorState& prior) {
    const std::string address = known_address(given, plan, graph, prior);
    const Explainer explainer(plan, graph, prior);
    std::vector<Why> out;
    std::set<std::string> seen{address};
    std::deque<std::string> open{address};
    const auto follow = [&](const std::vector<std::string>& addresses) {
        for (const std::string& a : addresses)
            if (seen.insert(a).second) open.push_back(a);
    };
    while (!open.empty()) {
        out.push_back(explainer(open.front()));
        open.pop_front();
        for (const Why::Cause& c : out.back().causes) follow(c.from);
        follow(out.back().triggers);
    }
    return out;
}

} // namespace hadeploy
