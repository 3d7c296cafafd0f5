#include "cli/render/plan_steps.h"

#include "cli/render/costs.h"
#include "cli/render/fold.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "cli/render/value_text.h"
#include "planner/graph/computed.h"
#include "planner/plan/generations.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kStepAddressColumns = 60; ///< longer addresses are not aligned
constexpr std::size_t kMostInOrder = 16;        ///< maximum length of a listed order
constexpr std::size_t kIdentityColumns = 100;
constexpr std::size_t kIndent = 6; ///< of attributes

std::string symbol_column(const Step& step, const Style& style) {
    return style.paint(action_tint(step.action), fmt::format("{:>3}", step_symbol(step)));
}

const Type* attribute_type(const Step& step, std::string_view name) {
    const Attribute* a = find_attribute(step.type->schema, name);
    return a == nullptr ? nullptr : &a->type;
}

bool is_default(const Attribute& a, const Value& value) {
    if (!a.default_value) return false;
    if (value == *a.default_value) return true;
    Diagnostics ignored; // the default may be written with a unit
    const auto here = [](Loc, bool) { return std::filesystem::path(); };
    return value == normalize(a, *a.default_value, a.name, here, ignored);
}

/// Attributes of a new resource: written or derived ones; no nulls, defaults or unknown values.
/// @param computed  include computed attributes
std::vector<std::string> attributes_of_new(const Step& step, bool computed) {
    std::vector<std::string> out;
    for (const Attribute& a : step.type->schema) {
        const Value* value = step.after.find(a.name);
        if (value == nullptr || value->is_null()) continue;
        if (is_default(a, *value)) continue;
        if (a.computed && (!computed || value->contains_unknown())) continue;
        auto lines = value_lines(a.name, &a.type, a.secret ? value->as_secret() : *value, 6);
        out.insert(out.end(), lines.begin(), lines.end());
    }
    return out;
}

/// @param computed  show the values of computed attributes
std::vector<std::string> attributes_of_change(const Step& step, bool computed, const Style& style) {
    // A step that only repairs drift says so in its heading.
    const bool mixed = step.action == Action::replace ||
                       std::any_of(step.changes.begin(), step.changes.end(),
                                   [](const AttributeChange& c) { return !c.drift; });
    std::vector<std::string> out;
    for (const AttributeChange& c : step.changes) {
        const Attribute* a = find_attribute(step.type->schema, c.name);
        auto lines = a != nullptr && a->computed && !computed
                         ? std::vector{fmt::format("      {}: (differs)", printable(c.name))}
                         : change_lines(printable(c.name), attribute_type(step, c.name), c.before,
                                        c.after, 6, style);
        if (c.replaces && step.action == Action::replace)
            lines.front() += style.paint(Tint::magenta, "  # forces replacement");
        if (c.drift && mixed)
            lines.front() += style.paint(Tint::dim, "  # changed outside hadeploy");
        out.insert(out.end(), lines.begin(), lines.end());
    }
    return out;
}

/// Attributes that identify a removed object: its name, path and place.
std::vector<std::string> identifying(const Step& step) {
    std::string line;
    for (const Attribute& a : step.type->schema) {
        const Value* value = step.before.find(a.name);
        if (value == nullptr || value->is_null() || value->contains_unknown()) continue;
        const bool tells = a.required || a.replaces || a.type.kind == TypeKind::connection ||
                           (a.computed && a.name == "id");
        if (!tells || a.operational || a.secret || value->contains_secret()) continue;
        const std::string text = value_text(&a.type, *value);
        if (is_default(a, *value) || text.find("\\n") != text.npos) continue;
        const std::string part = fmt::format("{}: {}", a.name, text);
        if (columns_of(line) + columns_of(part) > kIdentityColumns) continue;
        line += (line.empty() ? "" : "  ") + part;
    }
    if (line.empty()) return {};
    return {"      " + line};
}

/// @param computed  include computed attributes such as checksums, which are not useful for folded
///                  instances
std::vector<std::string> attributes_shown(const Step& step, bool computed, const Style& style) {
    std::vector<std::string> out;
    switch (step.action) {
    case Action::create: out = attributes_of_new(step, computed); break;
    case Action::update:
    case Action::replace:
    case Action::refresh: out = attributes_of_change(step, computed, style); break;
    case Action::remove:
    case Action::forget: return identifying(step);
    case Action::adopt:
    case Action::read: return {};
    }
    for (std::string& line : cost_lines(step, kIndent)) out.push_back(std::move(line));
    return out;
}

bool is_gone(const Step& step) {
    return step.action == Action::remove || step.action == Action::forget;
}

/// Steps that are shown together: resources removed with a machine, or read after its start.
struct Group {
    std::vector<const Step*> steps;
    std::set<std::string> machines;
    std::string reason;
};

std::string joined_names(const std::set<std::string>& names) {
    return printable(fmt::format("{}", fmt::join(names, ", ")));
}

/// The steps of a plan, sorted by how they are shown.
class StepsText {
  public:
    StepsText(const Plan& plan, const Detail& detail, const Style& style)
        : detail_(detail), style_(style) {
        for (const Step& step : plan.steps)
            if (!step.first_half) by_address_[step.address] = &step; // shown with the second half
        for (const Step& step : plan.steps)
            if (!step.first_half) sort_in(step);
    }

    std::string text() const {
        std::string out = blocks();
        const std::string rest =
            lines(others_) + groups(reads_, true) + lines(gone_) + groups(forgotten_, false);
        return out + (rest.starts_with('\n') ? rest.substr(1) : rest);
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
        else if (is_gone(step))
            gone_.push_back(&step);
        else
            (attributes_shown(step, true, style_).empty() ? others_ : tall_).push_back(&step);
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

    /// The texts of steps: parts of the heading, then the lines below it.
    std::vector<Folded> texts_of(const std::vector<const Step*>& steps) const {
        std::vector<Said> all;
        for (const Step* step : steps) {
            Said said{step->address,
                      {symbol_column(*step, style_), step->type->name, words_of(*step),
                       printable(step->reason)}};
            for (std::string& line : attributes_shown(*step, false, style_))
                said.lines.push_back(std::move(line));
            all.push_back(std::move(said));
        }
        std::vector<Folded> out = detail_.unfold ? unfolded(all) : fold(all);
        for (Folded& what : out) {
            if (what.members.size() > 1) continue;
            what.lines.resize(kHeading);
            for (std::string& line : attributes_shown(*steps[what.members[0]], true, style_))
                what.lines.push_back(std::move(line));
        }
        return out;
    }

    /// @param width  of the address column
    std::string heading(const Folded& what, std::size_t width, bool bold) const {
        const std::string address = printable(what.address);
        const std::string& type = what.lines[1];
        std::string out =
            fmt::format("{} {}  {}  {}", what.lines[0],
                        bold ? style_.paint(Tint::bold, address) : pad(address, width),
                        style_.paint(Tint::dim, type), what.lines[2]);
        if (what.members.size() > 1) out += fmt::format(", {} instances", what.members.size());
        if (!what.lines[3].empty()) out += ": " + what.lines[3];
        return out + "\n";
    }

    static std::string below(const Folded& what) {
        std::string out;
        for (std::size_t i = kHeading; i < what.lines.size(); ++i) out += what.lines[i] + "\n";
        return out;
    }

    std::string blocks() const {
        std::string out;
        for (const Folded& what : texts_of(tall_))
            out += heading(what, 0, true) + below(what) + "\n";
        return out;
    }

    std::string lines(const std::vector<const Step*>& steps) const {
        const std::vector<Folded> all = texts_of(steps);
        std::size_t width = 0;
        for (const Folded& what : all) width = std::max(width, columns_of(printable(what.address)));
        width = std::min(width, kStepAddressColumns);
        std::string out;
        for (const Folded& what : all) out += heading(what, width, false) + below(what);
        return out;
    }

    std::string groups(const std::vector<Group>& all, bool reads) const {
        std::string out;
        for (const Group& group : all) out += reads ? render_reads(group) : render_forgotten(group);
        return out;
    }

    /// The common reason for reading these later, and their addresses.
    std::string render_reads(const Group& group) const {
        std::string why = printable(group.reason);
        if (group.machines.size() == 1) {
            const Step* machine = step_of(*group.machines.begin());
            const bool off = machine != nullptr && machine->action == Action::update;
            why = off ? fmt::format("{} is off: its resources are {}", joined_names(group.machines),
                                    why)
                      : fmt::format("on {}: {}", joined_names(group.machines), why);
        } else if (!group.machines.empty()) {
            why = fmt::format("on {}: {}", joined_names(group.machines), why);
        }
        std::vector<Said> which;
        for (const Step* step : group.steps) which.push_back({step->address, {}});
        std::string out = "\n" + symbol_column(*group.steps.front(), style_) + " " + why + "\n";
        for (const Folded& what : detail_.unfold ? unfolded(which) : fold(which))
            out += "      " + printable(what.address) + "\n";
        return out;
    }

    std::string render_forgotten(const Group& group) const {
        return fmt::format("{} {} {} removed with {}\n",
                           symbol_column(*group.steps.front(), style_),
                           counted(group.steps.size(), "resource"),
                           group.steps.size() == 1 ? "is" : "are", joined_names(group.machines));
    }

    static constexpr std::size_t kHeading = 4; ///< number of parts in the heading
    const Detail& detail_;
    const Style& style_;
    std::map<std::string, const Step*> by_address_;
    std::vector<const Step*> tall_, others_, gone_;
    std::vector<Group> reads_, forgotten_;
};

} // namespace

std::string words_of(const Step& step) {
    if (step.action == Action::read) return step.type->data ? "read during apply" : "read later";
    if (step.action == Action::adopt && step.verb.empty()) return "adopt";
    if (step.action == Action::adopt) return step.verb;
    if (step.action == Action::refresh) return "refresh";
    if (step.action == Action::forget && step.keeps) return "keep";
    if (step.action == Action::update && !step.verb.empty()) return step.verb;
    if (step.action == Action::replace && step.if_differs) return "replace if it differs";
    return std::string(action_name(step.action));
}

std::string step_text(const Step& step) {
    std::string out = step.reason.empty() ? "" : printable(step.reason) + "\n";
    for (const std::string& line : attributes_shown(step, true, Style{}))
        out += line.substr(std::min(line.size(), kIndent)) + "\n";
    return out;
}

std::string render_steps(const Plan& plan, const Detail& detail, const Style& style) {
    return StepsText(plan, detail, style).text();
}

std::string render_order(const Plan& plan) {
    std::vector<std::string> parts;
    const auto removes = [&](StepId id) { return plan.steps[id].action == Action::remove; };
    std::set<StepId> chained;
    for (StepId id = 0; id < plan.steps.size(); ++id)
        if (plan.steps[id].first_half)
            for (const StepId before : plan.steps[id].after_steps)
                if (removes(before)) chained.insert({id, before});
    std::set<std::string_view> again;
    for (const StepId id : chained) {
        parts.push_back("remove " + printable(plan.steps[id].address));
        if (plan.steps[id].first_half) again.insert(plan.steps[id].address);
    }
    for (const Step& step : plan.steps)
        if (!step.first_half && again.contains(step.address))
            parts.push_back("create " + printable(step.address));
    if (parts.empty()) return {};
    if (parts.size() > kMostInOrder) {
        parts.resize(kMostInOrder);
        parts.push_back("...");
    }
    return fmt::format("Order of the replacements: {}.\n", fmt::join(parts, ", "));
}

} // namespace hadeploy::cli
