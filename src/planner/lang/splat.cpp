#include "planner/lang/splat.h"

#include <memory>
#include <optional>

namespace hadeploy {

namespace {

Value secret_if(Value value, bool secret) {
    return secret ? value.as_secret() : value;
}

void append_path(Path& way, const Path& more, std::size_t from = 0) {
    way.insert(way.end(), more.begin() + static_cast<std::ptrdiff_t>(from), more.end());
}

/// One `[*]` of a chain such as `a[*].b[*].c`: the path to follow in each element, and the next
/// `[*]`.
struct Splat {
    Path suffix;
    bool secret = false; ///< whether one of the steps is secret
    std::unique_ptr<Splat> next;
};

/// @param expr  Kind::splat
Splat splat_of(const Expr& expr, const Names& names) {
    Splat out;
    for (std::size_t i = 1; i < expr.parts.size(); ++i) {
        const Expr& part = expr.parts[i];
        if (part.kind == Expr::Kind::splat && part.value == Value(true)) {
            out.next = std::make_unique<Splat>(splat_of(part, names));
            break;
        }
        out.suffix.push_back(evaluate(part, names));
        out.secret = out.secret || out.suffix.back().secret();
    }
    return out;
}

/// Applies the splat to each element of `source`.
Value taken_of_each(const Value& source, const Splat& splat, Loc loc) {
    const auto each = [&](const Value& v) {
        const Value part = // errors about an element are as secret as the whole list
            follow(secret_if(v, source.secret()), splat.suffix, 0, loc, "the element");
        return splat.next ? taken_of_each(part, *splat.next, loc) : part;
    };
    Value out = Value::unknown();
    if (source.is_null()) {
        out = Value::list({});
    } else if (source.is_map()) {
        Value::Map entries;
        for (const Entry& e : source.as_map()) entries.push_back({e.key, each(e.value), e.loc});
        out = Value::map(std::move(entries));
    } else if (source.is_list()) {
        Value::List items;
        for (const Value& v : source.as_list()) items.push_back(each(v));
        out = Value::list(std::move(items));
    } else if (!source.is_unknown()) {
        out = Value::list({each(source)});
    }
    return secret_if(out, source.secret() || (splat.next && splat.next->secret));
}

/// Removes one step from `path` for each `[*]` of a chain, as far as possible.
/// @param way  receives the path from the chain's source to the part at `path`
/// @returns the splat to apply to the whole of that part; nullptr if the path leads further
const Splat* narrow(const Splat& chain, const Path& path, Path& way) {
    std::size_t taken = 0;
    const Splat* s = &chain;
    for (; s != nullptr && taken < path.size(); s = s->next.get()) {
        way.push_back(path[taken++]);
        append_path(way, s->suffix);
    }
    append_path(way, path, taken);
    return s;
}

/// For `module.site[*].url`: evaluates only the requested part of each instance. Returns nullopt if
/// the source is not a module with instances.
std::optional<Value> splat_over_modules(const Expr& source, const Splat& splat,
                                        const Names& names) {
    if (source.kind != Expr::Kind::reference || source.parts.size() != 1) return std::nullopt;
    const auto keys = names.instances(source.name(), {source.parts[0].value});
    if (!keys || keys->empty()) return std::nullopt;
    Value::List list;
    Value::Map map;
    for (const Value& key : *keys) {
        Path way{key};
        append_path(way, splat.suffix);
        Value value = evaluate_at(source, way, names);
        if (splat.next) value = taken_of_each(value, *splat.next, source.loc());
        if (key.is_string())
            map.push_back({key.as_string(), std::move(value), source.loc()});
        else
            list.push_back(std::move(value));
    }
    return map.empty() ? Value::list(std::move(list)) : Value::map(std::move(map));
}

} // namespace

Value evaluate_splat(const Expr& expr, const Path& path, const Names& names) {
    const Expr& over = expr.parts[0];
    const Splat splat = splat_of(expr, names);
    if (!path.empty()) {
        Path way;
        const Splat* rest = narrow(splat, path, way);
        try {
            const Value part = evaluate_at(over, way, names);
            return secret_if(rest ? taken_of_each(part, *rest, expr.loc()) : part, splat.secret);
        } catch (const Error&) { // evaluating the whole list reports the error, or shows that
                                 // `over` is not a list
        }
    }
    auto all = splat_over_modules(over, splat, names);
    if (!all) all = taken_of_each(evaluate(over, names), splat, expr.loc());
    return follow(secret_if(*std::move(all), splat.secret), path, 0, expr.loc(), "the list");
}

} // namespace hadeploy
