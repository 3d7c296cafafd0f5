#include "core/hash.h"
#include "core/secrecy.h"
#include "core/value_json.h"

#include <doctest/doctest.h>

using namespace hadeploy;

TEST_CASE("read values are secret where the desired ones are") {
    const Value secret = Value("s").as_secret();
    const auto shown = [](const Value& value, const Value& model) {
        const Value marked = as_secret_as(value, model);
        CHECK(marked == value);
        return to_public_json(marked);
    };
    CHECK(shown("old", secret) == "\"(secret)\"");
    CHECK(shown("old", "new") == "\"old\"");
    CHECK(shown(Value(), secret) == "null");
    const Value model = Value::map({{"a", secret}, {"b", "x"}, {"c", Value::list({"y", secret})}});
    CHECK(shown(Value::map({{"a", "1"}, {"b", "2"}, {"d", "3"}}), model) ==
          R"~({"a":"(secret)","b":"2","d":"3"})~");
    CHECK(shown(Value::map({{"c", Value::list({"1"})}}), model) == R"~({"c":["(secret)"]})~");
    // structure differs from the model's
    CHECK(shown("all of it", model) == "\"(secret)\"");
    CHECK(shown(Value::map({{"c", "1"}}), model) == R"~({"c":"(secret)"})~");
}

TEST_CASE("known secrets are redacted in texts, in each of their forms") {
    Redactor redact;
    CHECK(redact("as it is") == "as it is");
    redact.add(Value::map({{"open", "visible"},
                           {"a", Value("it's \"x\"").as_secret()},
                           {"b", Value::list({Value("long-secret"), "abc"}).as_secret()},
                           {"c", Value("long-secret-2").as_secret()},
                           {"key", Value("BEGIN\nMIIEvQIBADANBg\nEND\n").as_secret()}}));
    CHECK(redact("visible, abc") == "visible, abc"); // abc is too short
    CHECK(redact("no: it's \"x\"!") == "no: (secret)!");
    CHECK(redact(R"~({"text":"it's \"x\""})~") == R"~({"text":"(secret)"})~");
    CHECK(redact(R"~(echo 'it'\''s "x"')~") == "echo '(secret)'");
    CHECK(redact("long-secret long-secret-2") == "(secret) (secret)");
    CHECK(redact("bG9uZy1zZWNyZXQ=") == "(secret)");
    CHECK(redact("line: MIIEvQIBADANBg\nEND") == "line: (secret)\nEND");
}

TEST_CASE("a secret is found when escaped by shells and JSON writers") {
    Redactor redact;
    redact.add(Value("p<a>s/s$w`o'r\"d & \\x?>").as_secret());
    for (const char* text : {
             R"~(declare -x P="p<a>s/s\$w\`o'r\"d & \\x?>")~",            // export -p of bash
             R"~(export P='p<a>s/s$w`o'"'"'r"d & \x?>')~",                // of dash
             R"~(p\<a\>s/s\$w\`o\'r\"d\ \&\ \\x\?\>)~",                   // printf %q
             R"~({"p":"p\u003ca\u003es/s$w`o'r\"d \u0026 \\x?\u003e"})~", // Go
             R"~({"p":"p<a>s\/s$w`o'r\"d & \\x?>"})~",                    // PHP
             "cDxhPnMvcyR3YG8nciJkICYgXHg_Pg",                            // base64url
         }) {
        const std::string shown = redact(text);
        CHECK_MESSAGE(shown.find("(secret)") != shown.npos, shown);
        CHECK_MESSAGE(shown.find("w`o") == shown.npos, shown);
        CHECK_MESSAGE(shown.find("w\\`o") == shown.npos, shown);
    }
}

TEST_CASE("a text that contains a short secret as a word is redacted entirely") {
    const Value config = Value::map({{"name", Value("q7z").as_secret()},
                                     {"port", Value(443).as_secret()},
                                     {"sign", Value("%").as_secret()},
                                     {"long", Value("long-secret").as_secret()},
                                     {"open", "abc"}});
    for (const char* text : {"making q7z", "q7z", "/home/q7z/x", "'q7z'", "on q7z:22", "at 443",
                             "10.0.0.1:443", "50%"})
        CHECK(without_secrets(std::string(text), config) == "(secret)");
    for (const char* text : {"making q7zz", "aq7z", "4430", "abc"})
        CHECK(without_secrets(std::string(text), config) == text);
    CHECK(without_secrets(std::string("a long-secret"), config) == "a (secret)");
    CHECK(named(config, "name") == "(secret)");
    CHECK(named(config, "port") == "(secret)");
    CHECK(named(config, "open") == "abc");
    CHECK(named(config.as_secret(), "open") == "(secret)");
}

TEST_CASE("a secret is found within longer base64") {
    Redactor redact;
    redact.add(Value("horse-battery-staple").as_secret());
    for (const std::string before : {"", "u", "us", "user", "user:"})
        for (const std::string after : {"", "\n", "@host"}) {
            const std::string coded = base64_encode(before + "horse-battery-staple" + after);
            const std::string shown = redact("Basic " + coded);
            CHECK(shown.find("(secret)") != shown.npos);
            // only a few characters of the neighbours remain
            CHECK(shown.size() < coded.size());
            CHECK(shown.find(coded.substr(8, 12)) == shown.npos);
        }
}

TEST_CASE("a secret number is redacted where it is a separate word") {
    Redactor redact;
    redact.add(Value::map({{"pin", Value(4711).as_secret()}, {"rate", Value(12.75).as_secret()}}));
    CHECK(redact("pin 4711.") == "pin (secret).");
    CHECK(redact("pin=4711, rate=12.75") == "pin=(secret), rate=(secret)");
    CHECK(redact("14711 47110 4711.5 a4711") == "14711 47110 4711.5 a4711");
    // in JSON only in strings, as numbers are hadeploy's own
    CHECK(redact(R"~({"ms":4711,"text":"pin 4711"})~") == R"~({"ms":4711,"text":"pin (secret)"})~");
}

TEST_CASE("secrets too short for redaction are listed by name") {
    const Value all =
        Value::map({{"pin", Value("123").as_secret()},
                    {"number", Value(42).as_secret()},
                    {"long", Value("1234").as_secret()},
                    {"empty", Value("").as_secret()},
                    {"open", "abc"},
                    {"deep", Value::map({{"keys", Value::list({"ab", "abcd"})}}).as_secret()}});
    CHECK(short_secrets(all, "var") ==
          std::vector<std::string>{"var.deep.keys[0]", "var.number", "var.pin"});
    CHECK(short_secrets(Value("x").as_secret(), "var.x") == std::vector<std::string>{"var.x"});
    CHECK(short_secrets("x", "var").empty());
}
