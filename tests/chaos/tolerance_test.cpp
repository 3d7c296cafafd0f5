#include "chaos/tolerance.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::chaos;

namespace {

Value response(int status, const Value& body = "") {
    return Value::map({{"status", status}, {"headers", Value::map({})}, {"body", body}});
}

Value output(int status, const std::string& out) {
    return Value::map({{"status", status}, {"stdout", out}, {"stderr", ""}});
}

Value regex(const std::string& pattern, const std::string& target = "") {
    const Value t = Value::map({{"type", "regex"}, {"pattern", pattern}});
    return target.empty() ? t : t.with("target", target);
}

Value jsonpath(const std::string& path) {
    return Value::map({{"type", "jsonpath"}, {"path", path}, {"target", "body"}});
}

Value range(double least, double greatest) {
    return Value::map({{"type", "range"}, {"range", Value::list({least, greatest})}});
}

std::string problem(const Value& tolerance) {
    Diagnostics diagnostics;
    check_tolerance(tolerance, diagnostics);
    return diagnostics.empty() ? "" : diagnostics.list().front().message;
}

bool within(const Value& tolerance, const Value& result) {
    REQUIRE(problem(tolerance) == "");
    return intolerable(tolerance, result).empty();
}

} // namespace

TEST_CASE("a number is compared with the status of a response or of a process") {
    CHECK(within(200, response(200)));
    CHECK(intolerable(200, response(503)) == "status 503 instead of 200");
    CHECK(within(0, output(0, "")));
    CHECK_FALSE(within(0, output(1, "")));
    CHECK(within(Value::list({200, 204}), response(204)));
    CHECK_FALSE(within(Value::list({200, 204}), response(202))); // of a status, a list is no range
}

TEST_CASE("other results are compared as they are; two numbers are a range") {
    CHECK(within(true, true));
    CHECK_FALSE(within(true, false));
    CHECK(within("ok", "ok"));
    CHECK(within(Value::list({1, 5}), 3));
    CHECK_FALSE(within(Value::list({1, 5}), 6));
    CHECK(within(Value::list({1, 5, 9}), 9));
    CHECK_FALSE(within(Value::list({1, 5, 9}), 3));
}

TEST_CASE("a regular expression is searched in the target") {
    CHECK(within(regex("^hel+o", "stdout"), output(0, "hello world")));
    CHECK_FALSE(within(regex("world$", "stdout"), output(0, "hello")));
    CHECK(within(regex("b+"), "abc"));
}

TEST_CASE("a range is a number or the text of one") {
    CHECK(within(range(1, 2).with("target", "stdout"), output(0, "1.5\n")));
    CHECK_FALSE(within(range(1, 2).with("target", "stdout"), output(0, "2.5")));
    CHECK_FALSE(within(range(1, 2).with("target", "stdout"), output(0, "many")));
}

TEST_CASE("a JSON path finds values in a body, parsed or not") {
    const std::string body = R"({"a": {"list": [{"id": 1}, {"id": 2}]}, "k": "v"})";
    CHECK(within(jsonpath("$.a.list[0].id"), response(200, body)));
    CHECK_FALSE(within(jsonpath("$.a.list[7]"), response(200, body)));
    CHECK(within(jsonpath("$.a.list[*].id").with("expect", Value::list({1, 2})),
                 response(200, body)));
    CHECK(within(jsonpath("$['k']").with("expect", "v"), response(200, body)));
    CHECK(within(jsonpath("$.a.list[*]").with("count", 2), response(200, body)));
    CHECK(intolerable(jsonpath("$.a.list[*]").with("count", 3), response(200, body)) ==
          "$.a.list[*] has 2 values, not 3");
    CHECK(within(jsonpath("$.x"), response(200, Value::map({{"x", 1}}))));
    CHECK_FALSE(within(jsonpath("$.x"), response(200, "<html>")));
}

TEST_CASE("tolerances that cannot be used are refused") {
    CHECK(problem(Value::list({})).find("the list is empty") != std::string::npos);
    CHECK(problem(Value::map({{"pattern", "x"}})).find("missing \"type\"") != std::string::npos);
    CHECK(problem(Value::map({{"type", "regexp"}, {"pattern", "x"}})).find("not one of") !=
          std::string::npos);
    CHECK(problem(Value::map({{"type", "regex"}})).find("missing \"pattern\"") !=
          std::string::npos);
    CHECK(problem(regex("a(")).find("invalid regular expression") != std::string::npos);
    CHECK(problem(jsonpath("$.a[?(@.b > 1)]")).find("not a supported JSON path") !=
          std::string::npos);
    CHECK(problem(jsonpath("a.b")) != "");
    CHECK(problem(jsonpath("$.a[99999999999999999999]")) != "");
    CHECK(problem(range(5, 1)).find("the range is empty") != std::string::npos);
    CHECK(problem(Value::map({{"type", "range"}, {"range", Value::list({1})}})) != "");
    CHECK(problem(Value::map({{"type", "probe"}})).find("Python") != std::string::npos);
    CHECK(problem(range(1, 2).with("min", 3)).find("unknown key") != std::string::npos);
}
