#include "cli/render/why_text.h"

#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "cli/render/value_text.h"
#include "core/value_json.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

std::string_view origin_text(Why::Origin origin) {
    switch (origin) {
    case Why::Origin::spec: return "the spec has changed since the last apply";
    case Why::Origin::drift: return "the object was changed outside hadeploy";
    case Why::Origin::later: return "the value is known only after other resources are created";
    }
    return "";
}

std::string_view origin_name(Why::Origin origin) {
    switch (origin) {
    case Why::Origin::spec: return "spec";
    case Why::Origin::drift: return "drift";
    case Why::Origin::later: return "later";
    }
    return "";
}

std::string joined_addresses(const std::vector<std::string>& addresses) {
    return printable(fmt::format("{}", fmt::join(addresses, ", ")));
}

/// "      in hadeploy.yaml:4:5", and the line itself.
std::string shown_place(Loc loc, const Sources& sources, const Style& style,
                        std::string_view what) {
    if (!loc.known()) return {};
    const std::string text = sources.line(loc).text;
    std::string_view line = text;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return fmt::format("      {} {}: {}\n", what,
                       style.paint(Tint::bold, printable(sources.describe(loc))),
                       style.paint(Tint::dim, printable(line)));
}

std::string render_cause(const Why::Cause& cause, const Step& step, const Sources& sources,
                         const Style& style) {
    const Attribute* a = find_attribute(step.type->schema, cause.change.name);
    std::string out;
    for (const std::string& line :
         change_lines(printable(cause.change.name), a == nullptr ? nullptr : &a->type,
                      cause.change.before, cause.change.after, 4, style))
        out += line + "\n";
    out += fmt::format("      {}\n", origin_text(cause.origin));
    if (cause.change.replaces) out += "      it cannot be changed in place\n";
    out += shown_place(cause.loc, sources, style, "set in");
    if (!cause.from.empty())
        out += fmt::format("      it comes from {}\n", joined_addresses(cause.from));
    return out;
}

std::string reason_of(const Step& step) {
    if (!step.reason.empty()) return printable(step.reason);
    if (step.action == Action::create) return "it is not in the state";
    if (step.action == Action::remove) return "everything is removed";
    return "";
}

std::string render_step(const Why& why, const Plan& plan, const Sources& sources,
                        const Style& style) {
    const Step& step = plan.steps[*why.step];
    std::string out =
        fmt::format("{} {}  {}{}\n",
                    style.paint(action_tint(step.action), fmt::format("{:>3}", step_symbol(step))),
                    style.paint(Tint::bold, printable(why.address)),
                    step.verb.empty() ? action_name(step.action) : std::string_view(step.verb),
                    reason_of(step).empty() ? "" : ": " + reason_of(step));
    out += shown_place(why.loc, sources, style, "declared in");
    for (const Why::Cause& cause : why.causes) out += render_cause(cause, step, sources, style);
    if (!why.triggers.empty())
        out += fmt::format("    replaced along with {}\n", joined_addresses(why.triggers));
    if (!why.removed_after.empty())
        out += fmt::format("    the old object is removed after {}\n",
                           joined_addresses(why.removed_after));
    if (!why.waits_for.empty())
        out += fmt::format("    waits for {}\n", joined_addresses(why.waits_for));
    return out;
}

std::string render_nothing(const Why& why, const Sources& sources, const Style& style) {
    return fmt::format("    {}  no changes: it matches the spec\n{}    depends on {}\n",
                       style.paint(Tint::bold, printable(why.address)),
                       shown_place(why.loc, sources, style, "declared in"),
                       why.depends_on.empty() ? "nothing" : joined_addresses(why.depends_on));
}

} // namespace

std::string render_why(const std::vector<Why>& chain, const Plan& plan, const Sources& sources,
                       const Style& style) {
    std::string out;
    for (const Why& why : chain) {
        if (!out.empty()) out += "\n";
        out +=
            why.step ? render_step(why, plan, sources, style) : render_nothing(why, sources, style);
    }
    return out;
}

nlohmann::json why_json(const Why& why, const Plan& plan, const Sources& sources) {
    using Json = nlohmann::json;
    const auto at = [&](Loc loc) -> Json {
        if (!loc.known()) return nullptr;
        return {{"file", sources.path(loc).string()}, {"line", loc.line}, {"column", loc.column}};
    };
    Json causes = Json::array();
    for (const Why::Cause& c : why.causes)
        causes.push_back({{"attribute", c.change.name},
                          {"before", Json::parse(to_public_json(c.change.before))},
                          {"after", Json::parse(to_public_json(c.change.after))},
                          {"replaces", c.change.replaces},
                          {"origin", origin_name(c.origin)},
                          {"place", at(c.loc)},
                          {"from", c.from}});
    Json action = nullptr;
    if (why.step) action = action_name(plan.steps[*why.step].action);
    const Json out{{"type", "why"},
                   {"address", why.address},
                   {"action", std::move(action)},
                   {"reason", why.step ? plan.steps[*why.step].reason : ""},
                   {"place", at(why.loc)},
                   {"causes", std::move(causes)},
                   {"triggers", why.triggers},
                   {"waits_for", why.waits_for},
                   {"removed_after", why.removed_after},
                   {"depends_on", why.depends_on}};
    // values from providers can contain invalid UTF-8
    return Json::parse(out.dump(-1, ' ', false, Json::error_handler_t::replace));
}

} // namespace hadeploy::cli
