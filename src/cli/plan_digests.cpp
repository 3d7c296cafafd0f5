#include "cli/plan_digests.h"

#include "cli/render/text.h"
#include "core/hash.h"
#include "core/value_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace hadeploy::cli {

namespace {
using nlohmann::json;

std::string text_of(const json& j) { // values from providers can contain invalid UTF-8
    return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

json change_json(const Step& step, const AttributeChange& change, const Form& form) {
    const auto kept = [&](const Value& value) {
        return to_json(form.kept(step.type->name, Value::map({{change.name, value}})));
    };
    return {{"before", kept(change.before)},
            {"after", kept(change.after)},
            {"replaces", change.replaces},
            {"drift", change.drift}};
}

json step_digest_json(const Plan& plan, const Step& step, const Form& form) {
    json changes = json::array(), after = json::array();
    for (const AttributeChange& change : step.changes)
        changes.push_back(change_json(step, change, form));
    for (const StepId id : step.after_steps) after.push_back(plan.steps[id].address);
    return {{"type", step.type->name},
            {"action", action_name(step.action)},
            {"verb", step.verb},
            {"generation", step.generation},
            {"identity", step.identity},
            {"first_half", step.first_half},
            {"create_first", step.create_first},
            {"read_first", step.read_first},
            {"takes_over", step.takes_over},
            {"if_differs", step.if_differs},
            {"keeps", step.keeps},
            {"left_to", step.left_to},
            {"changes", std::move(changes)},
            {"before", to_json(form.kept(step.type->name, step.before))},
            {"after", to_json(form.kept(step.type->name, step.after))},
            {"after_steps", std::move(after)}};
}

json rest_json(const Plan& plan, const Form& form) {
    json losses = json::array(), later = json::array(), records = json::array();
    json resumed = json::object();
    for (const Loss& loss : plan.losses)
        losses.push_back({loss.address, loss.type->name, loss.copied_by});
    for (const Turn& turn : plan.later) later.push_back({turn.machine, turn.addresses, turn.verb});
    for (const RecordedResource& r : plan.records)
        records.push_back({r.address, to_json(form.kept(r.type, r.config))});
    for (const auto& [address, change] : plan.resumed) resumed[address] = change_name(change);
    return {{"destroy", plan.destroy}, {"refresh_only", plan.refresh_only},
            {"partial", plan.partial}, {"moves", plan.moves},
            {"losses", losses},        {"later", later},
            {"records", records},      {"resumed", resumed}};
}

const Value::Map& entries_of(const Value& value) {
    static const Value::Map none;
    return value.is_map() ? value.as_map() : none;
}

/// The JSON of a value that has no schema, with paths within the project relative to it.
std::string without_root(const Value& value, const std::string& root) {
    std::string out = to_json(value);
    const std::string start = "\"" + root + "/", instead = "\"./";
    for (std::size_t at = 0; (at = out.find(start, at)) != out.npos; at += instead.size())
        out.replace(at, start.size(), instead);
    return out;
}
} // namespace

PlanDigests plan_digests(const Plan& plan, const Project& project) {
    const Form form = project.form();
    PlanDigests out;
    for (const Step& step : plan.steps) {
        std::string& digest = out[step.address]; // a replacement has two steps
        digest = sha256_hex(digest + text_of(step_digest_json(plan, step, form)));
    }
    std::map<std::string, std::string> outputs; // their values before and after
    for (const Entry& e : entries_of(plan.outputs_before)) outputs[e.key] = to_json(e.value);
    for (const Entry& e : entries_of(plan.outputs))
        outputs[e.key] += "\n" + without_root(e.value, project.root());
    for (const auto& [name, text] : outputs) out["output " + name] = sha256_hex(text);
    out[""] = sha256_hex(text_of(rest_json(plan, form)));
    return out;
}

std::string differing_parts(const PlanDigests& a, const PlanDigests& b) {
    constexpr std::size_t most = 5;
    std::set<std::string> names;
    for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)})
        for (const auto& [name, digest] : *one)
            if (const auto it = other->find(name); it == other->end() || it->second != digest)
                names.insert(name.empty() ? "the rest of the plan" : name);
    std::string out;
    std::size_t n = 0;
    for (const std::string& name : names)
        if (n++ < most) out += (out.empty() ? "" : ", ") + printable(name);
    return n > most ? fmt::format("{} and {} more", out, n - most) : out;
}

} // namespace hadeploy::cli
