#include "planner/plan/contents.h"

#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"

#include <fmt/format.h>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy {

namespace {

/// Whether a node depends on the resource at an address, directly or indirectly.
bool depends_on(const Graph& graph, const Node& node, const std::string& address) {
    std::vector<NodeId> open = node.deps;
    std::set<NodeId> visited;
    while (!open.empty()) {
        const NodeId at = open.back();
        open.pop_back();
        if (!visited.insert(at).second) continue;
        if (graph[at].address == address) return true;
        open.insert(open.end(), graph[at].deps.begin(), graph[at].deps.end());
    }
    return false;
}

/// Rejects removals that would delete kept contents together with their container, or that would
/// fail because of the contents.
class ContentsCheck {
  public:
    ContentsCheck(const Plan& plan, const PriorState& prior, const Graph* graph,
                  const Claims& claims, Diagnostics& diagnostics)
        : plan_(plan), prior_(prior), graph_(graph), claims_(claims), diagnostics_(diagnostics) {}

    /// @param takings  receives the order in which contents are removed and created again
    void run(const Registry& registry, std::vector<Taking>& takings) {
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& step = plan_.steps[id];
            if (step.action != Action::remove || step.type->is_left(step.before)) continue;
            const std::string prefix = step.type->contains(step.before);
            if (prefix.empty()) continue;
            if (!kept_) find_kept(registry);
            check(step, prefix, takings);
            for (const auto& [claim, address] : within(going_, prefix))
                takings.push_back({id, address, claim, true});
        }
    }

  private:
    void check(const Step& step, const std::string& prefix, std::vector<Taking>& takings) {
        std::set<std::string_view> wanted;
        for (const auto& [claim, node] : claims_.within(prefix)) {
            const auto made = made_.find(node->address);
            if (made != made_.end() && depends_on_replaced(*node, step))
                takings.push_back({made->second, step.address, claim});
            else if (wanted.insert(node->address).second)
                refuse(step, node->address, claim);
        }
        for (const auto& [claim, address] : within(*kept_, prefix))
            if (!wanted.contains(address)) refuse(step, address, claim);
    }

    void refuse(const Step& step, const std::string& address, const std::string& claim) {
        const bool deletes = step.type->removes_contents(step.before);
        const std::string message =
            deletes ? fmt::format("the removal of {} would delete {}, which is kept ({})",
                                  step.address, address, claim)
                    : fmt::format("{} cannot be removed: it contains {}, which is kept ({})",
                                  step.address, address, claim);
        Error error(ErrorKind::spec, message, step.loc);
        error.address = step.address;
        std::string& hint = diagnostics_.add(std::move(error)).hint;
        if (plan_.partial)
            hint = fmt::format("include {} in the run as well", address);
        else if (deletes)
            hint = "set `force: false` and apply this change first, or remove the contents as well";
        else
            hint = "remove the contents as well, or set `keep: true` and apply this change first";
    }

    using ByClaim = std::multimap<std::string, std::string>;

    static std::vector<std::pair<std::string, std::string>> within(const ByClaim& objects,
                                                                   const std::string& prefix) {
        std::vector<std::pair<std::string, std::string>> out;
        for (auto it = objects.lower_bound(prefix);
             it != objects.end() && it->first.starts_with(prefix); ++it)
            out.emplace_back(*it);
        return out;
    }

    /// Finds the claims of recorded objects that stay, or may stay, the claims of recorded objects
    /// that are removed, and the steps that create objects.
    void find_kept(const Registry& registry) {
        std::set<std::string_view> gone;
        for (StepId id = 0; id < plan_.steps.size(); ++id) {
            const Step& step = plan_.steps[id];
            const bool makes = step.action == Action::create || step.action == Action::replace;
            if (makes && !step.if_differs) made_.emplace(step.address, id);
            if (makes && (!step.if_differs || step.create_first)) gone.insert(step.address);
            if (step.action == Action::remove && !step.if_differs &&
                !step.type->is_left(step.before))
                gone.insert(step.address);
        }
        kept_.emplace();
        for (const auto& [address, r] : prior_.recorded) {
            const ResourceType* type = registry.type(r.type);
            if (type == nullptr || observed_gone(prior_, address)) continue;
            ByClaim& objects = gone.contains(address) ? going_ : *kept_;
            for (std::string& claim : type->claims(r.config))
                objects.emplace(std::move(claim), address);
        }
    }

    /// Whether a node depends on the resource whose replacement begins with this step.
    bool depends_on_replaced(const Node& node, const Step& half) const {
        return half.first_half && graph_ != nullptr && depends_on(*graph_, node, half.address);
    }

    const Plan& plan_;
    const PriorState& prior_;
    const Graph* graph_; ///< nullptr: everything is removed
    const Claims& claims_;
    Diagnostics& diagnostics_;
    std::optional<ByClaim> kept_;             ///< addresses
    ByClaim going_;                           ///< addresses
    std::map<std::string_view, StepId> made_; ///< steps by address
};

} // namespace

void refuse_removal_of_kept_contents(const Plan& plan, const PriorState& prior,
                                     const Registry& registry, const Graph* graph,
                                     const Claims& claims, std::vector<Taking>& takings,
                                     Diagnostics& diagnostics) {
    ContentsCheck(plan, prior, graph, claims, diagnostics).run(registry, takings);
}

void EmptiedObjects::add(const Step& half, const Value& next) {
    if (half.type->is_left(half.before)) return;
    if (std::string prefix = half.type->contains(half.before); !prefix.empty())
        objects_.emplace(std::move(prefix),
                         Object{half.address, half.if_differs, half.type->contains(next)});
}

const EmptiedObjects::Object* EmptiedObjects::around(const Node& node,
                                                     const RecordedResource& recorded) const {
    if (objects_.empty()) return nullptr;
    for (const std::string& claim : node.type->claims(recorded.config))
        for (const auto& [prefix, object] : objects_)
            if (claim.starts_with(prefix) && depends_on(graph_, node, object.address))
                return &object;
    return nullptr;
}

} // namespace hadeploy
