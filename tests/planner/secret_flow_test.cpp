// Values computed from a secret are secret, even while they are still unknown.
#include "core/secrecy.h"
#include "planner/graph/hide_secrets.h"
#include "planner/plan/observed.h"
#include "support/expressions.h"
#include "support/fake_world.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

const std::string kLater = R"({"$secret":{"$unknown":true}})"; // unknown, and secret
const std::string kOpen = R"({"$unknown":true})";

const Value& names() {
    static const Value all = Value::map(
        {{"later", Value::unknown()},
         {"hidden", Value("s3cret").as_secret()},
         {"key", Value("a").as_secret()},
         {"table", Value::map({{"a", 1}, {"b", 2}})},
         {"mixed", Value::map({{"a", 1}, {"s", Value("s3cret").as_secret()}})},
         {"list", Value::list({Value::map({{"n", 1}}), Value::map({{"n", 2}})})},
         {"vault", Value::list({Value::map({{"n", 1}}), Value::map({{"n", 2}})}).as_secret()}});
    return all;
}

std::string result_of(const std::string& expression) {
    return eval(expression, names());
}

} // namespace

TEST_CASE("an unknown value is secret if it may become secret") {
    CHECK(result_of("sensitive(later)") == kLater);
    CHECK(result_of("sensitive(later).x") == kLater);
    CHECK(result_of("sensitive(later)[*].x") == kLater);
    CHECK(result_of("upper(sensitive(later))") == kLater);
    CHECK(result_of("concat([hidden], later)") == kLater);
    CHECK(result_of("merge({a: hidden}, later)") == kLater);
    CHECK(result_of("later ? hidden : 'open'") == kLater);
    CHECK(result_of("later ? 'open' : hidden") == kLater);
    CHECK(result_of("later && hidden == 'x'") == R"({"$secret":false})");
    CHECK(result_of("mixed[later]") == kLater);
    CHECK(result_of("[for x in later : hidden]") == kLater);
    CHECK(result_of("[for x in list : hidden if later]") == kLater);
    CHECK(result_of("{for x in list : later => hidden}") == kLater);
    CHECK(result_of("{for x in later : hidden => x}") == kLater);
    CHECK(result_of("{(later): hidden}") == kLater);
    CHECK(result_of("try(later, hidden)") == kLater);
    CHECK(result_of("'${later} and ${hidden}'") == kLater);
}

TEST_CASE("unknown values that depend on no secret are not marked") {
    for (const char* open : {"later", "later.x", "later[*].x", "later ? 1 : 2", "later && true",
                             "table[later]", "mixed.a + later", "[for x in later : x]",
                             "[for x in list : x if later]", "{for x in list : later => x}",
                             "{(later): 1}", "try(later, 1)", "concat([1], later)", "upper(later)"})
        CHECK_MESSAGE(result_of(open) == kOpen, open);
}

TEST_CASE("values chosen by a secret, or taken out of one, are secret") {
    CHECK(result_of("table[key]") == R"({"$secret":1})");
    CHECK(result_of("{a: 1, b: 2}[key]") == R"({"$secret":1})");
    CHECK(result_of("[table][*][key]") == R"({"$secret":[{"$secret":1}]})");
    CHECK(result_of("vault[*].n") == R"({"$secret":[{"$secret":1},{"$secret":2}]})");
    CHECK(result_of("vault[0].n") == R"({"$secret":1})");
    CHECK(result_of("hidden == 's3cret' ? 1 : 2") == R"({"$secret":1})");
}

TEST_CASE("computed values are secret if they can reveal a connection's secret") {
    const fake::Thing thing;
    const Attribute& token = *find_attribute(thing.schema, "token");
    const auto seen = [&](const std::string& name, const Value& value) {
        return with_secrecy(thing, token, "t", Value::map({{"name", "a"}, {name, value}})).secret();
    };
    const Value open = Value::map({{"address", "10.0.0.1"}, {"user", "ops"}});
    const auto with = [&](const char* field) {
        return open.with(field, Value("s3cret").as_secret());
    };
    CHECK_FALSE(seen("host", open));
    // it only opens the host
    CHECK_FALSE(seen("host", with("become_password")));
    CHECK_FALSE(seen("peers", Value::map({{"a", open}, {"b", with("become_password")}})));
    CHECK_FALSE(seen("host", open.with("jump_host", with("become_password"))));
    // a command on the host can reveal it
    CHECK(seen("host", with("address")));
    CHECK(seen("host", with("user")));
    CHECK(seen("host", with("address").with("become_password", Value("x").as_secret())));
    CHECK(seen("host", open.with("jump_host", with("address"))));
    CHECK(seen("host", open.as_secret()));
    CHECK(seen("peers", Value::map({{"a", open}, {"b", with("address")}})));
}

TEST_CASE("a message does not quote a secret") {
    CHECK(result_of("tonumber(hidden)") == "1:3: tonumber(): (secret) is not a number");
    CHECK(result_of("table[hidden]").find("s3cret") == std::string::npos);
    CHECK(result_of("{for x in list : hidden => x}").find("s3cret") == std::string::npos);
}

TEST_CASE("whether a secret causes an error is secret") {
    CHECK(result_of("can(hidden)") == R"({"$secret":true})");
    CHECK(result_of("can(tonumber(hidden))") == R"({"$secret":false})");
    CHECK(result_of("can(vault[0].x)") == R"({"$secret":false})");
    CHECK(result_of("can(vault.x.y)") == R"({"$secret":false})");
    CHECK(result_of("can(sensitive(table).x)") == R"({"$secret":false})");
    CHECK(result_of("can(table[key].x)") == R"({"$secret":false})");
    CHECK(result_of("can(mixed.x)") == "false"); // only the values of a map are secret
    CHECK(result_of("can(table.x)") == "false");
    CHECK(result_of("can([for x in vault : x.y])") == R"({"$secret":false})");
    CHECK(result_of("try(hidden)") == R"({"$secret":"s3cret"})");
    CHECK(result_of("try(tonumber(hidden), 0)") == R"({"$secret":0})");
    CHECK(result_of("try(mixed.x, 0)") == "0");
    CHECK(result_of("try(0, tonumber(hidden))") == "0");
    CHECK(result_of("try({a: hidden}, 0)") == R"({"a":{"$secret":"s3cret"}})");
}

TEST_CASE("only nonsensitive() opens a secret") {
    CHECK(result_of("nonsensitive(hidden)") == "\"s3cret\"");
    CHECK(result_of("nonsensitive(vault)[0].n") == "1");
    CHECK(result_of("nonsensitive(mixed)") == R"({"a":1,"s":{"$secret":"s3cret"}})");
    CHECK(result_of("nonsensitive(sensitive(later))") == kOpen);
    CHECK(result_of("nonsensitive(1)") == "1");
    CHECK(result_of("keys(sensitive(mixed))") == R"({"$secret":["a","s"]})");
    CHECK(result_of("nonsensitive(keys(sensitive(mixed)))") == R"(["a","s"])");
    CHECK(result_of("keys(mixed)") == R"(["a","s"])");
    CHECK(result_of("length(mixed)") == "2");
    CHECK(result_of("issensitive(hidden)") == "true");
    CHECK(result_of("issensitive(mixed)") == "true");
    CHECK(result_of("issensitive(table)") == "false");
    CHECK(result_of("issensitive(later)") == kOpen);
    CHECK(result_of("issensitive(sensitive(later))") == "true");
    CHECK(result_of("alltrue([hidden == 'x', true])") == R"({"$secret":false})");
    CHECK(result_of("anytrue([hidden == 'x', later])") == kLater);
}

TEST_CASE("a secret that is a part of a text is found without the rest") {
    const auto redacted = [](const std::string& expression, const std::string& said) {
        Sources sources;
        StringPool strings;
        const std::string all = "${" + expression + "}";
        const Value text = Value(all).at({1, 1, sources.add("test", all)});
        Redactor redact;
        redact.add(evaluated(parse_string(text, sources, strings),
                             Value::map({{"s", Value("first-second:rest").as_secret()}})));
        return redact(said);
    };
    for (const std::string part : {"substr(s, 0, 5)", "regex('^[a-z]+', s)", "split('-', s)[0]",
                                   "reverse(split('-', s))[1]"}) {
        INFO(part);
        CHECK(redacted("\"echo "
                       "${" +
                           part + "}\"",
                       "it printed first!") == "it printed (secret)!");
        CHECK(redacted("format('echo %s', " + part + ")", "first") == "(secret)");
        CHECK(redacted("join(' ', ['echo', " + part + "])", "first") == "(secret)");
        CHECK(redacted("[\"a ${\"b ${" + part + "}\"}\"]", "first") == "(secret)");
        CHECK(redacted("upper(\"x ${" + part + "}\")", "first") == "(secret)");
        CHECK(redacted("formatlist('%s!', [" + part + "])[0]", "first") == "(secret)");
    }
    CHECK(redacted("\"echo ${substr(s, 0, 3)}\"", "fir") == "fir"); // too short to be redacted
    CHECK(redacted("\"echo ${nonsensitive(substr(s, 0, 5))}\"", "first") == "first");
}

TEST_CASE("errors of the argument of sensitive() do not quote it") {
    for (const char* argument :
         {"CANARY", "{CANARY: 1, CANARY: 2}", "'CANARY' CANARY", "CANARY 1", "'CANARY",
          "[for x in 'CANARY' : x]", "upper('CANARY', 1)", "lower(CANARY)"}) {
        INFO(argument);
        const std::string error = result_of("sensitive(" + std::string(argument) + ")");
        CHECK(error.find(": ") != std::string::npos);
        CHECK(error.find("CANARY") == std::string::npos);
    }
    CHECK(result_of("sensitive(none.x)").find("none") != std::string::npos); // a name is no secret
}
