#include "planner/graph/ignored.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "planner/lang/expr_parser.h"
#include "provider_api/type_name.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>

namespace hadeploy {

namespace {

constexpr const char* kExample = "for example: labels, labels[\"x\"], ports[0]";

/// Collects the names and constant keys of an expression. Returns false if it contains anything
/// else.
bool collect_path(const Expr& expr, Path& out) {
    if (expr.kind == Expr::Kind::reference) {
        out.push_back(expr.name());
        for (const Expr& part : expr.parts) out.push_back(part.name());
        return true;
    }
    if (expr.kind != Expr::Kind::attribute && expr.kind != Expr::Kind::index) return false;
    if (!collect_path(expr.parts[0], out)) return false;
    if (expr.kind == Expr::Kind::attribute) {
        out.push_back(expr.name());
        return true;
    }
    const Expr& key = expr.parts[1];
    if (key.kind != Expr::Kind::literal) return false;
    out.push_back(key.value);
    return key.value.is_string() || (key.value.is_integer() && key.value.as_integer() >= 0);
}

Error ignored_refusal(std::string message, Loc loc, std::string hint) {
    return Error(ErrorKind::spec, "ignore_changes: " + message, loc).with_hint(std::move(hint));
}

IgnoredPart parse_ignored(const Value& name) {
    const std::string& text = name.as_string();
    Sources sources; // sources of their own, because locations within the path are not needed
    StringPool strings;
    Path steps;
    try {
        const std::string whole = "${" + text + "}";
        const std::uint16_t file = sources.add("", whole);
        if (!collect_path(parse_string(Value(whole).at({1, 1, file}), sources, strings), steps))
            steps.clear();
    } catch (const Error&) {
        steps.clear();
    }
    if (steps.empty())
        throw ignored_refusal(
            fmt::format("{} is neither an attribute nor a part of one", in_quotes(text)),
            name.loc(), fmt::format("{}; for all attributes: all", kExample));
    return {.attribute = steps[0].as_string(), .path = {steps.begin() + 1, steps.end()}};
}

Error unknown_attribute(std::string message, std::string_view name, const Schema& schema, Loc loc) {
    std::vector<std::string> known;
    for (const Attribute& a : schema) known.push_back(a.name);
    const auto close = did_you_mean(name, known);
    return ignored_refusal(std::move(message), loc,
                           close ? fmt::format("did you mean \"{}\"?", *close)
                                 : fmt::format("it has: {}", fmt::join(known, ", ")));
}

/// Checks a path against the type of its attribute.
void check_path(const IgnoredPart& part, const Attribute& attribute, const Value& name) {
    const Type any;
    const Type* type = &attribute.type;
    std::string way = attribute.name;
    for (const Value& step : part.path) {
        switch (type->kind) {
        case TypeKind::any: return;
        case TypeKind::map:
            if (!step.is_string())
                throw ignored_refusal(
                    fmt::format("{} is a map: its keys are names", way), name.loc(),
                    fmt::format("write the key in quotes: {}[\"{}\"]", way, display(step)));
            type = type->element ? type->element.get() : &any;
            break;
        case TypeKind::list:
            if (!step.is_integer())
                throw ignored_refusal(
                    fmt::format("{} is a list: its elements are selected by number", way),
                    name.loc(), fmt::format("for example: {}[0]", way));
            type = type->element ? type->element.get() : &any;
            break;
        case TypeKind::object: {
            if (!type->fields) return;
            const Attribute* field =
                step.is_string() ? find_attribute(*type->fields, step.as_string()) : nullptr;
            if (field == nullptr)
                throw unknown_attribute(fmt::format("{} has no {}", way, display(step)),
                                        display(step), *type->fields, name.loc());
            type = &field->type;
            break;
        }
        case TypeKind::set:
            throw ignored_refusal(fmt::format("{} is a set: its elements have no order", way),
                                  name.loc(), fmt::format("ignore all of it: {}", way));
        default:
            throw ignored_refusal(fmt::format("{} is a {}: it has no parts", way, type_name(*type)),
                                  name.loc(), fmt::format("ignore all of it: {}", way));
        }
        way += step.is_string() ? fmt::format("[\"{}\"]", step.as_string())
                                : fmt::format("[{}]", step.as_integer());
    }
}

std::optional<Value> part_at(const Value& whole, const Path& path) {
    const Value* at = &whole;
    for (const Value& step : path) {
        if (at->is_list() && step.is_integer()) {
            const auto i = static_cast<std::size_t>(step.as_integer());
            at = i < at->as_list().size() ? &at->as_list()[i] : nullptr;
        } else {
            at = step.is_string() ? at->find(step.as_string()) : nullptr;
        }
        if (at == nullptr) return std::nullopt;
    }
    return *at;
}

/// Replaces the part of `whole` to which the elements of the path from `at` on lead. Without a new
/// part, removes the old one from its map. The container of the part must exist.
Value with_part(const Value& whole, const Path& path, std::size_t at,
                const std::optional<Value>& part) {
    if (at == path.size()) return part.value_or(Value());
    const Value& step = path[at];
    const bool last = at + 1 == path.size();
    Value out = whole;
    if (whole.is_map() && step.is_string()) {
        const Value* inner = whole.find(step.as_string());
        if (last && !part)
            out = whole.without(step.as_string());
        else if (last || inner != nullptr)
            out = whole.with(step.as_string(),
                             with_part(inner != nullptr ? *inner : Value(), path, at + 1, part));
    } else if (whole.is_list() && step.is_integer()) {
        Value::List items = whole.as_list();
        const auto i = static_cast<std::size_t>(step.as_integer());
        if (i >= items.size() || (last && !part)) return whole; // a list has no gaps
        items[i] = with_part(items[i], path, at + 1, part);
        out = Value::list(std::move(items)).at(whole.loc());
    }
    return whole.secret() ? out.as_secret() : out;
}

} // namespace

void read_ignored(const Value& list, const ResourceType& type, LifecycleValues& out) {
    if (list.is_string() && list.as_string() == "all") {
        out.ignore_all = true;
        return;
    }
    const auto mistake = [&](Loc loc) {
        return ignored_refusal("expected a list of attribute names", loc, kExample);
    };
    if (!list.is_list() && !list.is_string()) throw mistake(list.loc());
    for (const Value& name : list.is_list() ? list.as_list() : Value::List{list}) {
        if (!name.is_string()) throw mistake(name.loc());
        IgnoredPart part = parse_ignored(name);
        const Attribute* attribute = find_attribute(type.schema, part.attribute);
        if (attribute == nullptr && part.attribute == "all")
            throw ignored_refusal("all can't be in a list", name.loc(),
                                  "write: ignore_changes: all");
        if (attribute == nullptr)
            throw unknown_attribute(
                fmt::format("{} has no attribute \"{}\"", type.name, part.attribute),
                part.attribute, type.schema, name.loc());
        check_path(part, *attribute, name);
        out.ignored.push_back(std::move(part));
    }
}

bool is_ignored(const LifecycleValues& lifecycle, const std::string& attribute) {
    return lifecycle.ignore_all ||
           std::any_of(
               lifecycle.ignored.begin(), lifecycle.ignored.end(),
               [&](const IgnoredPart& p) { return p.attribute == attribute && p.path.empty(); });
}

bool has_ignored_parts(const LifecycleValues& lifecycle, const std::string& attribute) {
    return std::any_of(
        lifecycle.ignored.begin(), lifecycle.ignored.end(),
        [&](const IgnoredPart& p) { return p.attribute == attribute && !p.path.empty(); });
}

Value with_ignored_parts(const LifecycleValues& lifecycle, const std::string& attribute,
                         const Value& wanted, const Value& now) {
    if (is_ignored(lifecycle, attribute)) return now;
    Value out = wanted;
    for (const IgnoredPart& p : lifecycle.ignored)
        if (p.attribute == attribute) out = with_part(out, p.path, 0, part_at(now, p.path));
    return out;
}

std::set<std::string> follow_ignored(const LifecycleValues& lifecycle, const ResourceType& type,
                                     const Value& config) {
    Value blank = config;
    for (const Attribute& a : type.schema)
        if (!a.computed && is_ignored(lifecycle, a.name))
            blank = blank.with(a.name, Value::unknown());
    for (const IgnoredPart& p : lifecycle.ignored)
        if (const Value* whole = blank.find(p.attribute); whole != nullptr && !p.path.empty())
            blank = blank.with(p.attribute, with_part(*whole, p.path, 0, Value::unknown()));
    const Value with = type.derive(config), without = type.derive(blank);
    std::set<std::string> out;
    for (const Entry& e : without.as_map())
        if (e.value.contains_unknown() && !with[e.key].contains_unknown()) out.insert(e.key);
    return out;
}

} // namespace hadeploy
