#include "cli/render/plan_text.h"

#include "cli/render/costs.h"
#include "cli/render/plan_summary.h"
#include "cli/render/text.h"
#include "cli/render/value_text.h"
#include "planner/plan/generations.h"
#include "planner/plan/output_changes.h"
#include "planner/spec/address.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kPlanAddressColumns = 60; ///< longer addresses are not aligned
constexpr std::size_t kMostMoves = 10;          ///< maximum number listed in a summary
constexpr std::ptrdiff_t kScreen = 40;          ///< lines above which the summary is shown too

std::string render_output_changes(const Plan& plan, const Style& style) {
    std::string out;
    const auto line = [&](Tint tint, std::string_view symbol, const std::string& text) {
        out += fmt::format("{} {}\n", style.paint(tint, fmt::format("{:>3}", symbol)), text);
    };
    for (const OutputChange& c : output_changes(plan)) {
        const std::string name = printable(c.name);
        if (!c.before) {
            line(Tint::green, "+", name + ": " + value_text(nullptr, *c.after));
        } else if (!c.after) {
            line(Tint::red, "-", name);
        } else {
            const auto lines = change_lines(name, nullptr, *c.before, *c.after, 0, style);
            for (std::size_t i = 0; i < lines.size(); ++i)
                line(Tint::yellow, i == 0 ? "~" : "", lines[i]);
        }
    }
    return out.empty() ? out : style.paint(Tint::bold, "Outputs:") + "\n" + out;
}

} // namespace

std::string_view action_symbol(Action action) {
    switch (action) {
    case Action::adopt: return "=";
    case Action::create: return "+";
    case Action::update: return "~";
    case Action::replace: return "-/+";
    case Action::read: return "<=";
    case Action::remove: return "-";
    case Action::forget: return ".";
    case Action::refresh: return "<~";
    }
    return "?";
}

std::string_view step_symbol(const Step& step) {
    return step.create_first ? "+/-" : action_symbol(step.action);
}

Tint action_tint(Action action) {
    switch (action) {
    case Action::adopt: return Tint::cyan;
    case Action::create: return Tint::green;
    case Action::update: return Tint::yellow;
    case Action::replace: return Tint::magenta;
    case Action::read: return Tint::blue;
    case Action::remove: return Tint::red;
    case Action::forget: return Tint::dim;
    case Action::refresh: return Tint::cyan;
    }
    return Tint::plain;
}

std::string plan_counts(const Plan& plan) {
    std::map<std::string, std::size_t> verbs; // updates with their own verb
    std::size_t imports = 0;
    for (const Step& step : plan.steps) {
        if (step.action == Action::update && !step.verb.empty()) ++verbs[step.verb];
        if (step.action == Action::adopt && !step.verb.empty()) ++imports;
    }
    std::size_t updates = plan.count(Action::update);
    const auto data = static_cast<std::size_t>(
        std::count_if(plan.steps.begin(), plan.steps.end(),
                      [](const Step& s) { return s.action == Action::read && s.type->data; }));
    for (const auto& [verb, n] : verbs) updates -= n;
    const auto kept = static_cast<std::size_t>(
        std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.keeps; }));
    std::string out;
    const auto add = [&](std::size_t n, std::string_view what) {
        if (n != 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, what);
    };
    add(plan.count(Action::create), "to create");
    for (const auto& [verb, n] : verbs) add(n, "to " + verb);
    add(updates, "to update");
    add(plan.count(Action::replace), "to replace");
    add(plan.count(Action::remove), "to remove");
    add(imports, "to import");
    add(plan.count(Action::adopt) - imports, "to adopt");
    add(plan.count(Action::read) - data, "to read later");
    add(data, "to read during apply");
    add(kept, "to keep");
    add(plan.count(Action::forget) - kept, "to forget");
    add(plan.count(Action::refresh), "to refresh");
    return out;
}

namespace {
std::string render_moves(const Plan& plan, const Detail& detail, const Style& style) {
    if (plan.moves.empty()) return {};
    const std::string heading = "Moved in the state; the objects do not change";
    if (detail.summary && plan.moves.size() > kMostMoves)
        return style.paint(Tint::bold, heading + ":") +
               fmt::format(" {}\n", counted(plan.moves.size(), "address", "addresses"));
    std::string out = style.paint(Tint::bold, heading + ":") + "\n";
    for (const auto& [from, to] : plan.moves)
        out += fmt::format("      {} -> {}{}\n", printable(from), printable(to),
                           resource_address(to) == to ? "" : "  (no longer in the spec)");
    return out;
}

/// Open intents of an earlier run: those to complete, and those whose objects are removed instead.
std::string render_resumed(const Plan& plan, const Style& style) {
    std::set<std::string_view> gone;
    for (const Step& step : plan.steps)
        if (step.action == Action::remove || step.action == Action::forget)
            gone.insert(step.address);
    std::string completed, undone;
    for (const auto& [address, action] : plan.resumed) {
        const bool undo = action != ChangeKind::remove && gone.contains(address);
        (undo ? undone : completed) += fmt::format(
            "      {}  {}\n", pad(std::string(change_name(action)), 6), printable(address));
    }
    std::string out;
    const auto add = [&](std::string_view heading, const std::string& lines) {
        if (!lines.empty())
            out += (out.empty() ? "" : "\n") + style.paint(Tint::bold, heading) + "\n" + lines;
    };
    add("Unfinished changes of an earlier run, completed first:", completed);
    add("Unfinished changes of an earlier run that the spec no longer contains; their objects are "
        "removed:",
        undone);
    return out;
}

/// The text of a plan without steps: changes in the state only, or no changes.
std::string only_the_state(const Plan& plan) {
    const bool outputs = !output_changes(plan).empty();
    if (outputs || !plan.moves.empty())
        return fmt::format("Only {} change: all resources match {}.\n",
                           plan.moves.empty() ? "outputs"
                           : outputs          ? "addresses and outputs"
                                              : "addresses",
                           plan.refresh_only || plan.destroy ? "the state" : "the spec");
    if (plan.refresh_only) return "Nothing to record: all objects match the state.\n";
    if (plan.destroy)
        return plan.partial ? "Nothing to remove.\n" : "Nothing to remove: the state is empty.\n";
    return plan.partial ? "Nothing to change: the selected resources match the spec.\n"
                        : "Nothing to change: all resources match the spec.\n";
}
std::string render_later(const Plan& plan, const Style& style) {
    if (plan.later.empty()) return {};
    std::string out =
        style.paint(Tint::bold, "Then, one machine at a time, each in a plan of its own once "
                                "the others are healthy again:") +
        "\n";
    for (const Turn& turn : plan.later)
        out += fmt::format("      {:<7}  {}\n", turn.verb,
                           printable(fmt::format("{}", fmt::join(turn.addresses, ", "))));
    return out;
}
} // namespace

std::string render_losses(const std::vector<Loss>& losses, const Style& style) {
    if (losses.empty()) return {};
    std::size_t width = 0;
    for (const Loss& loss : losses) width = std::max(width, columns_of(printable(loss.address)));
    width = std::min(width, kPlanAddressColumns);
    std::string out = style.paint(Tint::red, "Data that will be lost:") + "\n";
    for (const Loss& loss : losses) {
        out += fmt::format("      {}  {}{}", pad(printable(loss.address), width),
                           printable(loss.data.what),
                           loss.data.bytes ? ", " + show_bytes(*loss.data.bytes) : "");
        if (!loss.copied_by.empty())
            out += fmt::format("; {} keeps copies on other machines", printable(loss.copied_by));
        out += "\n";
    }
    return out;
}

namespace {
/// Appends a section, with an empty line before it.
void add_section(std::string& out, const std::string& text) {
    if (text.empty()) return;
    if (!out.empty() && !out.ends_with("\n\n")) out += "\n";
    out += text;
}

/// Changes of outputs and addresses, and notices.
void add_changes_of_state(std::string& out, const Plan& plan, const Detail& detail,
                          const Style& style) {
    // a removal of everything obviously removes the outputs
    if (!plan.destroy || plan.steps.empty()) add_section(out, render_output_changes(plan, style));
    add_section(out, render_moves(plan, detail, style));
    std::string notices;
    for (const std::string& notice : plan.notices)
        notices += style.paint(Tint::cyan, "note:") + " " + printable(notice) + "\n";
    add_section(out, notices);
}
} // namespace

std::string render_around(const Plan& plan, const Style& style) {
    std::string out = render_resumed(plan, style);
    add_changes_of_state(out, plan, {}, style);
    if (plan.steps.empty()) return out;
    add_section(out, render_order(plan));
    add_section(out, render_later(plan, style));
    return out;
}

std::string plan_headline(const Plan& plan) {
    if (!plan.steps.empty()) return "Plan: " + plan_counts(plan);
    if (!plan.empty()) return "Only outputs or addresses change";
    return plan.refresh_only ? "Nothing to record" : "Nothing to change";
}

std::string render_plan(const Plan& plan, const Style& style, const Detail& detail) {
    std::string out = render_resumed(plan, style);
    const std::string steps = detail.summary ? "" : render_steps(plan, detail, style);
    if (!out.empty()) out += "\n";
    out += steps;
    add_changes_of_state(out, plan, detail, style);
    if (plan.steps.empty()) {
        add_section(out, only_the_state(plan));
        return out;
    }
    add_section(out, render_order(plan));
    add_section(out, render_later(plan, style));
    const bool long_one = !steps.empty() && std::count(out.begin(), out.end(), '\n') > kScreen;
    if (detail.summary || long_one) add_section(out, render_summary(plan, style));
    // last, where users look for them: costs, data losses and counts
    add_section(out, render_costs(plan, style));
    add_section(out, render_losses(plan.losses, style));
    add_section(out, style.paint(Tint::bold, "Plan: " + plan_counts(plan)) + "\n");
    return out;
}

} // namespace hadeploy::cli
