#include "cli/render/costs.h"

#include "cli/render/text.h"

#include <fmt/format.h>
#include <map>

namespace hadeploy::cli {

namespace {
/// By text: how many objects more, or fewer, are charged for.
std::map<std::string, std::int64_t> cost_changes(const Plan& plan) {
    std::map<std::string, std::int64_t> out;
    for (const Step& step : plan.steps) {
        if (step.first_half) continue;
        const Costs costs = costs_of(step);
        if (!costs.after.empty()) ++out[costs.after];
        if (!costs.before.empty()) --out[costs.before];
    }
    std::erase_if(out, [](const auto& change) { return change.second == 0; });
    return out;
}
} // namespace

Costs costs_of(const Step& step) {
    const Action action = step.action;
    const bool makes = action == Action::create || action == Action::replace;
    const bool was = action == Action::update || action == Action::remove ||
                     (action == Action::replace && !step.create_first); // else a step removes it
    Costs out;
    if (step.type == nullptr) return out;
    if (was) out.before = step.type->costs(step.before);
    if (makes || action == Action::update) out.after = step.type->costs(step.after);
    return out;
}

std::vector<std::string> cost_lines(const Step& step, std::size_t indent) {
    const Costs costs = costs_of(step);
    if (costs.after.empty() || costs.before == costs.after) return {};
    return {fmt::format("{:{}}costs: {}{}", "", indent,
                        costs.before.empty() ? "" : printable(costs.before) + " -> ",
                        printable(costs.after))};
}

std::string render_costs(const Plan& plan, const Style& style) {
    std::string added, ended;
    for (const auto& [what, change] : cost_changes(plan)) {
        std::string& list = change > 0 ? added : ended;
        list += fmt::format("      {} x {}\n", std::abs(change), printable(what));
    }
    std::string out;
    const auto add = [&](std::string_view heading, const std::string& list) {
        if (!list.empty()) out += style.paint(Tint::bold, heading) + "\n" + list;
    };
    add("The provider charges for:", added);
    add("The provider no longer charges for:", ended);
    return out;
}

nlohmann::json costs_json(const Plan& plan) {
    nlohmann::json out;
    for (const auto& [what, change] : cost_changes(plan))
        out[change > 0 ? "added" : "ended"].push_back(
            {{"what", what}, {"count", std::abs(change)}});
    return out;
}

} // namespace hadeploy::cli
