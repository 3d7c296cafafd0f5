#include "cli/render/plan_summary.h"

#include "cli/render/fold.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kMostRows = 20; ///< fits a screen of 24 lines
constexpr std::size_t kSummaryColumns = 60;

/// The module path of a block; "" for a block of the spec itself.
std::string module_of(const std::string& block) {
    const auto at = block.rfind('.');
    const bool inside = block.starts_with("module.") && at != block.npos;
    return inside ? block.substr(0, at) : "";
}

struct Row {
    std::string name, type;
    std::map<std::string, std::size_t> counts; ///< by action
    std::vector<std::string> order;            ///< actions in order of appearance
    std::string symbol;
    Tint tint = Tint::plain;
};

/// Removals weigh more than changes, and changes more than creations.
int weight(const std::string& symbol) {
    static const std::vector<std::string> order{".", "=", "<=", "<~", "+", "~", "+/-", "-/+", "-"};
    return static_cast<int>(std::find(order.begin(), order.end(), symbol) - order.begin());
}

using NameOf = std::function<std::string(const Counted&)>;

std::vector<Row> rows_by(const std::vector<Counted>& all, const NameOf& name_of) {
    std::vector<Row> rows;
    std::map<std::pair<std::string, std::string>, std::size_t> places;
    for (const Counted& c : all) {
        const std::string name = name_of(c);
        const auto [place, fresh] = places.emplace(std::pair(name, c.type), rows.size());
        if (fresh) rows.push_back({name, c.type, {}, {}, c.symbol, c.tint});
        Row& row = rows[place->second];
        if (row.counts[c.what]++ == 0) row.order.push_back(c.what);
        if (weight(c.symbol) > weight(row.symbol)) row.symbol = c.symbol, row.tint = c.tint;
    }
    return rows;
}

std::string render_rows(const std::vector<Row>& rows, const Style& style) {
    std::size_t names = 0, types = 0;
    for (const Row& row : rows) {
        names = std::max(names, columns_of(printable(row.name)));
        types = std::max(types, row.type.size());
    }
    names = std::min(names, kSummaryColumns);
    std::string out;
    for (const Row& row : rows) {
        std::vector<std::string> counts;
        for (const std::string& what : row.order)
            counts.push_back(fmt::format("{} {}", row.counts.at(what), what));
        out += style.paint(row.tint, fmt::format("{:>3}", row.symbol)) + " ";
        if (names > 0) out += pad(printable(row.name), names) + "  ";
        out += style.paint(Tint::dim, pad(row.type, types)) +
               fmt::format("  {}\n", fmt::join(counts, ", "));
    }
    return out;
}
} // namespace

std::string render_counts(const std::vector<Counted>& all, const Style& style) {
    const NameOf by_block = [](const Counted& c) { return block_address(c.address); };
    const NameOf by_module = [](const Counted& c) { return module_of(block_address(c.address)); };
    const NameOf by_type = [](const Counted&) { return std::string(); };
    std::vector<Row> rows = rows_by(all, by_block);
    if (rows.size() > kMostRows) rows = rows_by(all, by_module);
    if (rows.size() > kMostRows) rows = rows_by(all, by_type);
    return render_rows(rows, style);
}

std::string render_summary(const Plan& plan, const Style& style) {
    std::vector<Counted> all;
    for (const Step& step : plan.steps) {
        if (step.first_half) continue;
        all.push_back({step.address, step.type->name, "to " + words_of(step),
                       std::string(step_symbol(step)), action_tint(step.action)});
    }
    return render_counts(all, style);
}

} // namespace hadeploy::cli
