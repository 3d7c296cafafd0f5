#include "planner/lang/eval.h"

#include "planner/lang/functions.h"
#include "planner/lang/operators.h"
#include "planner/lang/splat.h"
#include "provider_api/schema.h"

#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "core/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace hadeploy {

namespace {

/// One level of an evaluation.
class Deeper {
  public:
    Deeper(EvalContext& context, Loc loc) : context_(context) {
        if (context.depth == 0) {
            context.steps = 0;
            context.pattern_time = {};
        }
        if (context.depth >= kMaxEvaluationDepth)
            throw Error(ErrorKind::spec,
                        fmt::format("more than {} expressions refer to each other here",
                                    kMaxEvaluationDepth),
                        loc)
                .with_hint("does a value depend on itself?");
        if (++context.steps > kMaxEvaluationSteps)
            throw Error(ErrorKind::spec,
                        fmt::format("this takes more than {} steps", kMaxEvaluationSteps), loc)
                .with_hint("use shorter lists, or build the value in fewer nested steps");
        ++context.depth;
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --context_.depth; }

  private:
    EvalContext& context_;
};

Value sized(Value value, Loc loc, const Names& names) {
    if (value.weight() > kMaxValueWeight)
        throw Error(ErrorKind::spec,
                    fmt::format("the value is larger than {} MiB", kMaxValueWeight >> 20), loc);
    names.context().spend(value);
    return value;
}

Value marked(Value value, bool secret) {
    return secret ? value.as_secret() : value;
}

/// Evaluates an expression that may not be needed, so its error does not count yet.
std::optional<Value> attempt(const Expr& expr, const Names& names) {
    try {
        return evaluate(expr, names);
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// Evaluates an expression only for its dependencies.
/// @returns whether it contains a secret
bool touch(const Expr& expr, const Names& names) {
    const std::optional<Value> value = attempt(expr, names);
    return value && value->contains_secret();
}

Path joined(Path head, const Path& tail) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
}

std::string show_step(const Value& step) {
    const bool name = step.is_string() && !step.secret();
    return name ? "." + step.as_string() : "[" + display(step) + "]";
}

/// The result of one step into a value. If there is none, throws an error that names the
/// alternatives.
Value step_into(const Value& value, const Value& step, Loc loc, const std::string& what) {
    const auto fail = [&](std::string message) { return Error(ErrorKind::spec, message, loc); };
    if (value.is_unknown() || step.is_unknown()) return Value::unknown();
    if (value.is_map()) {
        if (!step.is_string()) {
            Error error = fail(
                fmt::format("{} is a map: its keys are strings, not {}", what, step.kind_name()));
            std::vector<std::string> keys;
            for (const Entry& e : value.as_map()) keys.push_back(e.key);
            if (!value.secret() && !keys.empty() && keys.size() <= 20)
                error.hint = fmt::format("it has: {}", fmt::join(keys, ", "));
            throw error;
        }
        if (const Value* found = value.find(step.as_string())) return *found;
        if (value.secret() || step.secret())
            throw fail(fmt::format("{} has no such key (it is secret)", what));
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
            throw fail(fmt::format("{} has {} element{}: there is none at index {}", what,
                                   redacted(value, std::to_string(size)), size == 1 ? "" : "s",
                                   display(step)));
        return value.as_list()[static_cast<std::size_t>(i)];
    }
    throw fail(fmt::format("{} is {}: it has no elements or attributes", what, value.kind_name()));
}

Value join_text(const Expr& expr, const Names& names) {
    std::string out;
    bool unknown = false;
    bool secret = false;
    Value::List secrets;
    for (const Expr& part : expr.parts) {
        const Value v = evaluate(part, names);
        unknown = unknown || v.contains_unknown();
        secret = secret || v.contains_secret();
        if (v.is_list() || v.is_map())
            throw Error(ErrorKind::spec, fmt::format("{} can't be part of a string", v.kind_name()),
                        part.loc())
                .with_hint("use join(\", \", ...), or pick one element");
        if (v.secret()) secrets.push_back(v);
        if (!unknown) out += scalar_text(v);
    }
    const Value text = unknown ? Value::unknown() : made_from(Value(std::move(out)), secrets);
    return marked(text, secret).at(expr.loc());
}

/// The key of a map. Scalars that are not strings are converted to strings.
std::string key_text(const Value& key, Loc loc) {
    if (key.is_list() || key.is_map() || key.is_null())
        throw Error(ErrorKind::spec, fmt::format("a key is a string, not {}", key.kind_name()), loc)
            .with_hint(key.is_null() ? "use coalesce(..., \"none\") for a default"
                                     : "use one element of it, or jsonencode(...)");
    return scalar_text(key);
}

Value whole_list(const Expr& expr, const Names& names) {
    Value::List items;
    items.reserve(expr.parts.size());
    for (const Expr& part : expr.parts) items.push_back(evaluate(part, names));
    return Value::list(std::move(items)).at(expr.loc());
}

Error key_twice(const std::string& key, bool secret, Loc loc, std::string hint) {
    return Error(ErrorKind::spec,
                 fmt::format("duplicate key {}", secret ? "(secret)" : in_quotes(key)), loc)
        .with_hint(std::move(hint));
}

/// Throws for the first duplicate key of a map.
void refuse_same_keys(const Expr& expr, const Names& names, bool secret) {
    std::map<std::string, Loc> seen;
    for (std::size_t i = 0; i < expr.parts.size(); i += 2) {
        const Loc loc = expr.parts[i].loc();
        const std::string key = key_text(evaluate(expr.parts[i], names), loc);
        const auto [it, fresh] = seen.emplace(key, loc);
        if (!fresh)
            throw key_twice(key, secret, loc, "with merge() a later map takes precedence")
                .with_note("first here", it->second);
    }
}

Value whole_map(const Expr& expr, const Names& names) {
    Value::Map entries;
    entries.reserve(expr.parts.size() / 2);
    bool unknown = false, secret = false, holds_secret = false;
    for (std::size_t i = 0; i < expr.parts.size(); i += 2) {
        const Value key = evaluate(expr.parts[i], names);
        Value value = evaluate(expr.parts[i + 1], names);
        unknown = unknown || key.is_unknown();
        secret = secret || key.secret();
        holds_secret = holds_secret || value.contains_secret();
        if (unknown) continue;
        const Loc loc = expr.parts[i].loc();
        entries.push_back({key_text(key, loc), std::move(value), loc});
    }
    const std::size_t count = entries.size();
    const Value out = unknown ? Value::unknown() : Value::map(std::move(entries));
    if (!unknown && out.as_map().size() != count) refuse_same_keys(expr, names, secret);
    return marked(out, secret || (unknown && holds_secret)).at(expr.loc());
}

/// The expression of the entry with this key, if no other entry can have the same key.
const Expr* entry_of(const Expr& map, const Value& key) {
    const Expr* found = nullptr;
    for (std::size_t i = 0; i < map.parts.size(); i += 2) {
        const Expr& name = map.parts[i];
        if (name.kind != Expr::Kind::literal || !name.value.is_string()) return nullptr;
        if (!key.is_string() || name.name() != key.as_string()) continue;
        if (found != nullptr) return nullptr;
        found = &map.parts[i + 1];
    }
    return found;
}

Value reference(const Expr& expr, const Path& path, const Names& names) {
    Path way;
    way.reserve(expr.parts.size() + path.size());
    for (const Expr& step : expr.parts) way.push_back(step.value);
    way.insert(way.end(), path.begin(), path.end());
    std::size_t used = 0;
    const Value start = names.resolve(expr.name(), way, expr.loc(), used);
    if (used == way.size()) return start.at(expr.loc());
    std::string what = expr.name();
    for (std::size_t i = 0; i < used; ++i) what += show_step(way[i]);
    return follow(start, way, used, expr.loc(), what).at(expr.loc());
}

Value indexed(const Expr& expr, const Path& path, const Names& names) {
    const Value index = evaluate(expr.parts[1], names);
    if (!index.is_unknown()) {
        const Value found = evaluate_at(expr.parts[0], joined({index}, path), names);
        return marked(found, index.secret());
    }
    const Value all = evaluate(expr.parts[0], names); // evaluated for its errors and dependencies
    return marked(Value::unknown(), index.secret() || all.contains_secret());
}

Value condition(const Expr& expr, const Path& path, const Names& names) {
    const Value given = evaluate(expr.parts[0], names);
    if (given.is_unknown()) {
        const bool yes = touch(expr.parts[1], names), no = touch(expr.parts[2], names);
        return marked(given, yes || no);
    }
    if (!given.is_bool())
        throw Error(
            ErrorKind::spec,
            fmt::format("the condition before ? must be a boolean, got {}", given.kind_name()),
            expr.parts[0].loc());
    const Value out = evaluate_at(expr.parts[given.as_bool() ? 1 : 2], path, names);
    return marked(out, given.secret());
}

/// `a && b` and `a || b`: if a decides the result, b is not evaluated. If a is unknown, b can
/// decide the result; an error of b counts only if b is needed.
Value logic(const Expr& expr, const Names& names) {
    const bool decisive = expr.name() == "||";
    bool secret = false, unknown = false;
    for (const Expr& part : expr.parts) {
        if (unknown) {
            const std::optional<Value> other = attempt(part, names);
            secret = secret || (other && other->contains_secret());
            if (other && other->is_bool() && other->as_bool() == decisive)
                return marked(*other, secret);
            break;
        }
        const Value v = evaluate(part, names);
        secret = secret || v.secret();
        unknown = v.is_unknown();
        if (unknown) continue;
        if (!v.is_bool())
            throw Error(ErrorKind::spec,
                        fmt::format("{} needs booleans, got {}", expr.name(), v.kind_name()),
                        part.loc());
        if (v.as_bool() == decisive) return marked(v, secret);
    }
    return marked(unknown ? Value::unknown() : Value(!decisive), secret);
}

Value operation(const Expr& expr, const Names& names) {
    if (expr.name() == "&&" || expr.name() == "||") return logic(expr, names);
    std::vector<Value> operands;
    bool secret = false, unknown = false;
    for (const Expr& part : expr.parts) {
        operands.push_back(evaluate(part, names));
        names.context().spend(operands.back());
        secret = secret || operands.back().contains_secret();
        unknown = unknown || operands.back().contains_unknown();
    }
    const Value out = unknown ? Value::unknown()
                      : expr.kind == Expr::Kind::unary
                          ? apply_unary(expr.name(), operands[0], expr.loc())
                          : apply_binary(expr.name(), operands[0], operands[1], expr.loc());
    return marked(out, secret);
}

/// The names that a comprehension defines. They hide the same names of enclosing scopes.
class LoopNames : public Names {
  public:
    LoopNames(const Names& outer, const std::string& key, const std::string& value)
        : Names(outer.context()), outer_(outer), key_name_(key), value_name_(value) {}
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

/// Collects the result of a comprehension: the items of a list, or the entries of a map.
class Gathering {
  public:
    explicit Gathering(const Expr& expr) : expr_(expr) {}

    void add(const Names& names) {
        if (filter_ != nullptr) {
            const Value pass = evaluate(*filter_, names);
            note(pass);
            if (!pass.is_unknown() && !pass.is_bool())
                throw Error(ErrorKind::spec,
                            fmt::format("if needs a boolean, got {}", pass.kind_name()),
                            filter_->loc());
            if (pass.is_unknown()) return touch_result(names);
            if (!pass.as_bool()) return;
        }
        Value value = evaluate(result_, names);
        holds_secret_ = holds_secret_ || value.contains_secret();
        weight_ += value.weight();
        if (weight_ > kMaxValueWeight) (void)sized(Value::list({value, value}), expr_.loc(), names);
        if (key_ == nullptr) return items_.push_back(std::move(value));
        const Value name = evaluate(*key_, names);
        note(name);
        if (!name.is_unknown())
            add_entry(key_text(name, key_->loc()), std::move(value), key_->loc());
    }
    /// Evaluates the parts if the source is unknown.
    void touch_all(const Names& names) {
        for (const Expr* part : {filter_, key_})
            if (part != nullptr) holds_secret_ = touch(*part, names) || holds_secret_;
        touch_result(names);
    }
    Value result() {
        Value out = Value::unknown();
        if (!unknown_ && key_ == nullptr) out = Value::list(std::move(items_));
        if (!unknown_ && key_ != nullptr) {
            Value::Map entries;
            for (auto& [key, values] : groups_)
                entries.push_back({key, grouped() ? Value::list(std::move(values)) : values[0]});
            out = Value::map(std::move(entries));
        }
        return marked(out, secret_ || (unknown_ && holds_secret_)).at(expr_.loc());
    }
    /// Records a value that determines which elements exist.
    void note(const Value& deciding) {
        unknown_ = unknown_ || deciding.is_unknown();
        secret_ = secret_ || deciding.secret();
    }

  private:
    [[nodiscard]] bool grouped() const { return expr_.kind == Expr::Kind::each_group; }

    void touch_result(const Names& names) {
        holds_secret_ = touch(result_, names) || holds_secret_;
    }

    void add_entry(std::string key, Value value, Loc loc) {
        Value::List& group = groups_[key];
        if (!group.empty() && !grouped())
            throw key_twice(key, secret_, loc,
                            "\"...\" after the value collects all values of a key in a list");
        group.push_back(std::move(value));
    }

    const Expr& expr_;
    const bool map_ = expr_.kind != Expr::Kind::each_list;
    const Expr* key_ = map_ ? &expr_.parts[3] : nullptr;
    const Expr& result_ = expr_.parts[map_ ? 4 : 3];
    const Expr* filter_ = expr_.parts.size() > (map_ ? 5U : 4U) ? &expr_.parts.back() : nullptr;
    Value::List items_;
    std::map<std::string, Value::List> groups_;
    std::size_t weight_ = 0;
    bool unknown_ = false, secret_ = false;
    bool holds_secret_ = false; ///< whether the collected values contain a secret
};

Value comprehension(const Expr& expr, const Names& names) {
    const Value source = evaluate(expr.parts[2], names);
    Gathering gathering(expr);
    gathering.note(source);
    LoopNames inside(names, expr.parts[0].name(), expr.parts[1].name());
    const auto add = [&](const Value& key, const Value& value) {
        inside.set(key, marked(value, source.secret()));
        gathering.add(inside);
    };
    if (source.is_unknown()) {
        inside.set(Value::unknown(), Value::unknown());
        gathering.touch_all(inside);
    } else if (source.is_map()) {
        for (const Entry& e : source.as_map()) add(marked(e.key, source.secret()), e.value);
    } else if (source.is_list()) {
        const Value::List& items = source.as_list();
        for (std::size_t i = 0; i < items.size(); ++i) add(static_cast<std::int64_t>(i), items[i]);
    } else {
        throw Error(ErrorKind::spec,
                    fmt::format("for needs a list or a map, not {}", source.kind_name()),
                    expr.parts[2].loc());
    }
    return gathering.result();
}

} // namespace

Value follow(const Value& value, const Path& path, std::size_t from, Loc loc,
             const std::string& what) {
    Value here = value;
    std::string name = what;
    bool secret = value.secret();
    for (std::size_t i = from; i < path.size(); ++i) {
        secret = secret || path[i].secret() || (path[i].is_unknown() && here.contains_secret());
        here = step_into(marked(here, secret), path[i], loc, name);
        secret = secret || here.secret();
        if (path[i].is_string() || path[i].is_integer()) name += show_step(path[i]);
    }
    return marked(here, secret);
}

Value evaluate(const Expr& expr, const Names& names) {
    return evaluate_at(expr, {}, names);
}

Value evaluate_at(const Expr& expr, const Path& path, const Names& names) {
    const Deeper deeper(names.context(), expr.loc());
    const auto whole = [&](Value value, const std::string& what) {
        return follow(sized(std::move(value), expr.loc(), names), path, 0, expr.loc(), what);
    };
    switch (expr.kind) {
    case Expr::Kind::literal:
        if (path.empty()) return expr.value;
        return follow(expr.value, path, 0, expr.loc(), "the value");
    case Expr::Kind::text: return whole(join_text(expr, names), "the string");
    case Expr::Kind::call: return whole(call_function(expr, names), expr.name() + "()");
    case Expr::Kind::list: {
        const bool inside = !path.empty() && path[0].is_integer() && path[0].as_integer() >= 0 &&
                            path[0].as_integer() < static_cast<std::int64_t>(expr.parts.size());
        if (inside)
            return evaluate_at(expr.parts[static_cast<std::size_t>(path[0].as_integer())],
                               {path.begin() + 1, path.end()}, names);
        return whole(whole_list(expr, names), "the list");
    }
    case Expr::Kind::map:
        if (const Expr* entry = path.empty() ? nullptr : entry_of(expr, path[0]))
            return evaluate_at(*entry, {path.begin() + 1, path.end()}, names);
        return whole(whole_map(expr, names), "the map");
    case Expr::Kind::reference: return reference(expr, path, names);
    case Expr::Kind::attribute:
        return evaluate_at(expr.parts[0], joined({expr.value}, path), names);
    case Expr::Kind::index: return indexed(expr, path, names);
    case Expr::Kind::splat: return evaluate_splat(expr, path, names);
    case Expr::Kind::spread: return evaluate_at(expr.parts[0], path, names);
    case Expr::Kind::condition: return condition(expr, path, names).at(expr.loc());
    case Expr::Kind::unary:
    case Expr::Kind::binary: return whole(operation(expr, names).at(expr.loc()), "the result");
    case Expr::Kind::each_list: return whole(comprehension(expr, names), "the list");
    case Expr::Kind::each_map:
    case Expr::Kind::each_group: return whole(comprehension(expr, names), "the map");
    }
    return {};
}

} // namespace hadeploy
