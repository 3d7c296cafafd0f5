#include "engine/drift.h"

#include "planner/plan/decide.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy {

namespace {

/// Whether the spec still has the values that were applied. A value that is not known yet may
/// differ.
bool spec_is_as_applied(const ResourceType& type, const Value& applied, const Value& wanted) {
    return std::all_of(type.schema.begin(), type.schema.end(), [&](const Attribute& a) {
        if (a.operational) return true;
        if (wanted[a.name].contains_unknown()) return a.computed;
        return !differs(a.type, applied[a.name], wanted[a.name]);
    });
}

std::string names_of(const Step& step) {
    std::vector<std::string> names;
    for (const AttributeChange& c : step.changes) names.push_back(c.name);
    return fmt::format("{} {}", fmt::join(names, ", "), names.size() == 1 ? "differs" : "differ");
}

/// The cause of a step, for people. Contains no values, because they may be long or secret.
std::string cause_of(const Step& step) {
    if (!step.changes.empty()) return names_of(step);
    if (!step.reason.empty()) return step.reason;
    switch (step.action) {
    case Action::create: return "it is not created yet";
    case Action::remove: return "it is no longer in the spec";
    case Action::adopt: return "an earlier change of it is not recorded as done";
    default: return "an apply would change it";
    }
}

/// Interprets the steps of a plan.
class Interpreter {
  public:
    Interpreter(const Graph& graph, const PlannedRun& run, const LeftOut& left_out)
        : graph_(graph), run_(run), left_out_(left_out) {}

    Comparison result() {
        leave_out();
        for (const Step& step : run_.plan.steps) // not steps that are only made if others differ
            if (!step.type->data && !step.first_half && !may_turn_out_the_same(step)) add(step);
        for (const auto& [from, to] : run_.plan.moves)
            out_.findings.try_emplace(to, Finding{Condition::pending, "it was " + from, {}});
        for (auto& [address, finding] : out_.findings)
            if (finding.condition == Condition::drifted && finding.by_hand.empty())
                finding.by_hand = blocked_by(address);
        for (const auto& [address, recorded] : run_.prior.recorded) {
            if (!out_.findings.contains(resource_address(address))) ++out_.in_sync;
            const ResourceType* type = graph_.registry().type(recorded.type);
            if (type != nullptr && type->machine)
                out_.machines[address] = machine_is_up(run_.prior, address);
        }
        return std::move(out_);
    }

  private:
    void leave_out() {
        for (const Error& error : left_out_.errors) {
            // an object that hadeploy does not manage can be read, but needs a person
            const bool foreign = error.kind == ErrorKind::conflict;
            out_.findings[resource_address(error.address)] = {
                foreign ? Condition::drifted : Condition::unreadable, error.message,
                foreign ? "the object at its place is not managed by hadeploy" : ""};
        }
        for (const std::string& address : left_out_.addresses)
            out_.findings.try_emplace(
                resource_address(address),
                Finding{Condition::unreadable, "a dependency cannot be read", {}});
    }

    void add(const Step& step) {
        const std::string address = resource_address(step.address);
        Finding finding{Condition::pending, cause_of(step), {}};
        const auto recorded = run_.prior.recorded.find(step.address);
        if (step.action == Action::read) {
            finding = {Condition::unreadable, unread(step.address), {}};
        } else if (recorded != run_.prior.recorded.end() && has_drifted(step, recorded->second)) {
            finding.condition = Condition::drifted;
            finding.by_hand = by_hand(step, recorded->second);
        }
        out_.findings[address] = std::move(finding);
    }

    std::string unread(const std::string& address) const {
        const auto seen = run_.prior.observed.find(address);
        return seen != run_.prior.observed.end() && seen->second.error ? seen->second.error->message
                                                                       : "its machine is not up";
    }

    static bool has_drifted(const Step& step, const RecordedResource& recorded) {
        const bool changes = step.action == Action::create || step.action == Action::update ||
                             step.action == Action::adopt; // an earlier repair was not completed
        if (step.action == Action::replace)                // triggers and taints are not drift
            return std::any_of(step.changes.begin(), step.changes.end(),
                               [](const AttributeChange& c) { return c.drift; }) &&
                   spec_is_as_applied(*step.type, recorded.config, step.after);
        return changes && !recorded.tainted && recorded.type == step.type->name &&
               spec_is_as_applied(*step.type, recorded.config, step.after);
    }

    std::string by_hand(const Step& step, const RecordedResource& recorded) const {
        if (step.action == Action::replace) return "it has to be replaced";
        if (std::any_of(run_.plan.losses.begin(), run_.plan.losses.end(),
                        [&](const Loss& loss) { return loss.address == step.address; }))
            return "a repair would lose data";
        if (step.action != Action::create) return "";
        if (step.type->machine) return "the machine is gone";
        if (const auto data = step.type->held_data(recorded.attributes))
            return fmt::format("{} is gone", data->what);
        return "";
    }

    /// Why a repair would change something else too: a dependency does not match the spec, and is
    /// not repaired together with the resource.
    std::string blocked_by(const std::string& address) const {
        std::set<NodeId> seen;
        std::vector<NodeId> next;
        if (const auto node = graph_.find(address)) next = graph_[*node].deps;
        while (!next.empty()) {
            const NodeId id = next.back();
            next.pop_back();
            if (!seen.insert(id).second) continue;
            const auto found = out_.findings.find(graph_[id].address);
            if (found != out_.findings.end() &&
                (found->second.condition != Condition::drifted || !found->second.by_hand.empty()))
                return fmt::format("its dependency {} does not match the spec", graph_[id].address);
            next.insert(next.end(), graph_[id].deps.begin(), graph_[id].deps.end());
        }
        return "";
    }

    const Graph& graph_;
    const PlannedRun& run_;
    const LeftOut& left_out_;
    Comparison out_;
};

} // namespace

std::string_view condition_name(Condition condition) {
    switch (condition) {
    case Condition::in_sync: return "in_sync";
    case Condition::drifted: return "drifted";
    case Condition::pending: return "pending";
    case Condition::unreadable: return "unreadable";
    }
    return "";
}

std::size_t Comparison::count(Condition condition) const {
    if (condition == Condition::in_sync) return in_sync;
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(),
                      [&](const auto& f) { return f.second.condition == condition; }));
}

std::vector<std::string> Comparison::repairable() const {
    std::vector<std::string> out;
    for (const auto& [address, finding] : findings)
        if (finding.condition == Condition::drifted && finding.by_hand.empty())
            out.push_back(address);
    return out;
}

Comparison compare(const Graph& graph, const PlannedRun& run, const LeftOut& left_out) {
    return Interpreter(graph, run, left_out).result();
}

void check_only_repairs(const PlannedRun& run, const std::vector<std::string>& addresses) {
    const auto refuse = [](const std::string& what) {
        throw Error(ErrorKind::failed, fmt::format("not repaired: {}", what))
            .with_hint("see `hadeploy plan`");
    };
    const Plan& plan = run.plan;
    if (!plan.moves.empty())
        refuse(fmt::format("{} has a different address in the spec", plan.moves.begin()->first));
    if (!plan.losses.empty()) refuse(fmt::format("{} would lose data", plan.losses[0].address));
    for (const Step& step : plan.steps) {
        const auto recorded = run.prior.recorded.find(step.address);
        const bool ours =
            std::find(addresses.begin(), addresses.end(), step.address) != addresses.end() &&
            recorded != run.prior.recorded.end() &&
            spec_is_as_applied(*step.type, recorded->second.config, step.after);
        const bool repair = step.action == Action::create || step.action == Action::update ||
                            step.action == Action::adopt;
        if (!step.type->data && !(ours && repair))
            refuse(fmt::format("this would also change {}", step.address));
    }
}

} // namespace hadeploy
