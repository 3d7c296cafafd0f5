#include "core/value_json.h"
#include "support/expressions.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
const Value kNames = Value::map({
    {"n", 7},
    {"text", "abc"},
    {"list", Value::list({1, 2, 3})},
    {"map", Value::map({{"a", 1}, {"b", 2}})},
    {"later", Value::unknown()},
    {"hidden", Value("s3cret").as_secret()},
    {"flag", Value(true).as_secret()},
    {"things", Value::map({{"x", Value::map({{"size", 1}})}, {"y", Value::map({{"size", 5}})}})},
});

std::string e(const std::string& expression) {
    return eval(expression, kNames);
}
} // namespace

TEST_CASE("arithmetic keeps integers exact") {
    CHECK(e("1 + 2 * 3") == "7");
    CHECK(e("(1 + 2) * 3") == "9");
    CHECK(e("10 - 4 - 3") == "3");
    CHECK(e("-n + 1") == "-6");
    CHECK(e("2 - -3") == "5");
    CHECK(e("6 / 3") == "2");
    CHECK(e("7 / 2") == "3.5");
    CHECK(e("-7 % 3") == "-1");
    CHECK(e("1.5 * 2") == "3.0");
    CHECK(e("1e3") == "1000.0");
    CHECK(e("9223372036854775807") == "9223372036854775807");
    CHECK(e("-9223372036854775808") == "-9223372036854775808");
}

TEST_CASE("arithmetic without a result is an error at its operator") {
    CHECK(e("n / 0") == "1:5: division by zero");
    CHECK(e("n % 0.0") == "1:5: division by zero");
    CHECK(e("9223372036854775807 + 1") == "1:23: the result of + does not fit in a 64-bit integer");
    CHECK(e("-9223372036854775808 / -1") ==
          "1:24: the result of / does not fit in a 64-bit integer");
    CHECK(e("-(-9223372036854775808)").find("does not fit in a 64-bit integer") !=
          std::string::npos);
    CHECK(e("99999999999999999999") == "1:3: the number is too large");
    CHECK(e("1e308 * 10.0") == "1:9: the result of * is too large");
    CHECK(e("text + 1") ==
          "1:8: + needs numbers, got a string (join strings like this: \"${a}${b}\")");
    CHECK(e("text < 1") ==
          "1:8: < compares numbers, got a string (use tonumber(...) for a string)");
    CHECK(e("3 > null") == "1:5: > compares numbers, got nothing");
}

TEST_CASE("comparison and logic") {
    CHECK(e("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3") == "true");
    CHECK(e("1 == 1.0 && text != 'abd'") == "true");
    CHECK(e("list == [1, 2, 3] && map == {a: 1, b: 2}") == "true");
    CHECK(e("true || false && false") == "true");
    CHECK(e("!(true && false)") == "true");
    CHECK(e("!!true") == "true");
    CHECK(e("false && nothing.at.all") == "false");
    CHECK(e("true || 1 / 0") == "true");
    CHECK(e("1 && true") == "1:3: && needs booleans, got an integer");
    CHECK(e("!n") == "1:3: ! needs a boolean, got an integer");
}

TEST_CASE("a conditional evaluates the branch it takes") {
    CHECK(e("n > 5 ? 'many' : 'few'") == "\"many\"");
    CHECK(e("n > 50 ? 1 / 0 : n > 6 ? 'some' : 'few'") == "\"some\"");
    CHECK(e("(n > 5 ? {a: {b: 1}} : {}).a.b") == "1");
    CHECK(e("n ? 1 : 2") == "1:3: the condition before ? must be a boolean, got an integer");
}

TEST_CASE("comprehensions over lists and maps") {
    CHECK(e("[for x in list : x * x]") == "[1,4,9]");
    CHECK(e("[for i, x in list : i + x if x != 2]") == "[1,5]");
    CHECK(e("[for k, v in map : \"${k}=${v}\"]") == "[\"a=1\",\"b=2\"]");
    CHECK(e("{for k, v in things : k => v.size if v.size > 2}") == "{\"y\":5}");
    CHECK(e("{for x in ['aa', 'b', 'cc'] : length(x) => x...}") ==
          "{\"1\":[\"b\"],\"2\":[\"aa\",\"cc\"]}");
    CHECK(e("[for x in list : [for y in list : x * y if y < x]]") == "[[],[2],[3,6]]");
    CHECK(e("[for text in list : text]") == "[1,2,3]"); // its own names take precedence
    CHECK(e("{for x in list : 'same' => x}") ==
          "1:20: duplicate key \"same\" (\"...\" after the value collects all values of a "
          "key in a list)");
    CHECK(e("[for x in 5 : x]") == "1:13: for needs a list or a map, not an integer");
    CHECK(e("[for x in list : x if x]") == "1:25: if needs a boolean, got an integer");
    CHECK(e("{for x in list : [x] => x}") ==
          "1:20: a key is a string, not a list (use one element of it, or jsonencode(...))");
}

TEST_CASE("literals of lists and maps, and strings within strings") {
    CHECK(e("[1, 'two', [3,], ]") == "[1,\"two\",[3]]");
    CHECK(e("{a: 1, 'b c' = 2, (text): 3}") == "{\"a\":1,\"abc\":3,\"b c\":2}");
    CHECK(e("{}") == "{}");
    CHECK(e("\"a ${text} ${\"<${n}>\"}\"") == "\"a abc <7>\"");
    CHECK(e("'say \\'hi\\'\\n$${x}'") == "\"say 'hi'\\n${x}\"");
    CHECK(e("\"\\d\"") ==
          "1:4: there is no such escape (there are \\n, \\t, \\r, \\\", \\' and \\\\; "
          "a backslash is \\\\)");
    CHECK(e("things[*].size") == "{\"x\":1,\"y\":5}");
    CHECK(e("max([for k, v in things : v.size]...)") == "5");
}

TEST_CASE("an unknown value stays unknown, unless another one decides") {
    const std::string unknown = "{\"$unknown\":true}";
    CHECK(e("later + 1") == unknown);
    CHECK(e("later ? 1 : 2") == unknown);
    CHECK(e("later ? 1 / 0 : list[9]") == unknown); // either branch can turn out not to be taken
    CHECK(e("false && later") == "false");
    CHECK(e("true || later") == "true");
    CHECK(e("later && false") == "false");
    CHECK(e("later || true") == "true");
    CHECK(e("later && true") == unknown);
    CHECK(e("later || false") == unknown);
    CHECK(e("later && later") == unknown);
    CHECK(e("later && 1 / 0") == unknown); // not needed yet
    CHECK(e("later || flag") == "{\"$secret\":true}");
    CHECK(e("later == later") == unknown);
    CHECK(e("[for x in later : x.y]") == unknown);
    CHECK(e("[for x in list : x if later]") == unknown);
    CHECK(e("[for x in list : later]") == "[" + unknown + "," + unknown + "," + unknown + "]");
    CHECK(e("{for x in list : later => x}") == unknown);
    CHECK(e("length([later, later])") == "2");
    CHECK(e("join(',', ['a', later])") == unknown);
    CHECK(e("try(later, 1)") == unknown);
    CHECK(e("can(later.x)") == unknown);
    CHECK(e("keys({a: later})") == "[\"a\"]");
}

TEST_CASE("keys of maps are expressions too") {
    const auto y = [](const std::string& yaml) { return value_of(yaml, kNames); };
    CHECK(y(R"({"${text}": 1, "x-${n}": 2, plain: 3})") == R"({"abc":1,"plain":3,"x-7":2})");
    CHECK(y(R"({"${n}": a, "${1.5}": b, "${true}": c})") == R"({"1.5":"b","7":"a","true":"c"})");
    CHECK(y(R"({"$${text}": "$${n}"})") == R"({"${text}":"${n}"})");
    CHECK(y(R"(a: [{"${text}": {"${n}": "${text}"}}])") == R"({"a":[{"abc":{"7":"abc"}}]})");
    CHECK(y(R"({"${later}": 1, b: 2})") == R"({"$unknown":true})");
    CHECK(y(R"({"${hidden}": 1, b: 2})") == R"({"$secret":{"b":2,"s3cret":1}})");
    CHECK(y(R"({"${later}": "${hidden}"})") == R"({"$secret":{"$unknown":true}})");
    CHECK(y(R"({"${null}": 1})") ==
          "1:5: a key is a string, not nothing (use coalesce(..., \"none\") for a default)");
    CHECK(y(R"({"${list}": 1})") ==
          "1:5: a key is a string, not a list (use one element of it, or jsonencode(...))");
    CHECK(y(R"({"${text}": 1, abc: 2})") ==
          "1:16: duplicate key \"abc\" (with merge() a later map takes precedence)");
    CHECK(y(R"({"${hidden}": 1, s3cret: 2})").find("duplicate key (secret)") != std::string::npos);
    CHECK(y(R"({"a ${text": 1})").starts_with("1:11: expected } at the end of the expression"));
    CHECK(e("{a: 1, a: 2}.a") ==
          "1:10: duplicate key \"a\" (with merge() a later map takes precedence)");
}

TEST_CASE("a splat over a splat") {
    const Value names = Value::map({
        {"pairs", Value::list({Value::map({{"a", "a"}, {"b", Value()}}),
                               Value::map({{"a", Value()}, {"b", "b"}})})},
        {"sites", from_json(R"({"x": {"nodes": [{"n": 1}, {"n": 2}]}, "y": {"nodes": []}})")},
        {"rows", from_json(R"([[[1, 2], [3]], [[4]]])")},
        {"hidden", Value::list({Value::map({{"b", from_json(R"([{"c": 1}])").as_secret()}})})},
        {"later", Value::list({Value::map({{"b", Value::unknown()}})})},
    });
    const auto s = [&](const std::string& text) { return eval(text, names); };
    CHECK(s("pairs[*].b[*]") == R"([[],["b"]])");
    CHECK(s("pairs[*].b") == R"([null,"b"])");
    CHECK(s("sites[*].nodes[*].n") == R"({"x":[1,2],"y":[]})");
    CHECK(s("sites.x[*][*].n") == R"({"nodes":[1,2]})");
    CHECK(s("rows[*][*][0]") == "[[1,3],[4]]");
    CHECK(s("rows[*][*][*]") == "[[[1,2],[3]],[[4]]]");
    CHECK(s("(rows[*][*])[0][1]") == "[3]");
    CHECK(s("(pairs[*].b[*])[1][0]") == "\"b\"");
    CHECK(s("(pairs[*].b[*])[0][0]") ==
          "1:9: the list[0] has 0 elements: there is none at index 0");
    CHECK(s("('x'[*])[0]") == "\"x\"");
    CHECK(s("null[*][*]") == "[]");
    CHECK(s("'x'[*][*]") == R"([["x"]])");
    CHECK(s("hidden[*].b[*].c") == R"([{"$secret":[{"$secret":1}]}])");
    CHECK(s("later[*].b[*].c") == R"([{"$unknown":true}])");
    CHECK(s("pairs[*].a[*].x").find("it has no elements or attributes") != std::string::npos);
}

TEST_CASE("values computed from a secret are secret") {
    CHECK(e("hidden == 's3cret'") == "{\"$secret\":true}");
    CHECK(e("flag ? 1 : 2") == "{\"$secret\":1}");
    CHECK(e("flag && true") == "{\"$secret\":true}");
    CHECK(e("upper(hidden)") == "{\"$secret\":\"S3CRET\"}");
    CHECK(e("\"<${hidden}>\"") == "{\"$secret\":\"<s3cret>\"}");
    CHECK(e("{for x in [hidden] : x => 1}") == "{\"$secret\":{\"s3cret\":1}}");
    CHECK(e("[for x in list : x if flag]") == "{\"$secret\":[1,2,3]}");
    CHECK(e("jsonencode({a: hidden})") == "{\"$secret\":\"{\\\"a\\\":\\\"s3cret\\\"}\"}");
    CHECK(e("keys({a: hidden})") == "[\"a\"]");
    CHECK(e("[hidden, 1][1]") == "1");
}

TEST_CASE("syntax errors name the expected and the actual token") {
    CHECK(e("1 +") == "1:6: expected a value, got \"}\"");
    CHECK(e("n ? 1") == "1:8: expected :, got \"}\"");
    CHECK(e("(1") == "1:5: expected ), got \"}\"");
    CHECK(e("[1 2]") == "1:6: expected , or ], got a number");
    CHECK(e("n = 1") == "1:5: expected } at the end of the expression, got \"=\"");
    CHECK(e("[for x list : x]") ==
          "1:10: expected \"in\", got a name (for example: [for x in var.list : x.name])");
    CHECK(e("{for x in list : x}") == "1:21: expected =>, got \"}\" (write a map as {for x in "
                                      "list : key => value})");
    CHECK(e("'open") == "1:3: a string without its closing quote");
    CHECK(e("1x") == "1:3: a name can't begin with a digit");
    CHECK(e("a.") == "1:5: expected a name, got \"}\"");
    CHECK(e("uper(text)") == "1:3: there is no function uper() (did you mean upper()?)");
    CHECK(e("upper()") == "1:3: upper(): got 0 arguments (usage: upper(text: string))");
    CHECK(e("upper(n)") == "1:3: upper(): text: expected a string, got an integer "
                           "(use tostring(...))");
    CHECK(e("length(n)") ==
          "1:3: length(): value: expected a list, a map or a string, got an integer");
    CHECK(e("max(n...)") == "1:8: ... needs a list before it, got an integer");
}

TEST_CASE("errors have their place in every kind of scalar") {
    const auto at = [](const std::string& yaml) {
        const std::string out = value_of(yaml);
        return out.substr(0, out.find(": "));
    };
    CHECK(at("a: x ${1 / 0}") == "1:10");
    CHECK(at("a: \"\\\"\\u00e9\\\" ${1 / 0}\"") == "1:20");
    CHECK(at("a: 'it''s ${1 / 0}'") == "1:15");
    CHECK(at("a: \"one\n   two\n\n   ${1 / 0}\"") == "4:8");
    CHECK(at("a: \"one \\\n   two ${1 / 0}\"") == "2:12");
    CHECK(at("a: |\n  one\n    ${1 / 0}\n") == "3:9");
    CHECK(at("a: |- # remark\n  ${1 +\n     !}\n") == "3:7");
    CHECK(at("a: >\n  one\n  two ${\n    1 / 0}\n") == "4:7");
    CHECK(at("a: plain\n   ${1 / 0}") == "2:8");
}

TEST_CASE("expressions that exhaust stack, time or memory are refused") {
    std::string deep(200, '(');
    CHECK(e(deep).find("nested too deeply") != std::string::npos);
    CHECK(e(std::string(300, '!') + "true").find("nested too deeply") != std::string::npos);
    std::string chain = "1";
    for (int i = 0; i < 2000; ++i) chain += "+1";
    CHECK(e(chain).find("expressions refer to each other") != std::string::npos);
    for (int i = 0; i < 20000; ++i) chain += "+1";
    CHECK(e(chain).find("more than 10000 parts") != std::string::npos);
    std::string bomb = "'0123456789'";
    for (int i = 0; i < 24; ++i)
        bomb = "[for x in [" + bomb + "] : \"${join('', [x])}${join('', [x])}\"][0]";
    CHECK(e(bomb).find("larger than 64 MiB") != std::string::npos);
    std::string shared = "1";
    for (int i = 0; i < 24; ++i) shared = "[for x in [" + shared + "] : [x, x]][0]";
    CHECK(e(shared).find("larger than 64 MiB") != std::string::npos);
    CHECK(e("range(1000000)") == "1:3: range(): more than 100000 numbers");
    // each element takes many small steps: they exceed the limit, not the size of the result
    std::string steps = "1";
    for (int i = 0; i < 60; ++i) steps = "true ? " + steps + " : 0";
    CHECK(e("[for a in range(10000) : [for b in range(10000) : " + steps + "]]")
              .find("takes more than") != std::string::npos);
}
