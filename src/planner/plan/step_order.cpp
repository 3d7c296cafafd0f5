#include "planner/plan/step_order.h"

#include "planner/graph/computed.h"
#include "planner/plan/generations.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/triggers.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

namespace hadeploy {

namespace {

bool creates(const Step& s) {
    return s.node && (s.action == Action::create || s.action == Action::replace);
}

class Orderer {
  public:
    Orderer(Plan& plan, const PriorState& prior, const Graph* graph, Diagnostics& diagnostics)
        : plan_(plan), prior_(prior), graph_(graph), diagnostics_(diagnostics),
          hard_(plan.steps.size()), soft_(plan.steps.size()) {}

    void run(const std::vector<Taking>& takings) {
        find_steps();
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& step = plan_.steps[id];
            hard_[id].insert(step.after_steps.begin(), step.after_steps.end());
            if (step.action == Action::replace) halves(id);
            if (is_removal(step)) removal(id);
            if (step.node && !step.first_half) dependents_change(id);
        }
        for (const Taking& t : takings)
            if (!t.perhaps) take(t);
        for (StepId id = 0; id < plan_.steps.size(); ++id)
            if (plan_.steps[id].releases) after_dependents(id);
        if (graph_ != nullptr) roll();
        unknown_names();
        after_containers();
        for (const Taking& t : takings)
            if (t.perhaps) take_perhaps(t);
        sort();
    }

  private:
    static bool is_removal(const Step& s) {
        return s.action == Action::remove || (s.action == Action::forget && !s.node);
    }

    void find_steps() {
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& step = plan_.steps[id];
            if (!is_removal(step)) {
                steps_.emplace(step.address, id);
                if (step.restarts && !step.type->machine)
                    stops_.emplace(step.after["host"].text("machine"), id);
                continue;
            }
            removals_[step.address].push_back(id);
            // dependents refer to a resource by its address, regardless of the generation
            const std::string resource = resource_address(step.address);
            if (resource != step.address) removals_[resource].push_back(id);
        }
    }

    const std::vector<StepId>& removals_of(const std::string& address) const {
        static const std::vector<StepId> none;
        const auto it = removals_.find(address);
        return it == removals_.end() ? none : it->second;
    }

    std::optional<StepId> half_of(const std::string& address) const {
        for (const StepId id : removals_of(address))
            if (plan_.steps[id].first_half) return id;
        return std::nullopt;
    }

    void halves(StepId id) {
        const Step& step = plan_.steps[id];
        if (const auto half = half_of(step.address)) hard_[id].insert(*half);
        if (!graph_ || !step.node || !half_of(step.address)) return;
        // the record of a dependent may predate the reference
        const Node& node = (*graph_)[*step.node];
        for (const NodeId d : node.deps) {
            const Node& below = (*graph_)[d];
            if (is_serial_pair(node, below)) { // created again before the next instance is removed
                if (const auto other = steps_.find(below.address); other != steps_.end()) {
                    // Members with a vote leave with their machines, which take turns; and an
                    // update in place may wait for the new machine of this instance.
                    const bool has_vote = !step.type->votes_in(step.after).empty();
                    auto& edges = has_vote ? soft_ : hard_;
                    edges[*half_of(step.address)].insert(other->second);
                }
            } else if (const auto half = half_of(below.address)) {
                soft_[*half].insert(*half_of(step.address));
            }
        }
    }

    /// Whether the order of two recorded addresses follows only from `serial`.
    bool only_serial(const std::string& address, const std::string& below) const {
        if (graph_ == nullptr) return false;
        const auto a = graph_->find(address), b = graph_->find(below);
        return a && b && half_of(address) && half_of(below) &&
               is_serial_pair((*graph_)[*a], (*graph_)[*b]);
    }

    void removal(StepId id) {
        const Step& step = plan_.steps[id];
        const RecordedResource& r = prior_.recorded.at(step.address);
        const bool forgotten = step.action == Action::forget;
        // dependents refer to the generation in use, which is removed first if both are removed
        if (resource_address(step.address) != step.address && !forgotten)
            for (const StepId other : removals_of(resource_address(step.address)))
                if (plan_.steps[other].address == resource_address(step.address))
                    hard_[id].insert(other);
        if (forgotten && observed_gone(prior_, r.address))
            return; // immediately, because the machine that shows that the object is gone may be
                    // removed too
        for (const std::string& m : machines_in(r.config)) {
            // a machine that is off is started first
            const auto change = steps_.find(m);
            if (!forgotten && change != steps_.end() && removals_of(m).empty()) {
                const bool before = plan_.steps[change->second].restarts;
                before ? hard_[change->second].insert(id) : hard_[id].insert(change->second);
            }
            for (const StepId machine : removals_of(m)) {
                if (machine == id) continue;
                if (forgotten) // so that it stays recorded if the removal fails
                    hard_[id].insert(machine);
                else
                    hard_[machine].insert(id);
            }
        }
        if (forgotten) return;
        if (step.first_half) { // it leaves before the service that it runs on stops
            const auto [from, to] = stops_.equal_range(r.config["host"].text("machine"));
            for (auto stop = from; stop != to; ++stop) hard_[stop->second].insert(id);
        }
        for (const std::string& d : r.depends_on) {
            if (only_serial(step.address, d) || only_follows(step, d)) continue;
            for (const StepId below : removals_below(d))
                if (below != id) hard_[below].insert(id);
        }
    }

    /// The steps that remove the object at this address. If the object stays or is only forgotten:
    /// the steps that remove the objects that it depends on.
    const std::vector<StepId>& removals_below(const std::string& address) {
        const auto [it, fresh] = below_.emplace(address, std::vector<StepId>{});
        if (!fresh) return it->second; // already known, or a cycle
        std::vector<StepId> out;
        for (const StepId id : removals_of(address))
            if (plan_.steps[id].action != Action::forget) out.push_back(id);
        const auto r = prior_.recorded.find(address);
        if (out.empty() && r != prior_.recorded.end())
            for (const std::string& d : r->second.depends_on) {
                const std::vector<StepId>& further = removals_below(d);
                out.insert(out.end(), further.begin(), further.end());
            }
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        return below_[address] = std::move(out);
    }

    /// An object is removed after its former dependents have changed.
    void dependents_change(StepId id) {
        const std::string& address = plan_.steps[id].address;
        const auto recorded = prior_.recorded.find(address);
        generations(id, recorded == prior_.recorded.end() ? nullptr : &recorded->second);
        if (recorded == prior_.recorded.end()) return;
        for (const std::string& d : recorded->second.depends_on)
            for (const StepId removed : removals_of(d))
                if (!plan_.steps[removed].first_half) soft_[removed].insert(id);
    }

    /// The old generation is removed after the new one has been created. Leftovers of earlier runs
    /// could conflict with the new generation, so they are removed before.
    void generations(StepId id, const RecordedResource* recorded) {
        const Step& step = plan_.steps[id];
        if (step.action != Action::create && step.action != Action::replace) return;
        const std::string in_use =
            step.create_first ? generation_address(step.address, recorded->generation) : "";
        for (const StepId old : removals_of(step.address)) {
            if (plan_.steps[old].first_half) continue;
            if (plan_.steps[old].address == in_use)
                hard_[old].insert(id);
            else
                soft_[id].insert(old);
        }
    }

    /// A step that releases parts comes after every step that may still use them.
    void after_dependents(StepId id) {
        std::vector<bool> above(graph_->nodes().size());
        above[*plan_.steps[id].node] = true;
        for (const NodeId n : graph_->order())
            for (const NodeId d : (*graph_)[n].deps)
                if (above[d]) above[n] = true;
        std::set<std::string> formerly{plan_.steps[id].address};
        for (bool more = true; more;) {
            more = false;
            for (const auto& [address, r] : prior_.recorded)
                for (const std::string& d : r.depends_on)
                    if (formerly.contains(d)) more |= formerly.insert(address).second;
        }
        for (StepId other = 0; other < plan_.steps.size(); ++other) {
            const Step& s = plan_.steps[other];
            if (other == id || s.action == Action::forget) continue;
            if (s.node ? above[*s.node] : formerly.contains(s.address)) hard_[id].insert(other);
        }
    }

    /// The nodes that follow each instance of a `serial` block: see follows().
    std::map<NodeId, std::vector<NodeId>> followers() const {
        std::map<NodeId, std::vector<NodeId>> out;
        for (NodeId id = 0; id < graph_->nodes().size(); ++id)
            for (const NodeId t : (*graph_)[id].triggers)
                if (follows(*graph_, (*graph_)[id], t)) out[t].push_back(id);
        return out;
    }

    /// Whether a first half leaves an object that it follows, and that stays.
    bool only_follows(const Step& half, const std::string& below) const {
        if (graph_ == nullptr || !half.first_half || !removals_of(below).empty()) return false;
        const auto own = graph_->find(half.address), other = graph_->find(below);
        if (!own || !other) return false;
        const std::vector<NodeId>& triggers = (*graph_)[*own].triggers;
        return std::find(triggers.begin(), triggers.end(), *other) != triggers.end() &&
               follows(*graph_, (*graph_)[*own], *other);
    }

    /// Changes the instances of a `serial` block together with the resources that are replaced
    /// because of them. They are removed before the instance changes, but only when everything else
    /// that it needs is done. They are created again before the next instance changes.
    void roll() {
        const std::map<NodeId, std::vector<NodeId>> all = followers();
        std::map<std::pair<const ResourceBlock*, const Scope*>, std::set<StepId>> done_before;
        if (all.empty()) return;
        for (const NodeId id : graph_->order()) {
            const Node& node = (*graph_)[id];
            if (!node.block->serial) continue;
            std::set<StepId>& earlier = done_before[{node.block, node.scope}];
            std::set<StepId> leave, join;
            if (const auto found = all.find(id); found != all.end())
                for (const NodeId f : found->second) {
                    if (const auto half = half_of((*graph_)[f].address)) leave.insert(*half);
                    if (const auto step = steps_.find((*graph_)[f].address); step != steps_.end())
                        join.insert(step->second);
                }
            roll_one(node, earlier, leave);
            if (!leave.empty()) earlier.clear();
            earlier.insert(join.begin(), join.end());
        }
    }

    void roll_one(const Node& node, const std::set<StepId>& earlier,
                  const std::set<StepId>& leave) {
        const auto own = steps_.find(node.address);
        for (const StepId l : leave) hard_[l].insert(earlier.begin(), earlier.end());
        if (const auto half = half_of(node.address))
            hard_[*half].insert(earlier.begin(), earlier.end());
        if (own == steps_.end()) return;
        const Step& step = plan_.steps[own->second];
        if (step.action != Action::create)
            hard_[own->second].insert(earlier.begin(), earlier.end());
        if (step.type->machine) return; // a machine may have to start before a removal on it
        for (const StepId l : leave) {
            hard_[own->second].insert(l);
            soft_[l].insert(step.after_steps.begin(), step.after_steps.end());
        }
    }

    void take(const Taking& t) {
        const auto note = [&](StepId first) {
            if (first == t.step) return;
            hard_[t.step].insert(first);
            takings_.emplace(std::pair(t.step, first), &t);
        };
        bool any = false;
        for (const StepId id : removals_of(t.from)) note(id), any = true;
        const auto step = steps_.find(t.from);
        if (!any && step != steps_.end()) note(step->second);
    }

    /// Takes precedence over the order of unknown_names().
    void take_perhaps(const Taking& t) {
        for (const StepId id : removals_of(t.from)) {
            if (id == t.step) continue;
            soft_[id].erase(t.step);
            soft_[t.step].insert(id);
        }
    }

    /// An object is removed only after the resources of its type without a known name have been
    /// applied, because one of them may be this object.
    void unknown_names() {
        constexpr std::size_t kMostEdges = 250'000;
        std::map<const ResourceType*, std::vector<StepId>> unknown, removed;
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& s = plan_.steps[id];
            if (s.node && s.after.contains_unknown() && s.type->claims(s.after).empty())
                unknown[s.type].push_back(id);
        }
        if (unknown.empty()) return;
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& step = plan_.steps[id];
            if (step.action != Action::remove || step.type->takes_along(step.before).empty())
                continue; // a resource without a known name can turn out to be among the contents
            for (const auto& [type, ids] : unknown) soft_[id].insert(ids.begin(), ids.end());
        }
        for (StepId id = 0; id < plan_.steps.size(); ++id)
            if (plan_.steps[id].action == Action::remove && !plan_.steps[id].first_half &&
                unknown.contains(plan_.steps[id].type))
                removed[plan_.steps[id].type].push_back(id);
        for (const auto& [type, ids] : removed) {
            if (ids.size() * unknown[type].size() > kMostEdges) continue;
            for (const StepId id : ids)
                soft_[id].insert(unknown[type].begin(), unknown[type].end());
        }
    }

    /// An object is created after the one that contains it, even without a reference.
    void after_containers() {
        std::unordered_map<std::string, StepId> containers; // by their claims' prefix
        for (StepId id = 0; id < plan_.steps.size(); ++id)
            if (const Step& s = plan_.steps[id]; creates(s))
                if (std::string prefix = s.type->contains(s.after); !prefix.empty())
                    containers.emplace(std::move(prefix), id);
        if (containers.empty()) return;
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& s = plan_.steps[id];
            if (!creates(s)) continue;
            for (const std::string& claim : s.type->claims(s.after))
                for (auto end = claim.find('/'); end != claim.npos; end = claim.find('/', end + 1))
                    if (const auto it = containers.find(claim.substr(0, end + 1));
                        it != containers.end())
                        soft_[id].insert(it->second);
        }
    }

    /// The first half of a replacement comes directly before the second.
    std::vector<std::size_t> places() const {
        std::vector<std::size_t> out(plan_.steps.size());
        for (StepId id = 0; id < out.size(); ++id) out[id] = 2 * (std::size_t{id} + 1);
        for (StepId id = 0; id < out.size(); ++id)
            if (plan_.steps[id].first_half) out[id] = out[steps_.at(plan_.steps[id].address)] - 1;
        return out;
    }

    /// Kahn's algorithm in rounds: takes the free step with the lowest position. Steps at later
    /// positions that become free belong to the same round. If no step is free, soft dependencies
    /// are ignored.
    void sort() {
        const std::size_t n = plan_.steps.size();
        const std::vector<std::size_t> place = places();
        std::map<std::size_t, StepId> by_place;
        for (StepId id = 0; id < n; ++id) by_place.emplace(place[id], id);
        for (StepId id = 0; id < n; ++id) {
            soft_[id].erase(id);
            hard_[id].erase(id);
            for (const StepId h : hard_[id]) soft_[id].erase(h);
        }
        std::vector<std::size_t> waiting(n);
        std::vector<std::vector<StepId>> dependents(n);
        std::vector<std::optional<StepId>> position(n);
        std::vector<StepId> order;
        std::set<std::size_t> round, next;
        for (StepId id = 0; id < n; ++id) {
            waiting[id] = hard_[id].size() + soft_[id].size();
            for (const auto* all : {&hard_[id], &soft_[id]})
                for (const StepId d : *all) dependents[d].push_back(id);
            if (waiting[id] == 0) round.insert(place[id]);
        }
        const auto put = [&](StepId id) {
            position[id] = static_cast<StepId>(order.size());
            order.push_back(id);
            for (const StepId d : dependents[id])
                if (!position[d] && --waiting[d] == 0)
                    (place[d] > place[id] ? round : next).insert(place[d]);
        };
        while (order.size() < n) {
            while (!round.empty()) {
                const StepId id = by_place.at(*round.begin());
                round.erase(round.begin());
                put(id);
            }
            round = std::exchange(next, {});
            if (!round.empty() || order.size() == n) continue;
            const auto stuck = std::find_if(by_place.begin(), by_place.end(), [&](const auto& p) {
                const auto done = [&](StepId h) { return position[h].has_value(); };
                return !position[p.second] &&
                       std::all_of(hard_[p.second].begin(), hard_[p.second].end(), done);
            });
            if (stuck == by_place.end()) return report_circle(position);
            round.insert(stuck->first);
            waiting[stuck->second] = 0;
        }
        rearrange(order, position);
    }

    void rearrange(const std::vector<StepId>& order,
                   const std::vector<std::optional<StepId>>& position) {
        std::vector<Step> steps;
        steps.reserve(order.size());
        for (const StepId id : order) {
            Step& step = steps.emplace_back(std::move(plan_.steps[id]));
            std::vector<StepId> after;
            for (const auto* all : {&hard_[id], &soft_[id]})
                for (const StepId d : *all)
                    if (*position[d] < *position[id]) after.push_back(*position[d]);
            std::sort(after.begin(), after.end());
            step.after_steps = std::move(after);
        }
        plan_.steps = std::move(steps);
    }

    /// Follows the steps that wait for each other until a step repeats.
    void report_circle(const std::vector<std::optional<StepId>>& position) {
        const auto open = [&](StepId id) { return !position[id]; };
        StepId at = 0;
        while (!open(at)) ++at;
        std::vector<StepId> path;
        while (std::find(path.begin(), path.end(), at) == path.end()) {
            path.push_back(at);
            at = *std::find_if(hard_[at].begin(), hard_[at].end(), open);
        }
        path.erase(path.begin(), std::find(path.begin(), path.end(), at));
        const Step& first = plan_.steps[path.front()];
        Error error(first.node ? ErrorKind::spec : ErrorKind::state,
                    path.size() == 1 ? fmt::format("{} waits for itself", first.address)
                                     : fmt::format("{} steps wait for each other", path.size()),
                    first.loc);
        error.address = first.address;
        for (std::size_t i = 0; i < path.size(); ++i) {
            const StepId from = path[i], to = path[(i + 1) % path.size()];
            error.with_note(reason(from, to), plan_.steps[from].loc);
        }
        diagnostics_.add(std::move(error)).hint =
            "make the change in two runs, and leave one of them out of the first run";
    }

    std::string reason(StepId id, StepId before) const {
        const auto doing = [&](StepId s) {
            const Step& step = plan_.steps[s];
            return fmt::format("{} of {}", is_removal(step) ? "the removal" : "the change",
                               step.address);
        };
        if (const auto t = takings_.find({id, before}); t != takings_.end())
            return fmt::format("{} takes {} from {}", plan_.steps[id].address, t->second->what,
                               t->second->from);
        return fmt::format("{} waits for {}", doing(id), doing(before));
    }

    Plan& plan_;
    const PriorState& prior_;
    const Graph* graph_;
    Diagnostics& diagnostics_;
    /// By step: the steps that must be done before it, and the steps that should be done before it.
    std::vector<std::set<StepId>> hard_, soft_;
    std::unordered_map<std::string, StepId> steps_; ///< steps by address, without removals
    std::multimap<std::string, StepId> stops_;      ///< steps that stop services on a machine
    std::unordered_map<std::string, std::vector<StepId>> removals_;
    std::unordered_map<std::string, std::vector<StepId>> below_;
    std::map<std::pair<StepId, StepId>, const Taking*> takings_;
};

} // namespace

void order_steps(Plan& plan, const PriorState& prior, const Graph* graph,
                 const std::vector<Taking>& takings, Diagnostics& diagnostics) {
    const auto can_change_order = [](const Step& s) {
        return s.action == Action::remove || s.action == Action::forget || s.releases ||
               (creates(s) && !s.type->contains(s.after).empty());
    };
    // otherwise the steps are already in order
    if (takings.empty() && std::none_of(plan.steps.begin(), plan.steps.end(), can_change_order))
        return;
    Orderer(plan, prior, graph, diagnostics).run(takings);
}

} // namespace hadeploy
