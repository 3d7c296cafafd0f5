#include "cli/render/plan_json.h"

#include "cli/render/costs.h"
#include "cli/render/errors.h"
#include "cli/render/value_text.h"
#include "core/value_json.h"
#include "planner/plan/output_changes.h"

#include <ctime>
#include <fmt/format.h>
#include <map>

namespace hadeploy::cli {

namespace {
using Json = nlohmann::json;
constexpr int kFormatVersion = 1;

Json public_json(const Value& value) {
    return Json::parse(to_public_json(value));
}

Json step_json(const Plan& plan, const Step& step) {
    const Schema& schema = step.type->schema;
    Json changes = Json::array();
    for (const AttributeChange& c : step.changes)
        changes.push_back({{"name", c.name},
                           {"before", public_json(c.before)},
                           {"after", public_json(c.after)},
                           {"replaces", c.replaces},
                           {"drift", c.drift}});
    Json after = Json::array();
    for (const StepId id : step.after_steps)
        if (plan.steps[id].address != step.address) after.push_back(plan.steps[id].address);
    Json out{{"address", step.address},
             {"type", step.type->name},
             {"action", action_name(step.action)},
             {"verb", step.verb},
             {"reason", step.reason},
             {"read_first", step.read_first},
             {"generation", step.generation},
             {"changes", std::move(changes)},
             {"before", public_json(mark_secrets(schema, step.before))},
             {"after", public_json(mark_secrets(schema, step.after))},
             {"after_steps", std::move(after)}};
    if (step.create_first) out["create_before_destroy"] = true;
    if (step.if_differs) out["if_differs"] = true;
    if (const Costs costs = costs_of(step); costs != Costs{})
        out["costs"] = {{"before", costs.before}, {"after", costs.after}};
    return out;
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}
} // namespace

nlohmann::json plan_json(const Plan& plan) {
    Json steps = Json::array();
    std::map<std::string, Json>
        removed_after; // by address: steps before the removal of the old object
    for (const Step& step : plan.steps) {
        if (step.first_half) {
            Json after = Json::array();
            for (const StepId id : step.after_steps) after.push_back(plan.steps[id].address);
            if (!after.empty()) removed_after[step.address] = std::move(after);
            continue;
        }
        steps.push_back(step_json(plan, step));
        const auto half = removed_after.find(step.address);
        if (half != removed_after.end()) steps.back()["removed_after_steps"] = half->second;
    }
    Json counts = Json::object();
    for (const Action a : {Action::adopt, Action::create, Action::update, Action::replace,
                           Action::read, Action::remove, Action::forget, Action::refresh})
        counts[std::string(action_name(a))] = plan.count(a);
    Json out{{"format_version", kFormatVersion},  {"destroy", plan.destroy},
             {"refresh_only", plan.refresh_only}, {"partial", plan.partial},
             {"steps", std::move(steps)},         {"outputs", public_json(plan.outputs)},
             {"notices", plan.notices},           {"counts", std::move(counts)}};
    Json changes = Json::object();
    for (const OutputChange& c : output_changes(plan)) {
        Json& change = changes[c.name];
        change["action"] = !c.before ? "create" : !c.after ? "remove" : "update";
        if (c.before) change["before"] = public_json(*c.before);
        if (c.after) change["after"] = public_json(*c.after);
    }
    out["output_changes"] = std::move(changes);
    Json losses = Json::array();
    for (const Loss& loss : plan.losses)
        losses.push_back({{"address", loss.address},
                          {"type", loss.type->name},
                          {"what", loss.data.what},
                          {"bytes", loss.data.bytes ? Json(*loss.data.bytes) : Json()},
                          {"copied_by", loss.copied_by}});
    out["losses"] = std::move(losses);
    if (Json costs = costs_json(plan); !costs.is_null()) out["costs"] = std::move(costs);
    for (const Turn& turn : plan.later)
        out["later"].push_back(
            {{"machine", turn.machine}, {"addresses", turn.addresses}, {"action", turn.verb}});
    Json moved = Json::array();
    for (const auto& [from, to] : plan.moves) moved.push_back({{"from", from}, {"to", to}});
    out["moved"] = std::move(moved);
    for (const auto& [address, action] : plan.resumed)
        out["resumed"][address] = change_name(action);
    // values from providers can contain invalid UTF-8: replaced here, once for every dump
    return Json::parse(dump(out));
}

nlohmann::json plan_json(const Plan& plan, const Sources& sources) {
    Json out = plan_json(plan);
    out["warnings"] = errors_json(plan.warnings, sources);
    return Json::parse(dump(out));
}

std::string timestamp(std::int64_t unix_ms) {
    const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
    std::tm utc = {};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       unix_ms % 1000);
}

std::string json_line(std::string_view level, std::string_view type, std::string_view message,
                      std::int64_t unix_ms, nlohmann::json fields) {
    fields["@level"] = level;
    fields["@message"] = message;
    fields["@module"] = "hadeploy.ui";
    fields["@timestamp"] = timestamp(unix_ms);
    fields["type"] = type;
    return dump(fields);
}

} // namespace hadeploy::cli
