#include "planner/plan/refresh_plan.h"

#include "core/secrecy.h"
#include "planner/graph/computed.h"
#include "planner/graph/ignored.h"
#include "planner/plan/decide.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/plan/selection.h"

#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Finds the differences between objects and records.
class Refresher {
  public:
    Refresher(const Graph& graph, const PriorState& prior, const PlanOptions& options)
        : graph_(graph), prior_(prior), selection_(options, &graph, prior) {
        plan_.refresh_only = true;
        plan_.outputs_before = prior.outputs;
        plan_.partial = true;
        if (!selection_.all()) plan_.notices.push_back(selection_.notice());
    }

    Plan run() {
        for (const auto& [address, r] : prior_.recorded)
            if (selection_.has(address)) look_at(r);
        diagnostics_.throw_if_any();
        plan_.values.assign(graph_.nodes().size(), Value::unknown());
        for (const auto& [address, r] : prior_.recorded)
            if (const auto node = graph_.find(address)) plan_.values[*node] = r.attributes;
        for (NodeId id = 0; id < graph_.nodes().size(); ++id) { // data sources have no records
            const auto seen = prior_.observed.find(graph_[id].address);
            if (graph_[id].type->data && seen != prior_.observed.end() &&
                seen->second.state == Observation::State::present)
                plan_.values[id] = seen->second.attributes;
        }
        for (const Step& step : plan_.steps)
            if (const auto node = graph_.find(step.address))
                plan_.values[*node] = step.after.is_null() ? Value::unknown() : step.after;
        Diagnostics unreported; // the recorded values may not fit the current spec
        plan_.outputs = graph_.outputs([this](NodeId id) { return plan_.values[id]; }, unreported);
        return std::move(plan_);
    }

  private:
    void look_at(const RecordedResource& r) {
        const ResourceType* type = graph_.registry().type(r.type);
        const auto seen = prior_.observed.find(r.address);
        if (type == nullptr || seen == prior_.observed.end() ||
            prior_.interrupted.contains(r.address))
            return note(r.address, "could not be read; its record is unchanged");
        const Observation& o = seen->second;
        if (o.state == Observation::State::blocked)
            return note(r.address, "can't be read now; its record is unchanged");
        if (o.state == Observation::State::failed) {
            Error error = o.error.value_or(Error(ErrorKind::failed, "could not be read"));
            error.address = r.address;
            diagnostics_.add(std::move(error));
        } else if (o.state == Observation::State::absent) {
            forget(r, *type, "it is gone");
        } else if (!o.foreign.empty()) {
            forget(r, *type, "the object there now belongs to somebody else: " + o.foreign);
        } else {
            compare(r, *type, o.attributes);
        }
    }

    void note(const std::string& address, std::string_view text) {
        plan_.notices.push_back(fmt::format("{} {}", address, text));
    }

    Step step_of(const RecordedResource& r, const ResourceType& type, Action action) const {
        Step step{.address = r.address, .action = action, .type = &type};
        step.generation = r.generation;
        step.identity = r.identity;
        step.before = r.attributes;
        if (const auto node = graph_.find(r.address)) step.loc = graph_[*node].block->loc;
        return step;
    }

    void forget(const RecordedResource& r, const ResourceType& type, std::string reason) {
        Step step = step_of(r, type, Action::forget);
        step.reason = std::move(reason);
        plan_.steps.push_back(std::move(step));
    }

    void compare(const RecordedResource& r, const ResourceType& type, const Value& seen) {
        Step step = step_of(r, type, Action::refresh);
        step.after = r.attributes;
        bool silent = false; // changes that the spec ignores are recorded without a step
        const auto node = graph_.find(r.address);
        const LifecycleValues none;
        const LifecycleValues& lifecycle = node ? graph_[*node].lifecycle() : none;
        const std::set<std::string> follow = follow_ignored(lifecycle, type, r.config);
        for (const Attribute& a : type.schema) {
            const Value* was = r.attributes.find(a.name);
            const Value* is = seen.find(a.name);
            // attributes that were never recorded are not managed
            if (a.operational || was == nullptr || was->is_null() || is == nullptr) continue;
            if (!differs(a.type, *was, *is)) continue;
            if (a.tracked) {
                note(r.address, a.name + " differs from the applied value; an apply repairs it");
                continue;
            }
            Value now = as_secret_as(*is, *was);
            if (a.secret) now = now.as_secret();
            const bool ignored =
                follow.contains(a.name) ||
                !differs(a.type, with_ignored_parts(lifecycle, a.name, *was, *is), *is);
            if (ignored) {
                silent = true;
                step.after = step.after.with(a.name, now);
                continue;
            }
            step.changes.push_back({a.name, a.secret ? was->as_secret() : *was, now, false, true});
            step.after = step.after.with(a.name, now);
        }
        step.after = with_machine(type, r.address, step.after);
        if (step.changes.empty() && silent) {
            RecordedResource noted = r;
            noted.attributes = step.after;
            plan_.records.push_back(std::move(noted));
        }
        if (!step.changes.empty()) plan_.steps.push_back(std::move(step));
    }

    const Graph& graph_;
    const PriorState& prior_;
    const Selection selection_;
    Plan plan_;
    Diagnostics diagnostics_;
};

} // namespace

Plan make_refresh_plan(const Graph& graph, const PriorState& prior, const PlanOptions& options) {
    return Refresher(graph, prior, options).run();
}

} // namespace hadeploy
