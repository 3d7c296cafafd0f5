#include "planner/plan/output_changes.h"

#include <algorithm>

namespace hadeploy {

namespace {

const Value::Map& entries(const Value& outputs) {
    static const Value::Map none;
    return outputs.is_map() ? outputs.as_map() : none;
}

/// Also compares whether the values are secret.
bool is_same(const Value& a, const Value& b) {
    return a == b && a.contains_secret() == b.contains_secret();
}

} // namespace

std::vector<OutputChange> output_changes(const Plan& plan) {
    const Value& before = plan.outputs_before;
    const Value after = outputs_after(plan, plan.outputs, before);
    std::vector<OutputChange> out;
    for (const Entry& e : entries(after)) {
        // without a step nothing would determine the value
        if (e.value.contains_unknown() && plan.steps.empty()) continue;
        const Value* was = before.find(e.key);
        if (was == nullptr)
            out.push_back({e.key, std::nullopt, e.value});
        else if (!is_same(*was, e.value))
            out.push_back({e.key, *was, e.value});
    }
    for (const Entry& e : entries(before))
        if (!after.has(e.key)) out.push_back({e.key, e.value, std::nullopt});
    return out;
}

Value outputs_after(const Plan& plan, const Value& now, const Value& before) {
    if (!plan.partial || !now.is_map()) return now;
    Value out = before.is_map() ? before : Value::map({});
    for (const Entry& e : now.as_map())
        if (!e.value.contains_unknown()) out = out.with(e.key, e.value);
    return out;
}

} // namespace hadeploy
