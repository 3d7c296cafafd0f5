#include "planner/effort.h"
#include "planner/expr.h"
#include "planner/functions.h"
#include "planner/operators.h"
#include "planner/schema.h"

#include "core/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace hadeploy {

namespace {

/// What the evaluation under way on this thread has cost so far. Expressions lead to each other
/// (through variables, outputs, locals), so the count goes over all of them.
struct Effort {
    int depth = 0;
    std::size_t steps = 0;
};
thread_local Effort effort;

class Deeper {
  public:
    explicit Deeper(Loc loc) {
        if (effort.depth == 0) effort.steps = 0;
        if (effort.depth >= kMaxEvaluationDepth)
            throw Error(ErrorKind::spec,
                        fmt::format("more than {} expressions lead into each other here",
                                    kMaxEvaluationDepth),
                        loc)
                .with_hint("does a value depend on itself?");
        if (++effort.steps > kMaxEvaluationSteps)
            throw Error(ErrorKind::spec,
                        fmt::format("this takes more than {} steps", kMaxEvaluationSteps), loc)
                .with_hint("go over shorter lists, or build the value in fewer nested steps");
        ++effort.depth;
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --effort.depth; }
};

Value sized(Value value, Loc loc) {
    if (value.weight() > kMaxValueWeight)
        throw Error(ErrorKind::spec,
                    fmt::format("the value is larger than {} MiB", kMaxValueWeight >> 20), loc);
    spend(value);
    return value;
}

/// Evaluates for the dependencies alone what may turn out not to be needed.
void touch(const Expr& expr, const Names& names) {
    try {
        (void)evaluate(expr, names);
    } catch (const Error&) {
        // counts once it is needed
    }
}

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

/// `module.site[*].url`: of each instance just what is asked for. Nothing for what is no module
/// with instances.
std::optional<Value> splat_over_modules(const Expr& source, const Path& suffix,
                                        const Names& names) {
    if (source.kind != Expr::Kind::reference || source.keys.size() != 1) return std::nullopt;
    const auto keys = names.instances(source.name, {Value(source.keys[0].first)});
    if (!keys || keys->empty()) return std::nullopt;
    Value::List list;
    Value::Map map;
    for (const Value& key : *keys) {
        Value value = evaluate_at(source, joined({key}, suffix), names);
        if (key.is_string())
            map.push_back({key.as_string(), std::move(value), source.loc});
        else
            list.push_back(std::move(value));
    }
    return map.empty() ? Value::list(std::move(list)) : Value::map(std::move(map));
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
    if (auto all = splat_over_modules(*expr.parts[0], suffix, names)) return *std::move(all);
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

/// A key of a map; what is no string but a scalar becomes one.
std::string key_text(const Value& key, Loc loc) {
    if (key.is_list() || key.is_map() || key.is_null())
        throw Error(ErrorKind::spec, fmt::format("a key is a string, not {}", key.kind_name()),
                    loc);
    return scalar_text(key);
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

Value whole_pairs(const Expr& expr, const Names& names) {
    Value::Map entries;
    bool unknown = false, secret = false;
    for (std::size_t i = 0; i < expr.parts.size(); i += 2) {
        const Value key = evaluate(*expr.parts[i], names);
        Value value = evaluate(*expr.parts[i + 1], names);
        unknown = unknown || key.is_unknown();
        secret = secret || key.secret();
        if (unknown) continue;
        const Loc loc = expr.parts[i]->loc;
        entries.push_back({key_text(key, loc), std::move(value), loc});
    }
    const Value out = unknown ? Value::unknown() : Value::map(std::move(entries));
    return (secret ? out.as_secret() : out).at(expr.loc);
}

Value reference(const Expr& expr, const Path& path, const Names& names) {
    Path way;
    way.reserve(expr.keys.size() + path.size());
    for (const auto& [key, loc] : expr.keys) way.emplace_back(key);
    way.insert(way.end(), path.begin(), path.end());
    std::size_t used = 0;
    const Value start = names.resolve(expr.name, way, expr.loc, used);
    if (used == way.size()) return start.at(expr.loc);
    std::string what = expr.name;
    for (std::size_t i = 0; i < used; ++i) what += show_step(way[i]);
    return follow(start, way, used, expr.loc, what).at(expr.loc);
}

Value condition(const Expr& expr, const Path& path, const Names& names) {
    const Value given = evaluate(*expr.parts[0], names);
    if (given.is_unknown()) {
        touch(*expr.parts[1], names);
        touch(*expr.parts[2], names);
        return given;
    }
    if (!given.is_bool())
        throw Error(ErrorKind::spec,
                    fmt::format("? needs a boolean before it, got {}", given.kind_name()),
                    expr.parts[0]->loc);
    const Value out = evaluate_at(*expr.parts[given.as_bool() ? 1 : 2], path, names);
    return given.secret() ? out.as_secret() : out;
}

/// `a && b` and `a || b`: where a decides, b is left alone.
Value logic(const Expr& expr, const Names& names) {
    const bool decisive = expr.name == "||";
    bool secret = false, unknown = false;
    for (const ExprPtr& part : expr.parts) {
        if (unknown) {
            touch(*part, names);
            break;
        }
        const Value v = evaluate(*part, names);
        secret = secret || v.secret();
        unknown = v.is_unknown();
        if (unknown) continue;
        if (!v.is_bool())
            throw Error(ErrorKind::spec,
                        fmt::format("{} needs booleans, got {}", expr.name, v.kind_name()),
                        part->loc);
        if (v.as_bool() == decisive) return secret ? v.as_secret() : v;
    }
    const Value out = unknown ? Value::unknown() : Value(!decisive);
    return secret ? out.as_secret() : out;
}

Value operation(const Expr& expr, const Names& names) {
    if (expr.name == "&&" || expr.name == "||") return logic(expr, names);
    std::vector<Value> operands;
    bool secret = false, unknown = false;
    for (const ExprPtr& part : expr.parts) {
        operands.push_back(evaluate(*part, names));
        spend(operands.back());
        secret = secret || operands.back().contains_secret();
        unknown = unknown || operands.back().contains_unknown();
    }
    const Value out = unknown ? Value::unknown()
                      : expr.kind == Expr::Kind::unary
                          ? apply_unary(expr.name, operands[0], expr.loc)
                          : apply_binary(expr.name, operands[0], operands[1], expr.loc);
    return secret ? out.as_secret() : out;
}

/// The names of a comprehension, before those from around it.
class LoopNames : public Names {
  public:
    LoopNames(const Names& outer, const std::string& key, const std::string& value)
        : outer_(outer), key_name_(key), value_name_(value) {}
    void set(Value key, Value value) {
        key_ = std::move(key);
        value_ = std::move(value);
    }
    Value resolve(const std::string& name, const Path& path, Loc loc,
                  std::size_t& used) const override {
        used = 0;
        if (name == value_name_) return value_;
        if (name == key_name_) return key_;
        return outer_.resolve(name, path, loc, used);
    }
    std::optional<Path> instances(const std::string& name, const Path& path) const override {
        if (name == value_name_ || name == key_name_) return std::nullopt;
        return outer_.instances(name, path);
    }

  private:
    const Names& outer_;
    const std::string& key_name_;
    const std::string& value_name_;
    Value key_, value_;
};

/// What a comprehension gathers: the items of a list, or the entries of a map.
class Gathering {
  public:
    explicit Gathering(const Expr& expr) : expr_(expr) {}

    void add(const Names& names) {
        const ExprPtr &result = expr_.parts[1], &filter = expr_.parts[2], &key = expr_.parts[3];
        if (filter) {
            const Value pass = evaluate(*filter, names);
            note(pass);
            if (!pass.is_unknown() && !pass.is_bool())
                throw Error(ErrorKind::spec,
                            fmt::format("if needs a boolean, got {}", pass.kind_name()),
                            filter->loc);
            if (pass.is_unknown()) return touch(*result, names);
            if (!pass.as_bool()) return;
        }
        Value value = evaluate(*result, names);
        weight_ += value.weight();
        if (weight_ > kMaxValueWeight) (void)sized(Value::list({value, value}), expr_.loc);
        if (!key) return items_.push_back(std::move(value));
        const Value name = evaluate(*key, names);
        note(name);
        if (!name.is_unknown()) add_entry(key_text(name, key->loc), std::move(value), key->loc);
    }
    Value result() {
        Value out = Value::unknown();
        if (!unknown_ && expr_.kind == Expr::Kind::each_list) out = Value::list(std::move(items_));
        if (!unknown_ && expr_.kind == Expr::Kind::each_map) {
            Value::Map entries;
            for (auto& [key, values] : groups_)
                entries.push_back({key, grouped() ? Value::list(std::move(values)) : values[0]});
            out = Value::map(std::move(entries));
        }
        return (secret_ ? out.as_secret() : out).at(expr_.loc);
    }
    /// A value that decides which elements there are.
    void note(const Value& deciding) {
        unknown_ = unknown_ || deciding.is_unknown();
        secret_ = secret_ || deciding.secret();
    }

  private:
    [[nodiscard]] bool grouped() const { return expr_.name == "..."; }

    void add_entry(std::string key, Value value, Loc loc) {
        Value::List& group = groups_[key];
        if (!group.empty() && !grouped())
            throw Error(ErrorKind::spec, fmt::format("the key {} comes twice", in_quotes(key)), loc)
                .with_hint("\"...\" after the value gathers all values of a key in a list");
        group.push_back(std::move(value));
    }

    const Expr& expr_;
    Value::List items_;
    std::map<std::string, Value::List> groups_;
    std::size_t weight_ = 0;
    bool unknown_ = false, secret_ = false;
};

Value comprehension(const Expr& expr, const Names& names) {
    const Value source = evaluate(*expr.parts[0], names);
    Gathering gathering(expr);
    gathering.note(source);
    LoopNames inside(names, expr.keys[0].first, expr.keys[1].first);
    const auto add = [&](const Value& key, const Value& value) {
        inside.set(key, source.secret() ? value.as_secret() : value);
        gathering.add(inside);
    };
    if (source.is_unknown()) {
        inside.set(Value::unknown(), Value::unknown());
        for (const ExprPtr& part : expr.parts)
            if (part) touch(*part, inside);
    } else if (source.is_map()) {
        for (const Entry& e : source.as_map()) add(e.key, e.value);
    } else if (source.is_list()) {
        const Value::List& items = source.as_list();
        for (std::size_t i = 0; i < items.size(); ++i) add(static_cast<std::int64_t>(i), items[i]);
    } else {
        throw Error(ErrorKind::spec,
                    fmt::format("for goes over a list or a map, not {}", source.kind_name()),
                    expr.parts[0]->loc);
    }
    return gathering.result();
}

} // namespace

void spend(const Value& value) {
    effort.steps += value.weight() >> 10;
}

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
    const Deeper deeper(expr.loc);
    const auto whole = [&](Value value, const std::string& what) {
        return follow(sized(std::move(value), expr.loc), path, 0, expr.loc, what);
    };
    switch (expr.kind) {
    case Expr::Kind::literal:
        if (path.empty()) return expr.value;
        return follow(expr.value, path, 0, expr.loc, "the value");
    case Expr::Kind::text: return whole(join_text(expr, names), "the string");
    case Expr::Kind::call: return whole(call_function(expr, names), expr.name + "()");
    case Expr::Kind::list: {
        const bool inside = !path.empty() && path[0].is_integer() && path[0].as_integer() >= 0 &&
                            path[0].as_integer() < static_cast<std::int64_t>(expr.parts.size());
        if (inside)
            return evaluate_at(*expr.parts[static_cast<std::size_t>(path[0].as_integer())],
                               {path.begin() + 1, path.end()}, names);
        return whole(whole_list(expr, names), "the list");
    }
    case Expr::Kind::map: {
        if (!path.empty() && path[0].is_string())
            for (std::size_t i = 0; i < expr.keys.size(); ++i)
                if (expr.keys[i].first == path[0].as_string())
                    return evaluate_at(*expr.parts[i], {path.begin() + 1, path.end()}, names);
        return whole(whole_map(expr, names), "the map");
    }
    case Expr::Kind::reference: return reference(expr, path, names);
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
    case Expr::Kind::pairs: return whole(whole_pairs(expr, names), "the map");
    case Expr::Kind::condition: return condition(expr, path, names).at(expr.loc);
    case Expr::Kind::unary:
    case Expr::Kind::binary: return whole(operation(expr, names).at(expr.loc), "the result");
    case Expr::Kind::each_list: return whole(comprehension(expr, names), "the list");
    case Expr::Kind::each_map: return whole(comprehension(expr, names), "the map");
    }
    return {};
}

} // namespace hadeploy
