#include "planner/expr.h"

#include "planner/schema.h"

#include <fmt/format.h>

namespace hadeploy {

namespace {

Path joined(Path head, const Path& tail) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
}

std::string show_step(const Value& step) {
    return step.is_string() ? "." + step.as_string() : "[" + display(step) + "]";
}

/// One step down, or an error that names what there is.
Value step_into(const Value& value, const Value& step, Loc loc, const std::string& what) {
    const auto fail = [&](std::string message) { return Error(ErrorKind::spec, message, loc); };
    if (value.is_unknown() || step.is_unknown()) return Value::unknown();
    if (value.is_map()) {
        if (!step.is_string())
            throw fail(
                fmt::format("{} is a map: its keys are strings, not {}", what, step.kind_name()));
        if (const Value* found = value.find(step.as_string())) return *found;
        std::vector<std::string> keys;
        for (const Entry& e : value.as_map()) keys.push_back(e.key);
        Error error = fail(fmt::format("{} has no \"{}\"", what, step.as_string()));
        if (const auto close = did_you_mean(step.as_string(), keys))
            error.hint = fmt::format("did you mean \"{}\"?", *close);
        else if (!keys.empty() && keys.size() <= 20)
            error.hint = fmt::format("it has: {}", fmt::join(keys, ", "));
        throw error;
    }
    if (value.is_list()) {
        if (!step.is_integer())
            throw fail(fmt::format("{} is a list: its index is an integer, not {}", what,
                                   step.kind_name()));
        const std::int64_t i = step.as_integer();
        const auto size = static_cast<std::int64_t>(value.as_list().size());
        if (i < 0 || i >= size)
            throw fail(fmt::format("{} has {} element{}: there is none at index {}", what, size,
                                   size == 1 ? "" : "s", i));
        return value.as_list()[static_cast<std::size_t>(i)];
    }
    throw fail(fmt::format("{} is {}: nothing can be taken out of it", what, value.kind_name()));
}

/// The contents even of a secret, which display() would hide.
std::string scalar_text(const Value& v) {
    switch (v.kind()) {
    case Value::Kind::string: return v.as_string();
    case Value::Kind::boolean: return v.as_bool() ? "true" : "false";
    case Value::Kind::integer: return fmt::to_string(v.as_integer());
    case Value::Kind::number: return fmt::to_string(v.as_number());
    default: return {};
    }
}

using Arguments = std::vector<Value>;

struct Function {
    std::string_view name;
    std::size_t arity;
    Value (*call)(const Arguments&, Loc);
};

Error wrong_argument(std::string_view function, std::string_view expected, const Value& got,
                     Loc loc) {
    return Error(ErrorKind::spec,
                 fmt::format("{}() expects {}, got {}", function, expected, got.kind_name()), loc);
}

/// "%s" in the format stands for the arguments in turn, "%%" for a percent sign.
Value format_each(const Arguments& a, Loc loc) {
    if (a.size() < 2 || !a[0].is_string())
        throw Error(ErrorKind::spec, "formatlist() expects a format and what goes into it", loc);
    const auto one = [&](const std::string& key, std::size_t index) {
        std::string out;
        std::size_t next = 1;
        const std::string& format = a[0].as_string();
        for (std::size_t i = 0; i < format.size(); ++i) {
            if (format[i] != '%' || i + 1 == format.size()) {
                out += format[i];
                continue;
            }
            if (format[++i] == '%') {
                out += '%';
                continue;
            }
            if (format[i] != 's' || next == a.size())
                throw Error(ErrorKind::spec,
                            "formatlist(): each %s needs an argument, and there is only %s and %%",
                            loc);
            const Value& v = a[next++];
            out += scalar_text(v.is_map() ? v[key] : v.is_list() ? v.as_list()[index] : v);
        }
        return Value(out);
    };
    for (std::size_t i = 1; i < a.size(); ++i) {
        if (a[i].is_map()) {
            Value::Map out;
            for (const Entry& e : a[i].as_map()) out.push_back({e.key, one(e.key, 0)});
            return Value::map(std::move(out));
        }
        if (a[i].is_list()) {
            Value::List out;
            for (std::size_t k = 0; k < a[i].as_list().size(); ++k) out.push_back(one("", k));
            return Value::list(std::move(out));
        }
    }
    throw Error(ErrorKind::spec, "formatlist() expects a list or a map among its arguments", loc);
}

constexpr std::size_t kAnyNumber = 0; ///< of arguments

constexpr Function kFunctions[] = {
    {"formatlist", kAnyNumber, format_each},
    {"join", 2,
     [](const Arguments& a, Loc loc) -> Value {
         if (!a[0].is_string()) throw wrong_argument("join", "a separator first", a[0], loc);
         if (!a[1].is_list()) throw wrong_argument("join", "a list second", a[1], loc);
         std::string out;
         for (const Value& item : a[1].as_list()) {
             if (&item != &a[1].as_list().front()) out += a[0].as_string();
             out += scalar_text(item);
         }
         return out;
     }},
    {"keys", 1,
     [](const Arguments& a, Loc loc) -> Value {
         if (!a[0].is_map()) throw wrong_argument("keys", "a map", a[0], loc);
         Value::List out;
         for (const Entry& e : a[0].as_map()) out.push_back(e.key);
         return Value::list(std::move(out));
     }},
    {"length", 1,
     [](const Arguments& a, Loc loc) -> Value {
         if (a[0].is_map()) return static_cast<std::int64_t>(a[0].as_map().size());
         if (a[0].is_list()) return static_cast<std::int64_t>(a[0].as_list().size());
         if (a[0].is_string()) return static_cast<std::int64_t>(a[0].as_string().size());
         throw wrong_argument("length", "a map, a list or a string", a[0], loc);
     }},
    {"values", 1,
     [](const Arguments& a, Loc loc) -> Value {
         if (!a[0].is_map()) throw wrong_argument("values", "a map", a[0], loc);
         Value::List out;
         for (const Entry& e : a[0].as_map()) out.push_back(e.value);
         return Value::list(std::move(out));
     }},
};

Value call(const Expr& expr, const Names& names) {
    Arguments arguments;
    bool unknown = false;
    bool secret = false;
    for (const ExprPtr& part : expr.parts) {
        arguments.push_back(evaluate(*part, names));
        // keys() and length() of a map whose values are unknown are known
        unknown = unknown || arguments.back().is_unknown() ||
                  ((expr.name == "join" || expr.name == "formatlist") &&
                   arguments.back().contains_unknown());
        secret = secret || arguments.back().contains_secret();
    }
    for (const Function& f : kFunctions) {
        if (f.name != expr.name) continue;
        if (f.arity != kAnyNumber && arguments.size() != f.arity)
            throw Error(ErrorKind::spec,
                        fmt::format("{}() takes {} argument{}, got {}", f.name, f.arity,
                                    f.arity == 1 ? "" : "s", arguments.size()),
                        expr.loc);
        Value out = unknown ? Value::unknown() : f.call(arguments, expr.loc);
        return (secret ? out.as_secret() : out).at(expr.loc);
    }
    Error error(ErrorKind::spec, fmt::format("unknown function {}()", expr.name), expr.loc);
    const auto close = did_you_mean(expr.name, function_names());
    error.hint = close ? fmt::format("did you mean {}()?", *close)
                       : fmt::format("there are: {}", fmt::join(function_names(), ", "));
    throw error;
}

Value join_text(const Expr& expr, const Names& names) {
    std::string out;
    bool unknown = false;
    bool secret = false;
    for (const ExprPtr& part : expr.parts) {
        const Value v = evaluate(*part, names);
        unknown = unknown || v.contains_unknown();
        secret = secret || v.contains_secret();
        if (v.is_list() || v.is_map())
            throw Error(ErrorKind::spec,
                        fmt::format("{} can't stand within a string", v.kind_name()), part->loc)
                .with_hint("use join(\", \", ...), or pick one element");
        if (!unknown) out += scalar_text(v);
    }
    Value result = unknown ? Value::unknown() : Value(std::move(out));
    return (secret ? result.as_secret() : result).at(expr.loc);
}

Value splat(const Expr& expr, const Path& path, const Names& names) {
    Path suffix;
    for (std::size_t i = 1; i < expr.parts.size(); ++i)
        suffix.push_back(evaluate(*expr.parts[i], names));
    if (!path.empty()) {
        Path way{path.front()};
        way.insert(way.end(), suffix.begin(), suffix.end());
        way.insert(way.end(), path.begin() + 1, path.end());
        return evaluate_at(*expr.parts[0], way, names);
    }
    const Value source = evaluate(*expr.parts[0], names);
    const auto each = [&](const Value& v) { return follow(v, suffix, 0, expr.loc, "the element"); };
    if (source.is_unknown()) return Value::unknown();
    if (source.is_null()) return Value::list({});
    if (source.is_map()) {
        Value::Map out;
        for (const Entry& e : source.as_map()) out.push_back({e.key, each(e.value), e.loc});
        return Value::map(std::move(out));
    }
    if (source.is_list()) {
        Value::List out;
        for (const Value& v : source.as_list()) out.push_back(each(v));
        return Value::list(std::move(out));
    }
    return Value::list({each(source)});
}

Value whole_list(const Expr& expr, const Names& names) {
    Value::List items;
    items.reserve(expr.parts.size());
    for (const ExprPtr& part : expr.parts) items.push_back(evaluate(*part, names));
    return Value::list(std::move(items)).at(expr.loc);
}

Value whole_map(const Expr& expr, const Names& names) {
    Value::Map entries;
    entries.reserve(expr.parts.size());
    for (std::size_t i = 0; i < expr.parts.size(); ++i)
        entries.push_back(
            {expr.keys[i].first, evaluate(*expr.parts[i], names), expr.keys[i].second});
    return Value::map(std::move(entries)).at(expr.loc);
}

} // namespace

Value follow(const Value& value, const Path& path, std::size_t from, Loc loc,
             const std::string& what) {
    Value here = value;
    std::string name = what;
    bool secret = value.secret();
    for (std::size_t i = from; i < path.size(); ++i) {
        here = step_into(here, path[i], loc, name);
        secret = secret || here.secret();
        if (path[i].is_string() || path[i].is_integer()) name += show_step(path[i]);
    }
    return secret ? here.as_secret() : here;
}

Value evaluate(const Expr& expr, const Names& names) {
    return evaluate_at(expr, {}, names);
}

Value evaluate_at(const Expr& expr, const Path& path, const Names& names) {
    switch (expr.kind) {
    case Expr::Kind::literal: return follow(expr.value, path, 0, expr.loc, "the value");
    case Expr::Kind::text: return follow(join_text(expr, names), path, 0, expr.loc, "the string");
    case Expr::Kind::call: return follow(call(expr, names), path, 0, expr.loc, expr.name + "()");
    case Expr::Kind::list: {
        const bool inside = !path.empty() && path[0].is_integer() && path[0].as_integer() >= 0 &&
                            path[0].as_integer() < static_cast<std::int64_t>(expr.parts.size());
        if (inside)
            return evaluate_at(*expr.parts[static_cast<std::size_t>(path[0].as_integer())],
                               {path.begin() + 1, path.end()}, names);
        return follow(whole_list(expr, names), path, 0, expr.loc, "the list");
    }
    case Expr::Kind::map: {
        if (!path.empty() && path[0].is_string())
            for (std::size_t i = 0; i < expr.keys.size(); ++i)
                if (expr.keys[i].first == path[0].as_string())
                    return evaluate_at(*expr.parts[i], {path.begin() + 1, path.end()}, names);
        return follow(whole_map(expr, names), path, 0, expr.loc, "the map");
    }
    case Expr::Kind::reference: {
        std::size_t used = 0;
        const Value start = names.resolve(expr.name, path, expr.loc, used);
        std::string what = expr.name;
        for (std::size_t i = 0; i < used; ++i) what += show_step(path[i]);
        return follow(start, path, used, expr.loc, what).at(expr.loc);
    }
    case Expr::Kind::attribute:
        return evaluate_at(*expr.parts[0], joined({Value(expr.name)}, path), names);
    case Expr::Kind::index: {
        const Value index = evaluate(*expr.parts[1], names);
        if (index.is_unknown()) {
            (void)evaluate(*expr.parts[0], names); // for its errors and dependencies
            return Value::unknown();
        }
        return evaluate_at(*expr.parts[0], joined({index}, path), names);
    }
    case Expr::Kind::splat: return splat(expr, path, names);
    }
    return {};
}

std::vector<std::string> function_names() {
    std::vector<std::string> out;
    for (const Function& f : kFunctions) out.emplace_back(f.name);
    return out;
}

} // namespace hadeploy
