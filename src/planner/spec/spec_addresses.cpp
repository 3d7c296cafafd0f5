// The parts of a spec that contain addresses: moved, removed, import, replace_triggered_by.
#include "planner/spec/address.h"
#include "planner/spec/spec_reader.h"

#include "core/did_you_mean.h"
#include "core/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace hadeploy {

namespace {

constexpr const char* kAddressExample =
    "for example: web, web[\"a\"], web[0], module.site[\"a\"].web";

/// One step of an address: a name, or a key in brackets.
struct Step {
    std::string name;
    ExprPtr key;
};

/// Collects the steps of an expression that consists of names and keys; false if it has anything
/// else.
bool collect_steps(const Expr& expr, std::vector<Step>& out) {
    if (expr.kind == Expr::Kind::reference) {
        out.push_back({expr.name(), nullptr});
        for (const Expr& part : expr.parts) out.push_back({part.name(), nullptr});
        return true;
    }
    if (expr.kind != Expr::Kind::attribute && expr.kind != Expr::Kind::index) return false;
    if (!collect_steps(expr.parts[0], out)) return false;
    if (expr.kind == Expr::Kind::attribute)
        out.push_back({expr.name(), nullptr});
    else
        out.push_back({{}, std::make_shared<const Expr>(expr.parts[1])});
    return true;
}

/// The address that begins the steps; `rest` receives the index of the first step after it. Returns
/// no parts if the steps are not an address.
std::vector<AddressPattern::Part> parts_of(const std::vector<Step>& steps, std::size_t& rest) {
    std::vector<AddressPattern::Part> out;
    rest = 0;
    while (rest < steps.size()) {
        if (steps[rest].key) return {};
        AddressPattern::Part part{steps[rest++].name, nullptr};
        const bool module = part.name == "module";
        if (module || part.name == "data") {
            if (rest == steps.size() || steps[rest].key) return {};
            part.name += "." + steps[rest++].name;
        }
        if (rest < steps.size() && steps[rest].key) part.key = steps[rest++].key;
        out.push_back(std::move(part));
        if (!module) break;
    }
    return out;
}

/// Why the spec cannot have this address, independent of variables; "" if it can.
std::string why_nowhere(const Module& root, const std::string& address,
                        std::vector<std::string>& known) {
    const Module* module = &root;
    std::string prefix;
    for (const AddressPart& part : parts_of_address(address)) {
        const bool is_module = part.name.starts_with("module.");
        const ModuleBlock* call = is_module ? module->module(part.name.substr(7)) : nullptr;
        const ResourceBlock* block = is_module ? nullptr : module->resource(part.name);
        if (call == nullptr && block == nullptr) {
            for (const ResourceBlock& b : module->resources)
                if (!b.data) known.push_back(prefix + b.name);
            for (const ModuleBlock& m : module->modules)
                known.push_back(prefix + "module." + m.name);
            return fmt::format("the spec has no {}", prefix + part.name);
        }
        const bool by_key =
            call != nullptr ? call->for_each != nullptr : block->for_each != nullptr;
        const bool by_index = call != nullptr ? call->count != nullptr : block->count != nullptr;
        if (!part.key.empty() && !(part.indexed ? by_index : by_key))
            return fmt::format("{} has no {}", prefix + part.name,
                               part.indexed ? "count" : "for_each");
        if (call != nullptr) module = call->module.get();
        prefix += part.name + ".";
    }
    return {};
}

/// Reports moves that form a circle; returns false if there are any.
bool check_circles(const std::vector<Move>& moves, Diagnostics& diagnostics) {
    std::map<std::string, const Move*> by_from;
    for (const Move& m : moves) by_from.emplace(m.from, &m);
    std::set<const Move*> done;
    bool good = true;
    for (const Move& m : moves) {
        std::vector<const Move*> way;
        const Move* at = &m;
        while (at != nullptr && done.insert(at).second) {
            way.push_back(at);
            const auto next = by_from.find(at->to);
            at = next == by_from.end() ? nullptr : next->second;
        }
        const auto first = std::find(way.begin(), way.end(), at);
        if (first == way.end()) continue;
        good = false;
        Error& error = diagnostics.add("moved: these moves form a circle", (*first)->loc);
        error.hint = "`to` must be the current name of a block";
        for (auto it = first; it != way.end(); ++it)
            error.with_note(fmt::format("{} becomes {}", (*it)->from, (*it)->to), (*it)->loc);
    }
    return good;
}

void check_twice(const std::vector<Move>& moves, Diagnostics& diagnostics) {
    std::map<std::string, const Move*> from, to;
    for (const Move& m : moves) {
        if (const auto [it, fresh] = from.emplace(m.from, &m); !fresh)
            diagnostics.add(fmt::format("moved: {} is moved twice", m.from), m.loc)
                .with_note("first here", it->second->loc)
                .hint = "keep the move to the current name of the block";
        if (const auto [it, fresh] = to.emplace(m.to, &m); !fresh)
            diagnostics.add(fmt::format("moved: two moves lead to {}", m.to), m.to_loc)
                .with_note("the other one is here", it->second->to_loc)
                .hint = "only one object can have an address: keep the move of the one that exists";
    }
}

/// Sorts the moves of a chain. (Kahn's algorithm; circles have been reported. Moves that overlap in
/// other ways keep their order.)
void put_in_order(std::vector<Move>& moves) {
    std::vector<std::vector<std::size_t>> later(moves.size());
    std::vector<std::size_t> waits(moves.size());
    for (std::size_t i = 0; i < moves.size(); ++i)
        for (std::size_t k = 0; k < moves.size(); ++k)
            if (i != k &&
                (within(moves[i].from, moves[k].to) || within(moves[k].to, moves[i].from)))
                later[k].push_back(i), ++waits[i];
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < moves.size(); ++i)
        if (waits[i] == 0) order.push_back(i);
    for (std::size_t next = 0; next < order.size(); ++next)
        for (const std::size_t i : later[order[next]])
            if (--waits[i] == 0) order.push_back(i);
    if (order.size() != moves.size()) return;
    std::vector<Move> out;
    for (const std::size_t i : order) out.push_back(std::move(moves[i]));
    moves = std::move(out);
}

void check_ends(const Spec& spec, Diagnostics& diagnostics) {
    for (const Move& m : spec.moved) {
        const bool continues =
            std::any_of(spec.moved.begin(), spec.moved.end(),
                        [&](const Move& n) { return &n != &m && within(m.to, n.from); });
        if (continues) continue;
        std::vector<std::string> known;
        const std::string why = why_nowhere(spec.root, m.to, known);
        if (why.empty()) continue;
        Error& error = diagnostics.add(
            fmt::format("moved: {} can't become {}: {}", m.from, m.to, why), m.to_loc);
        const auto close = did_you_mean(m.to, known);
        error.hint = close ? fmt::format("did you mean {}?", *close)
                           : "`to` is the current name of the block; delete the move if the spec "
                             "no longer has it";
    }
}

void check_removed(const Spec& spec, Diagnostics& diagnostics) {
    std::map<std::string, Loc> seen;
    for (const Dependency& r : spec.removed) {
        if (const auto [it, fresh] = seen.emplace(r.name, r.loc); !fresh)
            diagnostics.add(fmt::format("removed: {} is listed twice", r.name), r.loc)
                .with_note("first here", it->second)
                .hint = "one entry is enough";
        for (const Move& m : spec.moved) {
            if (!within(r.name, m.from)) continue;
            diagnostics.add(fmt::format("{} is both removed and moved", r.name), r.loc)
                .with_note(fmt::format("{} becomes {}", m.from, m.to), m.loc)
                .hint = "moves are made first: list the new address under `removed:`";
        }
    }
}

} // namespace

bool AddressPattern::has_keys() const {
    return std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.key != nullptr; });
}

std::optional<AddressPattern> SpecReader::load_pattern(const Value& text, std::string_view what) {
    AddressPattern out{.text = text.as_string(), .loc = text.loc(), .parts = {}};
    const auto refuse = [&](std::string message, std::string hint) {
        diagnostics_.add(fmt::format("{}: {}", what, message), text.loc()).hint = std::move(hint);
        return std::nullopt;
    };
    if (out.text.find("${") != std::string::npos)
        return refuse("an address can't be an expression; only its keys can",
                      "write the key in brackets, without ${}: web[each.key]");
    std::vector<Step> steps;
    std::size_t rest = 0;
    try {
        const Value whole = Value("${" + out.text + "}").at(text.loc());
        const Expr expr = parse_string(whole, spec_.sources, strings_);
        if (collect_steps(expr, steps)) out.parts = parts_of(steps, rest);
    } catch (const Error&) { // the reason does not matter: it is not an address
        out.parts.clear();
    }
    if (out.parts.empty())
        return refuse(fmt::format("{} is not an address", in_quotes(out.text)), kAddressExample);
    out.leads_within = rest < steps.size();
    return out;
}

void SpecReader::load_triggers(const Value& list, const ResourceBlock& block,
                               Lifecycle& lifecycle) {
    for (const Dependency& d :
         load_names(list, "replace_triggered_by lists names of resources and modules")) {
        auto pattern = load_pattern(Value(d.name).at(d.loc), "replace_triggered_by");
        if (!pattern) continue;
        const auto same = std::find_if(
            lifecycle.replace_triggered_by.begin(), lifecycle.replace_triggered_by.end(),
            [&](const AddressPattern& other) { return other.text == pattern->text; });
        if (same != lifecycle.replace_triggered_by.end()) {
            diagnostics_.add(fmt::format("replace_triggered_by: {} is listed twice", d.name), d.loc)
                .with_note("first here", same->loc)
                .hint = "one entry is enough";
        } else if (pattern->text == block.name) {
            diagnostics_
                .add(fmt::format("replace_triggered_by: {} can't trigger itself", d.name), d.loc)
                .hint = "name another resource";
        } else if (pattern->parts.back().name.starts_with("data.") && !pattern->leads_within) {
            diagnostics_
                .add("replace_triggered_by: a data source is only read, so it never changes", d.loc)
                .hint = "keep its value in a local.value, and name that";
        } else {
            lifecycle.replace_triggered_by.push_back(std::move(*pattern));
        }
    }
}

bool SpecReader::check_address(const Value& text, std::string_view what) {
    const std::string& address = text.as_string();
    if (address.find("${") != std::string::npos) {
        diagnostics_.add(fmt::format("{}: an address can't be an expression", what), text.loc())
            .hint = kAddressExample;
        return false;
    }
    if (form_of_address(address) != AddressForm::none) return true;
    diagnostics_.add(fmt::format("{}: {} is not an address", what, in_quotes(address)), text.loc())
        .hint =
        address.starts_with("data.") ? "the state does not record data sources" : kAddressExample;
    return false;
}

void SpecReader::load_removed(const Value& list) {
    for (const Dependency& d : load_names(list, "removed lists addresses"))
        if (check_address(Value(d.name).at(d.loc), "removed")) spec_.removed.push_back(d);
}

void SpecReader::load_moves(const Value& list) {
    if (list.is_null()) return;
    for (const Value& move : list.is_list() ? list.as_list() : Value::List{list}) {
        if (!move.is_map() || !move["from"].is_string() || !move["to"].is_string()) {
            diagnostics_.add("moved lists addresses, each with a from and a to", move.loc()).hint =
                "for example: moved: [{from: node, to: host}]";
            continue;
        }
        unknown_keys(move, {"from", "to"}, "a move");
        const bool from = check_address(move["from"], "moved");
        const bool to = check_address(move["to"], "moved");
        if (!from || !to) continue;
        const Move m{move.text("from"), move.text("to"), move["from"].loc(), move["to"].loc()};
        const bool module = form_of_address(m.from) == AddressForm::module;
        if (m.from == m.to)
            diagnostics_.add(fmt::format("moved: {} is moved to itself", m.from), m.loc).hint =
                "delete the move";
        else if (module != (form_of_address(m.to) == AddressForm::module))
            diagnostics_
                .add(fmt::format("moved: {} is a {}, but {} is not", m.from,
                                 module ? "module" : "resource", m.to),
                     m.loc)
                .hint = module ? "a module becomes a module: module.NAME"
                               : "a resource becomes a resource; within a module it is "
                                 "module.NAME.RESOURCE";
        else
            spec_.moved.push_back(m);
    }
}

void SpecReader::load_imports(const Value& list) {
    if (list.is_null()) return;
    for (const Value& one : list.is_list() ? list.as_list() : Value::List{list}) {
        const bool id = one["id"].is_null() || one["id"].is_string();
        if (!one.is_map() || !one["to"].is_string() || !id) {
            diagnostics_
                .add("import lists addresses under \"to\", each with an \"id\" if its type has one",
                     one.loc())
                .hint = "for example: import: [{to: 'node[\"a\"]', id: "
                        "1b4e28ba-2fa1-41d2-883f-0016d3cca427}]";
            continue;
        }
        unknown_keys(one, {"to", "id", "for_each"}, "an import");
        auto to = load_pattern(one["to"], "import");
        if (!to) continue;
        ImportBlock block{
            .to = std::move(*to), .id = nullptr, .loc = one["to"].loc(), .for_each = nullptr};
        if (one.has("id")) block.id = compiled(one["id"]);
        if (one.has("for_each")) block.for_each = compiled(one["for_each"]);
        spec_.import_blocks.push_back(std::move(block));
    }
}

void check_spec_addresses(Spec& spec, Diagnostics& diagnostics) {
    const bool whole = diagnostics.empty(); // a block that could not be read counts as missing
    check_twice(spec.moved, diagnostics);
    if (check_circles(spec.moved, diagnostics)) {
        if (whole) check_ends(spec, diagnostics);
        put_in_order(spec.moved);
    }
    check_removed(spec, diagnostics);
}

} // namespace hadeploy
