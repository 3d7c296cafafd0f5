#include "cli/render/plan_text.h"

#include "cli/render/text.h"
#include "cli/render/value_text.h"
#include "planner/output_changes.h"

#include "planner/generations.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kAddressColumns = 60; ///< beyond, columns are no longer aligned
constexpr std::size_t kMostInOrder = 16;    ///< parts of an order that are told one by one

std::string symbol_column(const Step& step, const Style& style) {
    return style.paint(action_tint(step.action), fmt::format("{:>3}", step_symbol(step)));
}

/// "to create", "to start": what a step does in words, in blocks, list and counts alike.
std::string words_of(const Step& step) {
    if (step.action == Action::read) return step.type->data ? "read during apply" : "read later";
    if (step.action == Action::adopt && step.verb.empty()) return "adopt";
    if (step.action == Action::adopt) return step.verb;
    if (step.action == Action::refresh) return "record as it is";
    if (step.action == Action::update && !step.verb.empty()) return step.verb;
    if (step.action == Action::replace && step.if_differs) return "replace if it differs";
    return std::string(action_name(step.action));
}

const Type* type_of(const Step& step, std::string_view name) {
    const Attribute* a = find_attribute(step.type->schema, name);
    return a == nullptr ? nullptr : &a->type;
}

bool is_default(const Attribute& a, const Value& value) {
    if (!a.fallback) return false;
    if (value == *a.fallback) return true;
    Problems ignored; // the default may be written with a unit
    const auto here = [](Loc) { return std::filesystem::path(); };
    return value == normalize(a, *a.fallback, a.name, here, ignored);
}

/// What the plan says of a new resource: what was written or follows from it; neither nulls nor
/// defaults, nor what is computed later.
std::vector<std::string> attributes_of_new(const Step& step) {
    std::vector<std::string> out;
    for (const Attribute& a : step.type->schema) {
        const Value* value = step.after.find(a.name);
        if (value == nullptr || value->is_null()) continue;
        if (is_default(a, *value)) continue;
        if (a.computed && value->contains_unknown()) continue;
        auto lines = value_lines(a.name, &a.type, a.secret ? value->as_secret() : *value, 6);
        out.insert(out.end(), lines.begin(), lines.end());
    }
    return out;
}

std::vector<std::string> attributes_of_change(const Step& step, const Style& style) {
    // One that is all drift says so in its heading.
    const bool mixed = step.action == Action::replace ||
                       std::any_of(step.changes.begin(), step.changes.end(),
                                   [](const AttributeChange& c) { return !c.drift; });
    std::vector<std::string> out;
    for (const AttributeChange& c : step.changes) {
        auto lines =
            change_lines(printable(c.name), type_of(step, c.name), c.before, c.after, 6, style);
        if (c.replaces && step.action == Action::replace)
            lines.front() += style.paint(Tint::magenta, "  # forces replacement");
        if (c.drift && mixed)
            lines.front() += style.paint(Tint::dim, "  # something else changed it");
        out.insert(out.end(), lines.begin(), lines.end());
    }
    return out;
}

/// The block of a step; empty where the list at the end says all there is.
std::string render_block(const Step& step, const Style& style) {
    std::vector<std::string> lines;
    if (step.action == Action::create)
        lines = attributes_of_new(step);
    else if (step.action == Action::update || step.action == Action::replace ||
             step.action == Action::refresh)
        lines = attributes_of_change(step, style);
    if (lines.empty()) return {};
    std::string out = fmt::format("{} {}  {}  {}", symbol_column(step, style),
                                  style.paint(Tint::bold, printable(step.address)),
                                  style.paint(Tint::dim, step.type->name), words_of(step));
    if (!step.reason.empty()) out += ": " + printable(step.reason);
    out += "\n";
    for (const std::string& line : lines) out += line + "\n";
    return out + "\n";
}

/// Steps that are said in one breath: what goes with a machine, what is read after its start.
struct Group {
    std::vector<const Step*> steps;
    std::set<std::string> machines;
    std::string reason;
};

std::string joined(const std::set<std::string>& names) {
    return printable(fmt::format("{}", fmt::join(names, ", ")));
}

class PlanText {
  public:
    PlanText(const Plan& plan, const Style& style) : plan_(plan), style_(style) {
        for (const Step& step : plan.steps) {
            if (step.first_half) continue; // said with the second
            by_address_[step.address] = &step;
            width_ = std::max(width_, columns_of(printable(step.address)));
        }
        width_ = std::min(width_, kAddressColumns);
        for (const Step& step : plan.steps)
            if (!step.first_half) sort_in(step);
    }

    /// What is to be said of each step in detail.
    std::string blocks() const {
        std::string out;
        for (const Step& step : plan_.steps)
            if (!step.first_half) out += render_block(step, style_);
        return out;
    }

    /// In which order replacements go that stand on each other; "" when none does.
    std::string order() const {
        std::vector<std::string> parts;
        const auto removes = [&](StepId id) { return plan_.steps[id].action == Action::remove; };
        std::set<StepId> chained;
        for (StepId id = 0; id < plan_.steps.size(); ++id)
            if (plan_.steps[id].first_half)
                for (const StepId before : plan_.steps[id].after_steps)
                    if (removes(before)) chained.insert({id, before});
        std::set<std::string_view> again;
        for (const StepId id : chained) {
            parts.push_back("remove " + printable(plan_.steps[id].address));
            if (plan_.steps[id].first_half) again.insert(plan_.steps[id].address);
        }
        for (const Step& step : plan_.steps)
            if (!step.first_half && again.contains(step.address))
                parts.push_back("create " + printable(step.address));
        if (parts.empty()) return {};
        if (parts.size() > kMostInOrder) {
            parts.resize(kMostInOrder);
            parts.push_back("...");
        }
        return fmt::format("Order of the replacements: {}.\n", fmt::join(parts, ", "));
    }

    /// One line a step, but where one is enough for several.
    std::string list() const {
        std::string out;
        for (const Step* step : alone_) out += list_line(*step);
        for (const Group& group : reads_) out += render_reads(group);
        for (const Group& group : forgotten_) out += render_forgotten(group);
        if (out.starts_with('\n')) out.erase(0, 1);
        return out;
    }

  private:
    void sort_in(const Step& step) {
        const std::set<std::string> machines =
            machines_in(step.action == Action::forget ? step.before : step.after);
        const bool with_machines =
            !machines.empty() && std::all_of(machines.begin(), machines.end(), [&](const auto& m) {
                const Step* other = step_of(m);
                return other != nullptr && other->action == Action::remove;
            });
        if (step.action == Action::read && !step.type->data)
            add_to(reads_, step, machines);
        else if (step.action == Action::forget && with_machines)
            add_to(forgotten_, step, machines);
        else
            alone_.push_back(&step);
    }

    static void add_to(std::vector<Group>& groups, const Step& step,
                       std::set<std::string> machines) {
        auto it = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
            return g.machines == machines && g.reason == step.reason;
        });
        if (it == groups.end())
            it = groups.insert(groups.end(), {{}, std::move(machines), step.reason});
        it->steps.push_back(&step);
    }

    const Step* step_of(const std::string& address) const {
        const auto it = by_address_.find(address);
        return it == by_address_.end() ? nullptr : it->second;
    }

    std::string list_line(const Step& step) const {
        std::string out = fmt::format("{} {}  {}", symbol_column(step, style_),
                                      pad(printable(step.address), width_), words_of(step));
        if (!step.reason.empty())
            out += ": " + printable(step.reason);
        else if (step.action == Action::create || step.action == Action::remove)
            out += style_.paint(Tint::dim, "  " + step.type->name);
        return out + "\n";
    }

    /// Why these are read only later, once for all of them, and which they are.
    std::string render_reads(const Group& group) const {
        std::string why = printable(group.reason);
        if (group.machines.size() == 1) {
            const Step* machine = step_of(*group.machines.begin());
            const bool off = machine != nullptr && machine->action == Action::update;
            why =
                off ? fmt::format("{} is off: what lives on it is {}", joined(group.machines), why)
                    : fmt::format("on {}: {}", joined(group.machines), why);
        } else if (!group.machines.empty()) {
            why = fmt::format("on {}: {}", joined(group.machines), why);
        }
        std::string out = "\n" + symbol_column(*group.steps.front(), style_) + " " + why + "\n";
        for (const Step* step : group.steps) out += "      " + printable(step->address) + "\n";
        return out;
    }

    std::string render_forgotten(const Group& group) const {
        return fmt::format("{} {} {} with {}\n", symbol_column(*group.steps.front(), style_),
                           counted(group.steps.size(), "resource"),
                           group.steps.size() == 1 ? "goes" : "go", joined(group.machines));
    }

    const Plan& plan_;
    const Style& style_;
    std::map<std::string, const Step*> by_address_;
    std::size_t width_ = 0;
    std::vector<const Step*> alone_;
    std::vector<Group> reads_, forgotten_;
};

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
    std::map<std::string, std::size_t> verbs; // updates with a name of their own
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
    add(plan.count(Action::forget), "to forget");
    add(plan.count(Action::refresh), "to record as it is");
    return out;
}

namespace {
std::string render_moves(const Plan& plan, const Style& style) {
    if (plan.moves.empty()) return {};
    std::string out =
        style.paint(Tint::bold, "Moved in the state; nothing is done to the objects:") + "\n";
    for (const auto& [from, to] : plan.moves)
        out += fmt::format("      {} -> {}{}\n", printable(from), printable(to),
                           resource_address(to) == to ? "" : "  (the spec no longer has it)");
    return out + "\n";
}

/// What an earlier run left open in its journal.
std::string render_resumed(const Plan& plan, const Style& style) {
    if (plan.resumed.empty()) return {};
    std::string out =
        style.paint(Tint::bold, "Begun by an earlier run that did not end; completed first:") +
        "\n";
    for (const auto& [address, action] : plan.resumed)
        out += fmt::format("      {}  {}\n", pad(action, 6), printable(address));
    return out + "\n";
}

/// What a plan without steps changes in the state alone, or that it changes nothing.
std::string only_the_state(const Plan& plan) {
    const bool outputs = !output_changes(plan).empty();
    if (outputs || !plan.moves.empty())
        return fmt::format("Only {} change: all resources are as {}.\n",
                           plan.moves.empty() ? "outputs"
                           : outputs          ? "addresses and outputs"
                                              : "addresses",
                           plan.refresh_only || plan.destroy ? "the state says" : "the spec says");
    if (plan.refresh_only) return "Nothing to record: all is as the state says.\n";
    if (plan.destroy)
        return plan.partial ? "Nothing to remove.\n" : "Nothing to remove: the state is empty.\n";
    return plan.partial ? "Nothing to change: what was looked at is as the spec says.\n"
                        : "Nothing to change: all is as the spec says.\n";
}
} // namespace

std::string render_losses(const std::vector<Loss>& losses, const Style& style) {
    if (losses.empty()) return {};
    std::size_t width = 0;
    for (const Loss& loss : losses) width = std::max(width, columns_of(printable(loss.address)));
    width = std::min(width, kAddressColumns);
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

std::string render_plan(const Plan& plan, const Style& style) {
    const PlanText text(plan, style);
    std::string out = text.blocks();
    // that a removal of everything takes the outputs along goes without saying
    const std::string outputs =
        plan.destroy && !plan.steps.empty() ? "" : render_output_changes(plan, style);
    if (!outputs.empty()) out += outputs + "\n";
    out += render_moves(plan, style);
    for (const std::string& notice : plan.notices)
        out += style.paint(Tint::cyan, "note:") + " " + printable(notice) + "\n";
    if (!plan.notices.empty()) out += "\n";
    out += render_resumed(plan, style);
    if (plan.steps.empty()) return out + only_the_state(plan);
    // last, where it is looked for: what is touched, and the counts
    const std::string losses = render_losses(plan.losses, style);
    return out + text.list() + text.order() + "\n" + losses + (losses.empty() ? "" : "\n") +
           style.paint(Tint::bold, "Plan: " + plan_counts(plan)) + "\n";
}

} // namespace hadeploy::cli
