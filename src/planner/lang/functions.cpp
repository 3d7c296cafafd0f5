#include "planner/lang/functions.h"

#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "provider_api/schema.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace hadeploy {

namespace {

/// One parameter of a signature such as "text: string, width: integer?, more: any...".
struct Parameter {
    std::string_view name;
    std::string_view types; ///< "list|map"
    bool optional = false;
    bool repeated = false;
};

std::vector<Parameter> parameters_of(std::string_view signature) {
    std::vector<Parameter> out;
    while (!signature.empty()) {
        std::string_view one = signature.substr(0, signature.find(','));
        signature.remove_prefix(std::min(signature.size(), one.size() + 2));
        Parameter p;
        p.name = one.substr(0, one.find(':'));
        p.types = one.substr(p.name.size() + 2);
        p.repeated = p.types.ends_with("...");
        p.optional = p.types.ends_with("?");
        p.types.remove_suffix(p.repeated ? 3 : p.optional ? 1 : 0);
        out.push_back(p);
    }
    return out;
}

bool is_a(const Value& v, std::string_view type) {
    if (type == "any") return true;
    if (type == "string") return v.is_string();
    if (type == "integer") return v.is_integer();
    if (type == "number") return v.is_number();
    if (type == "boolean") return v.is_bool();
    if (type == "list") return v.is_list();
    if (type == "map") return v.is_map();
    if (type == "null") return v.is_null();
    return type == "scalar" && (v.is_string() || v.is_number() || v.is_bool());
}

bool fits(const Value& v, std::string_view types) {
    while (!types.empty()) {
        const std::string_view one = types.substr(0, types.find('|'));
        if (is_a(v, one)) return true;
        types.remove_prefix(std::min(types.size(), one.size() + 1));
    }
    return false;
}

/// "list|map" -> "a list or a map"
std::string types_noun(std::string_view types) {
    std::string out;
    while (!types.empty()) {
        const std::string_view one = types.substr(0, types.find('|'));
        types.remove_prefix(std::min(types.size(), one.size() + 1));
        if (!out.empty()) out += types.empty() ? " or " : ", ";
        if (one == "null")
            out += one;
        else
            out += fmt::format("{} {}", one == "integer" ? "an" : "a", one);
    }
    return out;
}

void check_arguments(const Call& call) {
    const std::vector<Parameter> parameters = parameters_of(call.function.parameters);
    const bool endless = !parameters.empty() && parameters.back().repeated;
    const auto needed = static_cast<std::size_t>(
        std::count_if(parameters.begin(), parameters.end(),
                      [](const Parameter& p) { return !p.optional && !p.repeated; }));
    if (call.size() < needed || (call.size() > parameters.size() && !endless))
        throw call.mistake(
            fmt::format("got {} argument{}", call.size(), call.size() == 1 ? "" : "s"),
            fmt::format("usage: {}({})", call.function.name, call.function.parameters));
    for (std::size_t i = 0; i < call.size(); ++i) {
        const Parameter& p = parameters[std::min(i, parameters.size() - 1)];
        if (call[i].is_unknown() || fits(call[i], p.types)) continue;
        const bool convertible = p.types == "string" && fits(call[i], "number|boolean");
        throw call.mistake(fmt::format("{}: expected {}, got {}", p.name, types_noun(p.types),
                                       call[i].kind_name()),
                           convertible ? "use tostring(...)" : "");
    }
}

const std::map<std::string_view, const Function*>& functions_by_name() {
    static const auto all = [] {
        std::map<std::string_view, const Function*> out;
        for (const FunctionGroup& group : function_groups())
            for (const Function& f : group.functions) out.emplace(f.name, &f);
        return out;
    }();
    return all;
}

const Function& find_function(const Expr& expr) {
    const auto it = functions_by_name().find(expr.name());
    if (it != functions_by_name().end()) return *it->second;
    std::vector<std::string> names;
    for (const auto& [name, function] : functions_by_name()) names.emplace_back(name);
    const auto close = did_you_mean(expr.name(), names);
    throw Error(ErrorKind::spec, fmt::format("there is no function {}()", expr.name()), expr.loc())
        .with_hint(close ? fmt::format("did you mean {}()?", *close)
                         : "`hadeploy docs functions` lists them");
}

std::vector<Value> evaluate_arguments(const Expr& expr, const Names& names) {
    std::vector<Value> out;
    for (const Expr& part : expr.parts) out.push_back(evaluate(part, names));
    if (expr.parts.empty() || expr.parts.back().kind != Expr::Kind::spread) return out;
    const Value last = out.back();
    out.pop_back();
    if (last.is_unknown()) {
        out.push_back(last);
    } else if (last.is_list()) {
        for (const Value& v : last.as_list()) out.push_back(last.secret() ? v.as_secret() : v);
    } else {
        throw Error(ErrorKind::spec,
                    fmt::format("... needs a list before it, got {}", last.kind_name()),
                    expr.parts.back().loc());
    }
    return out;
}

/// Evaluates the arguments of sensitive(). Their errors can quote a secret that is not marked as
/// secret yet.
std::vector<Value> secret_arguments(const Expr& expr, const Names& names) {
    try {
        return evaluate_arguments(expr, names);
    } catch (const Error& error) {
        if (std::none_of(expr.parts.begin(), expr.parts.end(), may_be_written_secret)) throw;
        throw Error(error.kind, "the argument of sensitive() has no value", error.loc)
            .with_hint("a string needs quotes: sensitive(\"...\"), or '...' within \"...\"; the "
                       "details are not shown, because they may contain part of a secret");
    }
}

bool fails_by_secrets(const Expr& expr, const Names& names);

/// The value of an expression or, if it fails, whether the failure can be due to a secret.
struct Attempt {
    std::optional<Value> value;
    std::optional<Error> failure;
    bool secret = false;

    Attempt(const Expr& expr, const Names& names) {
        try {
            value = evaluate(expr, names);
            secret = value->contains_secret();
        } catch (Error& error) {
            failure = std::move(error);
            secret = fails_by_secrets(expr, names);
        }
    }
};

/// For the value that a step leads into: only its form matters, so only a value that is secret as a
/// whole counts.
bool forms_secret(const Expr& source, const Names& names) {
    const Attempt whole(source, names);
    return whole.value ? whole.value->secret() : whole.secret;
}

/// Whether the failure of an expression depends on a secret.
bool fails_by_secrets(const Expr& expr, const Names& names) {
    using enum Expr::Kind;
    if (expr.kind == reference) {
        if (expr.parts.empty()) return false;
        Expr shorter = expr;
        shorter.parts.pop_back();
        return forms_secret(shorter, names);
    }
    const bool steps = expr.kind == attribute || expr.kind == index || expr.kind == splat;
    if (steps && forms_secret(expr.parts[0], names)) return true;
    return std::any_of(expr.parts.begin() + (steps ? 1 : 0), expr.parts.end(),
                       [&](const Expr& part) { return Attempt(part, names).secret; });
}

/// Evaluates try() and can(), which handle errors of their arguments. If a value is unknown, all
/// arguments are evaluated, because any of them may be needed.
Value call_lazily(const Expr& expr, const Names& names) {
    const bool can = expr.name() == "can";
    if (expr.parts.empty() || (can && expr.parts.size() > 1))
        throw Error(ErrorKind::spec,
                    fmt::format("{}(): got {} arguments", expr.name(), expr.parts.size()),
                    expr.loc());
    std::optional<Value> out;
    bool unknown = false, secret = false, failed_by_secret = false;
    std::optional<Error> failure;
    for (const Expr& part : expr.parts) {
        Attempt attempt(part, names);
        secret = secret || attempt.secret;
        if (attempt.failure) {
            failed_by_secret = failed_by_secret || (attempt.secret && !out);
            failure = std::move(attempt.failure);
            continue;
        }
        unknown = unknown || (!out && attempt.value->contains_unknown());
        if (!out) out = std::move(attempt.value);
        if (!unknown) break;
    }
    if (unknown) return secret ? Value::unknown().as_secret() : Value::unknown();
    if (can) out = Value(out.has_value());
    if (!out) throw *failure;
    return (can ? secret : failed_by_secret) ? out->as_secret() : *out;
}

/// Rejects results that are not UTF-8. Such bytes would change when recorded, so the plan would
/// never become empty.
void refuse_bytes(const Call& call, const Value& made) {
    const auto check = [&](const std::string& text) {
        if (!is_utf8(text)) throw call.mistake("the result is not UTF-8 text");
    };
    if (made.is_string()) check(made.as_string());
    if (made.is_list())
        for (const Value& item : made.as_list()) refuse_bytes(call, item);
    if (!made.is_map()) return;
    for (const Entry& e : made.as_map()) {
        check(e.key);
        refuse_bytes(call, e.value);
    }
}

/// Removes secrets from errors. This is a safety net: functions already use Call::quoted().
Value result_of(const Call& call) {
    try {
        Value made = call.function.body(call);
        if (call.function.looks != Function::Looks::at_shape) refuse_bytes(call, made);
        return made;
    } catch (Error& error) {
        throw without_secrets(std::move(error), Value::list(call.arguments));
    }
}

} // namespace

Error Call::mistake(std::string message, std::string hint) const {
    return Error(ErrorKind::spec, fmt::format("{}(): {}", function.name, message), loc)
        .with_hint(std::move(hint));
}

std::string Call::quoted(std::size_t i) const {
    return hadeploy::quoted(arguments[i]);
}

std::string Call::quoted(std::size_t i, std::string_view part) const {
    return hadeploy::quoted(arguments[i], part);
}

std::string Call::redacted(std::size_t i) const {
    return hadeploy::redacted(arguments[i], display(arguments[i]));
}

std::string Call::redacted(std::size_t i, std::string text) const {
    return hadeploy::redacted(arguments[i], std::move(text));
}

Error Call::passed_on(std::size_t i, const std::string& message, const std::string& hint) const {
    if (!arguments[i].contains_secret()) return mistake(message, hint);
    return mistake("argument " + std::to_string(i + 1) + " is wrong (it is secret)",
                   "the details are not shown, because they may contain part of it");
}

void Call::check_size(std::size_t bytes) const {
    if (bytes > kMaxValueWeight)
        throw mistake(fmt::format("more than {} MiB", kMaxValueWeight >> 20));
}

std::filesystem::path Call::file(std::size_t i) const {
    names.context().external_inputs.note();
    if (is_windows_path(text(i)))
        throw mistake(fmt::format("{} is a Windows path", quoted(i)),
                      "write it with /, absolute or relative to this file's directory");
    const std::filesystem::path path = text(i);
    if (path.is_absolute()) return path.lexically_normal();
    std::size_t used = 0;
    const Value directory = names.resolve("path", {Value("module")}, loc, used);
    return (std::filesystem::current_path() / directory.as_string() / path).lexically_normal();
}

const std::vector<FunctionGroup>& function_groups() {
    static const std::vector<FunctionGroup> groups{
        text_functions(),    collection_functions(), set_functions(),
        number_functions(),  encoding_functions(),   file_functions(),
        network_functions(), time_functions(),       conversion_functions()};
    return groups;
}

Value call_function(const Expr& expr, const Names& names) {
    const Function& function = find_function(expr);
    if (function.looks == Function::Looks::lazily) return call_lazily(expr, names).at(expr.loc());
    const bool hides = expr.name() == "sensitive";
    const Call call{function,
                    hides ? secret_arguments(expr, names) : evaluate_arguments(expr, names),
                    expr.loc(), names};
    check_arguments(call);
    const bool at_contents = function.looks == Function::Looks::at_contents;
    bool unknown = false, secret = false, holds_secret = false;
    std::size_t weight = 0;
    for (const Value& v : call.arguments) {
        names.context().spend(v);
        weight += v.weight();
        unknown = unknown || (at_contents ? v.contains_unknown() : v.is_unknown());
        secret = secret || v.secret();
        holds_secret = holds_secret || v.contains_secret();
    }
    call.check_size(weight);
    if (function.looks == Function::Looks::for_itself) return result_of(call).at(expr.loc());
    Value out = unknown ? Value::unknown() : result_of(call);
    const bool hidden = secret || (holds_secret && (at_contents || unknown));
    if (hidden) out = made_from(out, call.arguments).as_secret();
    return out.at(expr.loc());
}

std::string scalar_text(const Value& v) {
    switch (v.kind()) {
    case Value::Kind::string: return v.as_string();
    case Value::Kind::boolean: return v.as_bool() ? "true" : "false";
    case Value::Kind::integer: return fmt::to_string(v.as_integer());
    case Value::Kind::number: return fmt::to_string(v.as_number());
    default: return {};
    }
}

} // namespace hadeploy
