#include "planner/spec/spec_reader.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "planner/lang/expr_parser.h"
#include "planner/spec/address.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unordered_map>

namespace hadeploy {

namespace {
constexpr std::string_view kIndented =
    "attributes are indented further than the name of their block";

/// The empty entry immediately before an entry that may have been meant to be in it.
const Entry* empty_before(const Value& map, const Entry& entry) {
    const Entry* before = nullptr;
    for (const Entry& e : map.as_map())
        if (e.loc.known() && e.loc < entry.loc && (before == nullptr || before->loc < e.loc))
            before = &e;
    return before != nullptr && before->value.is_null() ? before : nullptr;
}
constexpr const char* kAddressExample =
    "for example: web, web[\"a\"], web[0], module.site[\"a\"].web";

/// One step of an address: a name, or a key in brackets.
struct AddressStep {
    std::string name;
    ExprPtr key;
};

/// Collects the steps of an expression that consists of names and keys. Returns false if it
/// contains anything else.
bool collect_steps(const Expr& expr, std::vector<AddressStep>& out) {
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

/// The address with which the steps begin. `rest` receives the index of the first step after the
/// address. Returns no parts if the steps do not begin with an address.
std::vector<AddressPattern::Part> address_parts(const std::vector<AddressStep>& steps,
                                                std::size_t& rest) {
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

} // namespace

void SpecReader::unknown_keys(const Value& map, const std::vector<std::string>& known,
                              std::string_view owner) {
    for (const Entry& e : map.as_map()) {
        if (std::find(known.begin(), known.end(), e.key) != known.end()) continue;
        if (refuse_expression_key(e)) continue;
        const auto close = did_you_mean(e.key, known);
        // in a block with a secret, a key that does not resemble any known key may be the secret
        const bool hidden = map.has("secret") && !close;
        Error& error = diagnostics_.add(
            fmt::format("{} has no key {}", owner, hidden ? "like this" : in_quotes(e.key)), e.loc);
        error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                           : fmt::format("it has: {}", fmt::join(known, ", "));
        if (const std::string other =
                owner == "a lifecycle" ? lifecycle_key_hint(e.key, true) : std::string();
            !other.empty())
            error.hint = other;
        if (const Entry* before = empty_before(map, e); before != nullptr && !close)
            error.hint = fmt::format("indent the contents of \"{}\" below it", before->key);
    }
}

std::vector<Entry> SpecReader::blocks(const Value& section, std::string_view what) {
    std::vector<Entry> out;
    if (section.is_null()) return out;
    if (!section.is_map()) {
        Error& error = diagnostics_.add(
            fmt::format("{} is a map of names, not {}", what, section.kind_name()), section.loc());
        if (section.is_list()) error.hint = "use each name as a key, without a \"- \" before it";
        return out;
    }
    std::unordered_map<std::string, const Entry*> seen; // names in lower case
    seen.reserve(section.as_map().size());
    out.reserve(section.as_map().size());
    for (const Entry& e : section.as_map()) {
        if (!check_name(e)) continue;
        std::string folded = e.key;
        std::transform(folded.begin(), folded.end(), folded.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto [it, fresh] = seen.emplace(std::move(folded), &e);
        if (fresh)
            out.push_back(e);
        else
            diagnostics_
                .add(fmt::format("\"{}\" differs from \"{}\" only in upper and lower case", e.key,
                                 it->second->key),
                     e.loc)
                .with_note("the other one is here", it->second->loc)
                .with_hint("rename one of them");
    }
    return out;
}

bool SpecReader::refuse_expressions(const Value& text, std::string_view where,
                                    std::string_view hint) {
    const std::size_t before = diagnostics_.list().size();
    (void)constant(text, where, hint, diagnostics_);
    return diagnostics_.list().size() > before;
}

bool SpecReader::refuse_expression_key(const Entry& e) {
    return refuse_expressions(Value(e.key).at(e.loc), "the name of a block or an attribute",
                              "only keys within a value can be expressions");
}

bool SpecReader::check_name(const Entry& e) {
    if (refuse_expression_key(e)) return false;
    const auto good = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
    };
    const bool well_formed = !e.key.empty() && e.key.size() <= 63 &&
                             std::isalpha(static_cast<unsigned char>(e.key[0])) &&
                             std::all_of(e.key.begin(), e.key.end(), good);
    if (!well_formed) {
        diagnostics_.add(fmt::format("{} can't be a name", in_quotes(e.key)), e.loc).hint =
            "a name begins with one of a-z and A-Z, followed by these, 0-9, _ and -: at most 63 "
            "characters";
        return false;
    }
    if (std::find(kReservedNames.begin(), kReservedNames.end(), e.key) != kReservedNames.end()) {
        Error& error = diagnostics_.add(fmt::format("\"{}\" is a reserved name", e.key), e.loc);
        if (!e.value.is_map()) error.hint = std::string(kIndented);
        return false;
    }
    return true;
}

bool SpecReader::is_map(const Value& value, const Entry& owner, std::string_view what) {
    if (value.is_map()) return true;
    diagnostics_
        .add(fmt::format("{} \"{}\" is a map, not {}", what, owner.key, value.kind_name()),
             value.loc().known() ? value.loc() : owner.loc)
        .hint = value.is_null() ? fmt::format("indent the contents of \"{}\" below it", owner.key)
                                : std::string(kIndented);
    return false;
}

std::vector<Rule> SpecReader::load_rules(const Value& list, std::string_view what) {
    std::vector<Rule> out;
    if (list.is_null()) return out;
    for (const Value& rule : list.is_list() ? list.as_list() : Value::List{list}) {
        if (!rule.is_map() || !rule.has("check") || !rule.has("message")) {
            diagnostics_
                .add(fmt::format("each rule of {} needs a check and a message", what), rule.loc())
                .hint = "for example: {check: \"${var.n % 2 == 1}\", message: n has to be odd}";
            continue;
        }
        unknown_keys(rule, {"check", "message"}, fmt::format("a rule of {}", what));
        if (const Value& check = rule["check"];
            !check.is_string() || check.as_string().find("${") == std::string::npos)
            diagnostics_.add("a check has to be an expression", check.loc()).hint =
                "write the condition as \"${...}\"";
        out.push_back({compiled(rule["check"]), compiled(rule["message"]), rule["check"].loc()});
    }
    return out;
}

std::vector<Dependency> SpecReader::load_dependencies(const Value& list) {
    std::vector<Dependency> out =
        load_names(list, "depends_on lists names of resources and modules");
    std::erase_if(out, [&](const Dependency& d) {
        return refuse_expressions(Value(d.name).at(d.loc), "a list of names",
                                  "write the name alone, without ${}");
    });
    return out;
}

std::vector<Dependency> SpecReader::load_names(const Value& list, const char* mistake) {
    std::vector<Dependency> out;
    if (list.is_null()) return out;
    for (const Value& item : list.is_list() ? list.as_list() : Value::List{list}) {
        if (item.is_string())
            out.push_back({item.as_string(), item.loc()});
        else
            diagnostics_.add(mistake, item.loc());
    }
    return out;
}

bool SpecReader::load_flag(const Entry& e) {
    if (refuse_expressions(e.value, e.key, "it is true or false, and can't depend on variables"))
        return false;
    if (e.value.is_bool()) return e.value.as_bool();
    diagnostics_.add(fmt::format("{}: expected a boolean, got {}", e.key, e.value.kind_name()),
                     e.value.loc());
    return false;
}

void SpecReader::load_lifecycle(const Entry& e, ResourceBlock& block) {
    if (!is_map(e.value, {block.name, {}, block.loc}, "the lifecycle of")) return;
    if (block.data)
        unknown_keys(e.value, {"preconditions", "postconditions"},
                     "the lifecycle of a data source");
    else
        unknown_keys(e.value,
                     {"prevent_destroy", "keep_on_destroy", "create_before_destroy",
                      "ignore_changes", "replace_triggered_by", "silence", "preconditions",
                      "postconditions"},
                     "a lifecycle");
    Lifecycle l;
    for (const Entry& rule : e.value.as_map()) {
        if (rule.key == "preconditions") l.preconditions = load_rules(rule.value, rule.key);
        if (rule.key == "postconditions") l.postconditions = load_rules(rule.value, rule.key);
        if (block.data) continue;
        if (rule.key == "prevent_destroy") l.prevent_destroy = compiled(rule.value);
        if (rule.key == "keep_on_destroy") l.keep_on_destroy = compiled(rule.value);
        if (rule.key == "create_before_destroy") l.create_before_destroy = compiled(rule.value);
        if (rule.key == "ignore_changes") l.ignore_changes = compiled(rule.value);
        if (rule.key == "silence") l.silence = compiled(rule.value);
        if (rule.key == "replace_triggered_by") load_triggers(rule.value, block, l);
    }
    block.own_lifecycle = std::move(l);
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
    std::vector<AddressStep> steps;
    std::size_t rest = 0;
    try {
        const Value whole = Value("${" + out.text + "}").at(text.loc());
        const Expr expr = parse_string(whole, spec_.sources, strings_);
        if (collect_steps(expr, steps)) out.parts = address_parts(steps, rest);
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
                .hint = "put its value in a local.value, and name that resource";
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

} // namespace hadeploy
