#include "core/value_json.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "provider_api/type_name.h"
#include "provider_api/type_text.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// A type parsed and written again, or the error.
std::string again(const Value& written) {
    try {
        return type_name(parse_type(written));
    } catch (const Error& e) {
        return "error: " + e.message;
    }
}

/// A value (in YAML) normalized as a variable of a type (in YAML), or the error.
std::string normal(const std::string& type, const std::string& value) {
    Sources sources;
    Diagnostics diagnostics;
    const Value written = read_yaml(sources, sources.add("type", type), diagnostics);
    const Value given = read_yaml(sources, sources.add("value", value), diagnostics);
    diagnostics.throw_if_any();
    const Attribute v{.name = "v", .type = parse_type(written), .required = true};
    const Value out = normalize(v, given, "var.v", {}, diagnostics);
    if (diagnostics.empty()) return to_public_json(out);
    std::string text;
    for (const Error& e : diagnostics.list())
        text +=
            fmt::format("{}{}: {}", text.empty() ? "" : "; ", sources.describe(e.loc), e.message);
    return text;
}

} // namespace

TEST_CASE("types are read as they are written") {
    for (const char* text :
         {"string", "any", "boolean", "duration", "list", "map", "set", "connection",
          "list(string)", "set(port)", "map(connection)", "map(list(map(any)))", "object({})",
          "object({name: string})", "object({name: string, port: optional(port, 80)})",
          "map(object({a: optional(list(integer), [1,2]), b: optional(object({c: string}))}))"})
        CHECK(again(text) == text);
    CHECK(again(" map( ipv4 ) ") == "map(ipv4)");
    CHECK(again("object({ a : string , b:optional( duration ,30s ) , })") ==
          "object({a: string, b: optional(duration, \"30s\")})");
    CHECK(again("object({a: optional(string, \"x, )y\")})") ==
          "object({a: optional(string, \"x, )y\")})");
}

TEST_CASE("as YAML a map is an object, one of \"*\" a map, a list of one a list") {
    const Value fields =
        Value::map({{"name", "string"}, {"port", "optional(port, 80)"}, {"deep", Value::map({})}});
    CHECK(again(fields) == "object({deep: object({}), name: string, port: optional(port, 80)})");
    CHECK(again(Value::map({{"*", fields}})).starts_with("map(object({deep"));
    CHECK(again(Value::list({fields})).starts_with("list(object({deep"));
}

TEST_CASE("an invalid type is reported with the reason") {
    CHECK(again("strin") == "error: unknown type \"strin\"");
    CHECK(again("") == "error: \"\" is not a type");
    CHECK(again("list(") == "error: \"list(\" is not a type");
    CHECK(again("list(string") ==
          "error: \"list(string\" is not a type: \")\" is missing at the end");
    CHECK(again("string(list)") ==
          "error: \"string(list)\" is not a type: unexpected \"(list)\" after the type");
    CHECK(again("object") == "error: \"object\" is not a type: \"(\" is missing at the end");
    CHECK(again("object({a: string, a: string})").ends_with("duplicate field \"a\""));
    CHECK(again("object({a = string})").ends_with("expected \":\" before \"= string})\""));
    CHECK(again("optional(string)") == "error: unknown type \"optional\"");
    CHECK(again("object({a: optional(port, 70000)})") ==
          "error: the default of a: 70000 is not a port (1 to 65535)");
    CHECK(again(Value::list({})) == "error: a type is not a list");
    CHECK(again(7) == "error: a type is not an integer");
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "list(";
    CHECK(again(deep + "any").find("at most 16 levels deep") != std::string::npos);
    Value nested = "string";
    for (int i = 0; i < 40; ++i) nested = Value::list({nested});
    CHECK(again(nested).find("at most 16 levels deep") != std::string::npos);
}

TEST_CASE("objects are filled in with their defaults, and errors name the whole path") {
    const std::string hosts = "'map(object({address: ipv4, port: optional(port, 22), tags: "
                              "optional(list(string), []), note: optional(string)}))'";
    CHECK(
        normal(hosts, "{a: {address: 10.0.0.1}, b: {address: 10.0.0.2, port: 2222, tags: [x]}}") ==
        "{\"a\":{\"address\":\"10.0.0.1\",\"note\":null,\"port\":22,\"tags\":[]},"
        "\"b\":{\"address\":\"10.0.0.2\",\"note\":null,\"port\":2222,\"tags\":[\"x\"]}}");
    CHECK(normal(hosts, "{a: {address: 10.0.0.1, port: 99999}}") ==
          "value:1:31: var.v[\"a\"].port: 99999 is not a port (1 to 65535)");
    CHECK(normal(hosts, "{a: {address: 10.0.0.1, prot: 1}}") ==
          "value:1:25: var.v[\"a\"]: unknown key \"prot\"");
    CHECK(normal(hosts, "{a: {port: 1}, b: {}}") ==
          "value:1:6: var.v[\"a\"]: missing \"address\" (ipv4); "
          "value:1:19: var.v[\"b\"]: missing \"address\" (ipv4)");
    CHECK(normal(hosts, "{a: {address: 10.0.0.1, tags: [x, [y]]}}") ==
          "value:1:35: var.v[\"a\"].tags[1]: expected a string, got a list");
    CHECK(normal("[{a: integer}]", "[{a: 1}, {a: x}]") ==
          "value:1:14: var.v[1].a: expected an integer, got the string \"x\"");
    CHECK(normal("{'*': {size: bytes}}", "{x: {size: 1 KiB}}") == "{\"x\":{\"size\":1024}}");
}

TEST_CASE("a set has each element once, in a fixed order") {
    CHECK(normal("set(string)", "[b, a, b]") == "[\"a\",\"b\"]");
    CHECK(normal("set(integer)", "[10, 9, 10, -1]") == "[-1,9,10]");
    CHECK(normal("set(bytes)", "[1 KiB, 1024, 1 MiB]") == "[1024,1048576]");
    CHECK(normal("set(string)", "{a: b}") == "value:1:2: var.v: expected a list, got a map");
    CHECK(normal("'set(object({n: integer}))'", "[{n: 2}, {n: 1}, {n: 2}]") ==
          "[{\"n\":1},{\"n\":2}]");
}

TEST_CASE("inputs of a module are normalized in every part") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(name: t
resources: {a: {type: fake.thing, name: a}, b: {type: fake.thing, name: b}}
modules:
  m:
    source: m
    with:
      sizes: {x: 1 GiB}
      hosts: {a: {token: "${a.token}"}, b: {token: "${b.token}", port: 81}}
)"},
                                     {"m/module.yaml", R"(
variables:
  sizes: {type: map(bytes)}
  hosts: {type: {"*": {token: string, port: 'optional(port, 80)'}}}
resources:
  size: {type: fake.thing, name: size, size: "${var.sizes.x}"}
  port: {type: fake.thing, name: port, size: "${var.hosts.a.port}"}
  token: {type: fake.thing, name: token, value: "${var.hosts.b.token}"}
  all: {type: fake.thing, for_each: "${var.hosts}", name: "${each.key}", size: "${each.value.port}"}
)"}});
    const auto size = [&](const char* address) {
        Diagnostics diagnostics;
        return t.graph
            ->config(
                *t.graph->find(address), [](NodeId) { return Value::unknown(); }, diagnostics)
            .integer("size");
    };
    CHECK(size("module.m.size") == 1 << 30);
    CHECK(size("module.m.port") == 80);
    CHECK(size("module.m.all[\"a\"]") == 80);
    CHECK(size("module.m.all[\"b\"]") == 81);
    const Node& token = (*t.graph)[*t.graph->find("module.m.token")];
    REQUIRE(token.deps.size() == 1); // only the selected host
    CHECK((*t.graph)[token.deps[0]].address == "b");
}

TEST_CASE("errors in a type have their place") {
    CHECK(errors_of("name: t\nvariables:\n  v: {type: strin}\n") ==
          "hadeploy.yaml:3:13: unknown type \"strin\" (did you mean \"string\"?)\n");
    CHECK(
        errors_of("name: t\nvariables:\n  v: {type: 'object({n: integer})', default: {n: x}}\n") ==
        "hadeploy.yaml:3:50: var.v.n: expected an integer, got the string \"x\"\n");
    CHECK(errors_of("name: t\nvariables:\n  v: {type: {p: optional(port, 80)}}\n")
              .find("inside { } in YAML, quote a type that contains a comma") != std::string::npos);
}
