#include "providers/local/shell.h"

#include "core/file.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "core/value_json.h"
#include "provider_api/normalize.h"
#include "provider_api/type_text.h"
#include "providers/local/left.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace hadeploy::local {

namespace {
using Json = nlohmann::json;
constexpr std::size_t kMostOutput = 64 * 1024; ///< must fit into an environment variable
constexpr std::size_t kMostSaid = 2'000;       ///< bytes of output in a failed script's error
constexpr int kDeepest = 64;

bool is_word(std::string_view name) {
    return !name.empty() && !std::isdigit(static_cast<unsigned char>(name.front())) &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
           });
}

/// The declared outputs, by name; a list declares strings. nullopt if it is neither map nor list.
std::optional<std::map<std::string, Type>> declared(const Value& config) {
    std::map<std::string, Type> out;
    const Value& returns = config["returns"];
    if (returns.is_list()) {
        for (const Value& name : returns.as_list()) {
            if (!name.is_string()) return std::nullopt;
            out[name.as_string()] = TypeKind::string;
        }
        return out;
    }
    if (!returns.is_map()) return std::nullopt;
    for (const Entry& e : returns.as_map()) {
        try {
            out[e.key] = parse_type(e.value);
        } catch (const Error&) {
            return std::nullopt;
        }
    }
    return out;
}

/// Converts JSON from outside: its strings are not expressions.
Value value_of(const Json& json) {
    switch (json.type()) {
    case Json::value_t::boolean: return json.get<bool>();
    case Json::value_t::number_integer: return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
        if (json.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX))
            return json.get<std::int64_t>();
        return json.get<double>();
    case Json::value_t::number_float: return json.get<double>();
    case Json::value_t::string: return json.get<std::string>();
    case Json::value_t::array: {
        Value::List items;
        for (const Json& item : json) items.push_back(value_of(item));
        return Value::list(std::move(items));
    }
    case Json::value_t::object: {
        Value::Map entries;
        for (const auto& [key, value] : json.items()) entries.push_back({key, value_of(value)});
        return Value::map(std::move(entries));
    }
    default: return {};
    }
}

/// nullopt if the output is not JSON, or is nested too deeply.
std::optional<Json> parse(const std::string& text) {
    bool too_deep = false;
    const Json json = Json::parse(
        text,
        [&](int depth, Json::parse_event_t, Json&) {
            too_deep = too_deep || depth > kDeepest;
            return !too_deep;
        },
        false);
    if (json.is_discarded() || too_deep) return std::nullopt;
    return json;
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

Error no_output(std::string_view which, const Value& returns, std::string_view name,
                std::string_view why) {
    return Error(ErrorKind::failed,
                 fmt::format("`{}` printed no output {}: {}", which, quoted(returns, name), why))
        .with_hint("print a JSON object with all outputs that `returns` declares, and messages to "
                   "standard error");
}

/// Converts one output to its declared type.
Value typed(const std::string& name, const Type& type, const Value& value, const Value& returns,
            std::string_view which) {
    Diagnostics diagnostics;
    const Attribute rule{.name = name, .type = type, .required = true};
    Value out =
        normalize(rule, value, fmt::format("`{}`: output \"{}\"", which, name), {}, diagnostics);
    if (!diagnostics.empty() && returns.contains_secret())
        throw Error(
            ErrorKind::failed,
            fmt::format("the output of `{}` does not match `returns`; details are hidden, because "
                        "`returns` is secret",
                        which))
            .with_hint("if the names and types are not confidential, use nonsensitive(...)");
    if (!diagnostics.empty())
        throw Error(ErrorKind::failed, diagnostics.list().front().message)
            .with_hint(diagnostics.list().front().hint);
    return out;
}
} // namespace

Schema shell_attributes() {
    return {{.name = "directory",
             .type = TypeKind::local_path,
             .doc = "Working directory, relative to the directory of the spec or module.",
             .operational = true,
             .default_value = Value(".")},
            {.name = "environment",
             .type = map_of(TypeKind::string),
             .doc = "Environment variables to add to hadeploy's own; its keys "
                    "(`HADEPLOY_STATE_...`, `HADEPLOY_VAULT_...`) and `HADEPLOY_VAR_...` are not "
                    "passed on. Secrets may be passed here.",
             .default_value = Value::map({}),
             .verb = "run again"},
            {.name = "input",
             .type = TypeKind::string,
             .doc = "The script's standard input.",
             .verb = "run again"},
            {.name = "timeout",
             .type = TypeKind::duration,
             .doc = "Time limit of one script.",
             .operational = true,
             .default_value = Value(600'000),
             .min = 100},
            {.name = "returns",
             .type = TypeKind::any,
             .doc = "The outputs that the script prints on standard output: a map of names and "
                    "types, or a list of names, which declares strings. The script prints a JSON "
                    "object with these keys. A single output may also be printed as plain text, "
                    "without its trailing newline.",
             .default_value = Value::list({"stdout"}),
             .verb = "run again"},
            {.name = "secret_outputs",
             .type = TypeKind::boolean,
             .doc = "Whether the outputs are secret. They are always secret if the environment or "
                    "the input contains secrets.",
             .operational = true,
             .default_value = Value(false)},
            {.name = "outputs",
             .type = TypeKind::any,
             .doc = "The outputs that `returns` declares, by name; at most 64 KiB in all.",
             .computed = true,
             .changes_on_update = true}};
}

void check_shell(const Value& config, Diagnostics& diagnostics) {
    if (const Value& environment = config["environment"]; environment.is_map())
        for (const Entry& e : environment.as_map())
            if (!is_word(e.key))
                diagnostics
                    .add(fmt::format("{} is not a variable name", quoted(environment, e.key)),
                         e.loc)
                    .with_hint("use letters, digits and '_'; the first must not be a digit");
    const Value& returns = config["returns"];
    if (returns.contains_unknown()) {
        diagnostics.add("returns has to be known when planning", returns.loc());
        return;
    }
    const auto names = declared(config);
    if (!names) {
        diagnostics
            .add("returns has to be a map of names and types, or a list of names", returns.loc())
            .with_hint("for example: returns: {id: string, port: integer}");
        return;
    }
    for (const auto& [name, type] : *names)
        if (!is_word(name))
            diagnostics
                .add(fmt::format("returns: {} is not a name", quoted(returns, name)), returns.loc())
                .with_hint("use letters, digits and '_'; the first must not be a digit");
}

Value unknown_outputs(const Value& config) {
    Value::Map out;
    for (const auto& [name, type] : declared(config).value_or(std::map<std::string, Type>{}))
        out.push_back({name, Value::unknown()});
    const Value outputs = Value::map(std::move(out));
    return config.flag("secret_outputs") ? outputs.as_secret() : outputs;
}

ProcessResult run_shell(const Value& config, const char* which, const Value& outputs,
                        const ProviderContext& context) {
    // passed in the environment because every user can see a command line
    ProcessSpec spec{.argv = {"/bin/sh", "-c", "eval \"$HADEPLOY_SCRIPT\""},
                     .input = config.text("input"),
                     .directory = config.text("directory")};
    if (config["environment"].is_map())
        for (const Entry& e : config["environment"].as_map())
            if (e.value.is_string()) spec.environment.emplace_back(e.key, e.value.as_string());
    spec.environment.emplace_back("HADEPLOY_SCRIPT", config.text(which));
    const bool looks = which == std::string_view("read") || which == std::string_view("run");
    Fd lock;
    if (!looks) {
        spec.environment.push_back(script_mark(context));
        lock = script_lock(context);
        spec.kept = lock.get();
        // Only the shell keeps the lock: its children inherit neither 3 nor the shell's saved copy.
        if (lock) spec.argv.back() = "{ eval \"$HADEPLOY_SCRIPT\"; } 3>&-";
    }
    spec.environment.emplace_back(
        "HADEPLOY_OUTPUTS", outputs.is_map() && !outputs.contains_unknown() ? to_open_json(outputs)
                                                                            : std::string("{}"));
    spec.timeout = std::chrono::milliseconds(config.integer("timeout", 600'000));
    spec.stop = context.stop;
    try {
        return run_process(spec);
    } catch (Error& error) {
        error.message = fmt::format("`{}`: {}", which, error.message);
        throw;
    }
}

Error shell_failure(const Value& config, std::string_view which, const ProcessResult& result) {
    Error error(ErrorKind::failed,
                fmt::format("`{}` ended with exit status {}", which, result.status));
    if (config.flag("secret_outputs"))
        return std::move(error).with_note("its output is not shown, because of `secret_outputs`");
    Redactor redact; // before the text is cut: a part of a secret would not be recognized
    redact.add(config);
    std::string said = redact(trimmed(result.err.empty() ? result.out : result.err));
    if (said.size() > kMostSaid) {
        said.erase(0, said.size() - kMostSaid);
        said.erase(0, said.find('\n') + 1); // npos + 1 erases nothing
    }
    if (!said.empty()) error.with_note(said);
    return error;
}

Value outputs_of(const Value& config, std::string_view which, const std::string& printed) {
    if (printed.size() > kMostOutput)
        throw Error(ErrorKind::failed, fmt::format("`{}` printed {} bytes; the limit is {}", which,
                                                   printed.size(), kMostOutput));
    if (!is_utf8(printed))
        throw Error(ErrorKind::failed, fmt::format("the output of `{}` is not UTF-8 text", which));
    const auto names = declared(config).value_or(std::map<std::string, Type>{});
    const std::optional<Json> json = parse(printed);
    const bool secret = config.contains_secret() || config.flag("secret_outputs");
    Value::Map out;
    for (const auto& [name, type] : names) {
        Value value;
        if (json && json->is_object() && json->contains(name)) {
            value = value_of((*json)[name]);
        } else if (names.size() > 1) {
            throw no_output(which, config["returns"], name,
                            json && json->is_object() ? "the object has no such key"
                                                      : "it did not print an object");
        } else {
            value =
                type.kind != TypeKind::string && json ? value_of(*json) : Value(trimmed(printed));
        }
        // secret while it is checked, so that no message quotes it; as_open() undoes it below
        const Value marked = secret ? value.as_secret() : value;
        out.push_back({name, typed(name, type, marked, config["returns"], which).as_open()});
    }
    const Value outputs = Value::map(std::move(out));
    return config.flag("secret_outputs") ? outputs.as_secret() : outputs;
}

} // namespace hadeploy::local
