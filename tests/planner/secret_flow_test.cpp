// Values computed from a secret are secret, even while they are still unknown.
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

std::string e(const std::string& expression) {
    return eval(expression, names());
}

} // namespace

TEST_CASE("an unknown value is secret if it may become secret") {
    CHECK(e("sensitive(later)") == kLater);
    CHECK(e("sensitive(later).x") == kLater);
    CHECK(e("sensitive(later)[*].x") == kLater);
    CHECK(e("upper(sensitive(later))") == kLater);
    CHECK(e("concat([hidden], later)") == kLater);
    CHECK(e("merge({a: hidden}, later)") == kLater);
    CHECK(e("later ? hidden : 'open'") == kLater);
    CHECK(e("later ? 'open' : hidden") == kLater);
    CHECK(e("later && hidden == 'x'") == R"({"$secret":false})");
    CHECK(e("mixed[later]") == kLater);
    CHECK(e("[for x in later : hidden]") == kLater);
    CHECK(e("[for x in list : hidden if later]") == kLater);
    CHECK(e("{for x in list : later => hidden}") == kLater);
    CHECK(e("{for x in later : hidden => x}") == kLater);
    CHECK(e("{(later): hidden}") == kLater);
    CHECK(e("try(later, hidden)") == kLater);
    CHECK(e("'${later} and ${hidden}'") == kLater);
}

TEST_CASE("unknown values that depend on no secret are not marked") {
    for (const char* open : {"later", "later.x", "later[*].x", "later ? 1 : 2", "later && true",
                             "table[later]", "mixed.a + later", "[for x in later : x]",
                             "[for x in list : x if later]", "{for x in list : later => x}",
                             "{(later): 1}", "try(later, 1)", "concat([1], later)", "upper(later)"})
        CHECK_MESSAGE(e(open) == kOpen, open);
}

TEST_CASE("values chosen by a secret, or taken out of one, are secret") {
    CHECK(e("table[key]") == R"({"$secret":1})");
    CHECK(e("{a: 1, b: 2}[key]") == R"({"$secret":1})");
    CHECK(e("[table][*][key]") == R"({"$secret":[{"$secret":1}]})");
    CHECK(e("vault[*].n") == R"({"$secret":[{"$secret":1},{"$secret":2}]})");
    CHECK(e("vault[0].n") == R"({"$secret":1})");
    CHECK(e("hidden == 's3cret' ? 1 : 2") == R"({"$secret":1})");
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
    CHECK(e("tonumber(hidden)") == "1:3: tonumber(): (secret) is not a number");
    CHECK(e("table[hidden]").find("s3cret") == std::string::npos);
    CHECK(e("{for x in list : hidden => x}").find("s3cret") == std::string::npos);
}

TEST_CASE("whether a secret causes an error is secret") {
    CHECK(e("can(hidden)") == R"({"$secret":true})");
    CHECK(e("can(tonumber(hidden))") == R"({"$secret":false})");
    CHECK(e("can(vault[0].x)") == R"({"$secret":false})");
    CHECK(e("can(vault.x.y)") == R"({"$secret":false})");
    CHECK(e("can(sensitive(table).x)") == R"({"$secret":false})");
    CHECK(e("can(table[key].x)") == R"({"$secret":false})");
    CHECK(e("can(mixed.x)") == "false"); // only the values of a map are secret
    CHECK(e("can(table.x)") == "false");
    CHECK(e("can([for x in vault : x.y])") == R"({"$secret":false})");
    CHECK(e("try(hidden)") == R"({"$secret":"s3cret"})");
    CHECK(e("try(tonumber(hidden), 0)") == R"({"$secret":0})");
    CHECK(e("try(mixed.x, 0)") == "0");
    CHECK(e("try(0, tonumber(hidden))") == "0");
    CHECK(e("try({a: hidden}, 0)") == R"({"a":{"$secret":"s3cret"}})");
}

TEST_CASE("only nonsensitive() opens a secret") {
    CHECK(e("nonsensitive(hidden)") == "\"s3cret\"");
    CHECK(e("nonsensitive(vault)[0].n") == "1");
    CHECK(e("nonsensitive(mixed)") == R"({"a":1,"s":{"$secret":"s3cret"}})");
    CHECK(e("nonsensitive(sensitive(later))") == kOpen);
    CHECK(e("nonsensitive(1)") == "1");
    CHECK(e("keys(sensitive(mixed))") == R"({"$secret":["a","s"]})");
    CHECK(e("nonsensitive(keys(sensitive(mixed)))") == R"(["a","s"])");
    CHECK(e("keys(mixed)") == R"(["a","s"])");
    CHECK(e("length(mixed)") == "2");
    CHECK(e("issensitive(hidden)") == "true");
    CHECK(e("issensitive(mixed)") == "true");
    CHECK(e("issensitive(table)") == "false");
    CHECK(e("issensitive(later)") == kOpen);
    CHECK(e("issensitive(sensitive(later))") == "true");
    CHECK(e("alltrue([hidden == 'x', true])") == R"({"$secret":false})");
    CHECK(e("anytrue([hidden == 'x', later])") == kLater);
}
