#include "planner/spec/spec_reader.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unordered_map>

namespace hadeploy {

namespace {
constexpr std::string_view kRoots[] = {"var",  "local", "each", "count", "module", "data",
                                       "path", "self",  "true", "false", "null",   "secret"};
constexpr std::string_view kIndented =
    "an attribute is indented further than the name of its block";

/// The empty entry immediately before another one, which may have been meant to be in it.
const Entry* empty_before(const Value& map, const Entry& entry) {
    const Entry* before = nullptr;
    for (const Entry& e : map.as_map())
        if (e.loc.known() && e.loc < entry.loc && (before == nullptr || before->loc < e.loc))
            before = &e;
    return before != nullptr && before->value.is_null() ? before : nullptr;
}
} // namespace

void SpecReader::unknown_keys(const Value& map, const std::vector<std::string>& known,
                              std::string_view owner) {
    for (const Entry& e : map.as_map()) {
        if (std::find(known.begin(), known.end(), e.key) != known.end()) continue;
        if (refuse_expression_key(e)) continue;
        Error& error =
            diagnostics_.add(fmt::format("{} has no key {}", owner, in_quotes(e.key)), e.loc);
        const auto close = did_you_mean(e.key, known);
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
    std::unordered_map<std::string, const Entry*> seen; // in lower case
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
                .with_note("the other one is here", it->second->loc);
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
    if (std::find(std::begin(kRoots), std::end(kRoots), e.key) != std::end(kRoots)) {
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
                      "ignore_changes", "replace_triggered_by", "preconditions", "postconditions"},
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
        if (rule.key == "replace_triggered_by") load_triggers(rule.value, block, l);
    }
    block.own_lifecycle = std::move(l);
}

} // namespace hadeploy
