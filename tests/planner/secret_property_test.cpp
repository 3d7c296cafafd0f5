// Passes secrets of every length and alphabet to every function at every position, through every
// type, and into variables in every way, and checks that no output shows a part of one. The seeds
// are fixed; HADEPLOY_SEED is the first one, HADEPLOY_SECRETS their number.
#include "core/value_json.h"
#include "planner/lang/expr_parser.h"
#include "planner/lang/functions.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "planner/yaml/scalar_place.h"
#include "provider_api/normalize.h"
#include "provider_api/type_name.h"
#include "support/expressions.h"
#include "support/planted.h"
#include "support/project.h"

#include <cstdlib>
#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

unsigned from_environment(const char* name, unsigned default_value) {
    const char* text = std::getenv(name);
    return text == nullptr ? default_value : static_cast<unsigned>(std::stoul(text));
}

/// Calls `test` with each secret and its random generator.
template<class Test>
void each_secret(unsigned count, const Test& test) {
    const unsigned first = from_environment("HADEPLOY_SEED", 1);
    const unsigned end = first + from_environment("HADEPLOY_SECRETS", count);
    for (unsigned seed = first; seed < end; ++seed) {
        std::mt19937 draw(seed);
        const std::size_t length = drawn_length(draw);
        const Planted secret = plant(draw, length, seed % kAlphabets);
        CAPTURE(seed);
        CAPTURE(length);
        CAPTURE(in_quotes(secret.text, 400));
        test(secret, draw);
    }
}

std::string said(const Error& error) {
    std::string out = error.message + "\n" + error.hint + "\n";
    for (const Note& note : error.notes) out += note.text + "\n";
    return out;
}

/// All output about an expression: its public value, or its error.
std::string said_of(const std::string& expression, const Value& names) {
    Sources sources;
    const std::string whole = "${" + expression + "}";
    const Value text = Value(whole).at({1, 1, sources.add("test", whole)});
    try {
        StringPool strings;
        const Value value = evaluated(parse_string(text, sources, strings), names);
        return to_public_json(value) + display(value);
    } catch (const Error& error) {
        return said(error);
    }
}

/// The secret in each form that a value can have.
const std::vector<const char*> kForms{"hidden",   "number", "listed",   "list",
                                      "by_value", "by_key", "in_a_map", "lines"};

Value names_with(const Planted& secret, std::mt19937& draw) {
    const Value hidden = Value(secret.text).as_secret();
    const std::string& s = secret.text;
    return Value::map({
        {"hidden", hidden},
        {"number", Value(static_cast<std::int64_t>(700'000'000 + draw() % 99'999'999)).as_secret()},
        {"listed", Value::list({hidden, hidden})},
        {"list", Value::list({Value(s), Value(s), Value(1)}).as_secret()},
        {"by_value", Value::map({{"a", hidden}, {"b", hidden}})},
        {"by_key", Value::map({{s, Value(1)}, {s + "x", Value::list({Value(s)})}}).as_secret()},
        {"in_a_map", Value::map({{"a", Value::map({{s, Value(s)}})}}).as_secret()},
        {"lines", Value(s + "," + s + "\n" + s + ": {" + s + ": 1, " + s + ": 2}\n").as_secret()},
        {"table", Value::map({{"a", 1}, {"b", "x"}, {"c", Value::map({{"d", 1}})}})},
        {"open", Value::list({1, 2, "x"})},
    });
}

const std::vector<const char*> kOpenArguments{"'a'",        "'10.0.0.0/24'",
                                              "'%d %s'",    "'2026-03-01T12:30:00Z'",
                                              "'/(/'",      "'('",
                                              "'list(x)'",  "'object({a: port})'",
                                              "0",          "1",
                                              "-5",         "99",
                                              "open",       "table",
                                              "['a', 'b']", "{a: ['x']}",
                                              "'UTF-16LE'", "'b, b'",
                                              "true",       "{}"};

/// The part of the text that shows the planted secret or number; "" if there is none.
std::string leak(const Planted& secret, const Value& names, const std::string& text) {
    const std::string number = std::to_string(names["number"].as_integer());
    if (text.find(number) != text.npos) return number;
    return shown_of(secret, text);
}

/// The number of arguments to call a function with: its parameters, and one more of the last.
std::size_t arguments_of(const Function& f) {
    if (f.parameters.empty()) return 0;
    return 1 + static_cast<std::size_t>(std::count(f.parameters.begin(), f.parameters.end(), ',')) +
           (f.parameters.ends_with("...") ? 1 : 0);
}

} // namespace

TEST_CASE("no function shows a part of a secret argument") {
    each_secret(45, [](const Planted& secret, std::mt19937& draw) {
        const Value names = names_with(secret, draw);
        for (const FunctionGroup& group : function_groups())
            for (const Function& f : group.functions) {
                if (f.name == "nonsensitive") continue; // its purpose
                const std::size_t count = arguments_of(f);
                for (std::size_t place = 0; place < count; ++place) {
                    std::string call = std::string(f.name) + "(";
                    for (std::size_t i = 0; i < count; ++i)
                        call += (i > 0 ? ", " : "") +
                                std::string(i == place
                                                ? kForms[draw() % kForms.size()]
                                                : kOpenArguments[draw() % kOpenArguments.size()]);
                    call += ")";
                    const std::string text = said_of(call, names);
                    const std::string shown = leak(secret, names, text);
                    CHECK_MESSAGE(shown.empty(), call, ": ", text);
                }
            }
    });
}

TEST_CASE("no operator, step or loop shows a part of a secret") {
    each_secret(90, [](const Planted& secret, std::mt19937& draw) {
        const Value names = names_with(secret, draw);
        const std::string s = kForms[draw() % kForms.size()];
        for (const std::string& e :
             std::vector<std::string>{"table[" + s + "]",
                                      "open[" + s + "]",
                                      s + ".x",
                                      s + ".a.b.c",
                                      s + "[0]",
                                      s + "[7].x",
                                      s + "[*].q",
                                      "[" + s + "][*].q.r",
                                      "table.b[" + s + "]",
                                      "table[" + s + "].x",
                                      s + " + 1",
                                      "-" + s,
                                      "!" + s,
                                      s + " < 1",
                                      s + " ? 1 : 2",
                                      s + " && true",
                                      "{(" + s + "): 1, (" + s + "): 2}",
                                      "{for x in open : " + s + " => x}",
                                      "[for k, v in " + s + " : tonumber(k)]",
                                      "[for k, v in " + s + " : v.a.b]",
                                      "[for k, v in " + s + " : regex(k, 'a')]",
                                      "{for k, v in " + s + " : 'x' => k}",
                                      "templatestring('$${x.y}', {x: " + s + "})",
                                      "templatestring(" + s + ", {})",
                                      "templatestring('$${a}', " + s + ")",
                                      "'x${" + s + "}'",
                                      "lookup(" + s + ", 'nope')",
                                      "convert(" + s + ", 'map(port)')",
                                      "convert(" + s + ", 'object({a: port})')",
                                      "convert(table, " + s + ")",
                                      "yamldecode(lines)",
                                      "jsondecode(lines)",
                                      "csvdecode(lines)",
                                      "yamldecode('a: [${hidden}')",
                                      "tonumber(in_a_map.a)",
                                      "concat(" + s + "...)",
                                      "format('%d', " + s + "...)"}) {
            const std::string text = said_of(e, names);
            const std::string shown = leak(secret, names, text);
            CHECK_MESSAGE(shown.empty(), e, ": ", text);
        }
    });
}

TEST_CASE("no type shows a part of a secret that it refuses") {
    each_secret(90, [](const Planted& secret, std::mt19937& draw) {
        using enum TypeKind;
        const Value names = names_with(secret, draw);
        for (const TypeKind kind :
             {any, string, integer, number, boolean, bytes, duration, port, ipv4, cidr, mode, name,
              account, line, path, local_path, connection})
            for (const Type& type :
                 {Type(kind), list_of(kind), set_of(kind), map_of(kind), map_of(list_of(kind)),
                  object_of({{.name = "a", .type = kind, .required = true},
                             {.name = "z", .type = kind, .required = true}})}) {
                const Value& given = names[kForms[draw() % kForms.size()]];
                Attribute a{.name = "a", .type = type};
                a.secret = draw() % 2 == 0;
                if (draw() % 3 == 0) a.one_of = {"one", "other"};
                if (draw() % 3 == 0) a.max = draw() % 2, a.min = 1;
                Diagnostics diagnostics;
                normalize(
                    a, given, "the value", [](Loc, bool) { return "/tmp"; }, diagnostics);
                normalize(
                    Schema{a}, Value::map({{"a", given}}), "it", {}, [](Loc, bool) { return "/"; },
                    diagnostics);
                std::string text;
                for (const Error& error : diagnostics.list()) text += said(error);
                const std::string shown = leak(secret, names, text);
                CHECK_MESSAGE(shown.empty(), type_name(type), ": ", text);
            }
    });
}

namespace {

/// All output about the variables of a spec with these values, including the lines shown.
std::string said_of_variables(const std::string& spec_text, const std::string& file,
                              const std::string& text) {
    fake::World world;
    Registry registry;
    fake::add_to(registry, world);
    Spec spec;
    std::string out;
    const auto tell = [&](const Error& error) {
        out += said(error) + spec.sources.line(error.loc).text + "\n";
        for (const Note& note : error.notes) out += spec.sources.line(note.loc).text + "\n";
    };
    try {
        load_spec(
            "hadeploy.yaml", [&](const auto&) { return spec_text; }, spec);
        const auto attempt = [&](const auto& f) {
            try {
                f();
            } catch (const Error& errors) {
                for (const Error& error : errors.all()) tell(error);
            }
        };
        attempt([&] {
            (void)resolve_variables(spec,
                                    load_variable_file(
                                        "values.yaml", [&](const auto&) { return file; }, spec));
        });
        for (const Variable& v : spec.root.variables)
            if (v.attribute.secret)
                attempt([&] {
                    VariableValues given;
                    given[v.attribute.name] =
                        parse_variable_text(v, text, "--var " + v.attribute.name, spec.sources);
                    (void)resolve_variables(spec, given);
                });
    } catch (const Error& errors) {
        for (const Error& error : errors.all()) tell(error);
    }
    return out;
}

} // namespace

TEST_CASE("no way of setting a variable shows a part of a secret") {
    each_secret(90, [](const Planted& secret, std::mt19937& draw) {
        const std::vector<const char*> types{
            "string", "integer", "port", "list(port)", "\"map(integer)\"", "\"object({a: port})\"",
            "any",    "boolean", "ipv4"};
        const std::string spec = std::string("name: t\nvariables:\n  token: {type: ") +
                                 types[draw() % types.size()] +
                                 ", secret: true}\n  open: {type: integer, default: 1}\n";
        const std::string quoted = to_json(secret.text);
        for (const std::string& file : std::vector<std::string>{
                 "token: " + secret.text + "\n", "token: " + quoted + "\n",
                 "tokn: " + quoted + "\n", "tokn: |\n  " + secret.text + "\n",
                 "token: [" + secret.text + "\n", "token: {" + quoted + ": 1, " + quoted + ": 2}\n",
                 quoted + "\n", secret.text, "token: {a: " + quoted + "}\ntoken: " + quoted + "\n",
                 "token: \"" + secret.text, "open: 1\nsecrets: {token: " + quoted + "}\n",
                 "token: !" + secret.text + " x\n", "token: *" + secret.text + "\n"}) {
            const std::string text = said_of_variables(
                spec, file, draw() % 2 == 0 ? secret.text : "{" + quoted + ": " + quoted + "}");
            const std::string shown = shown_of(secret, text);
            CHECK_MESSAGE(shown.empty(), in_quotes(file, 600), ": ", text);
        }
    });
}
