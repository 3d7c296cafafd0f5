#include "core/secrecy.h"

#include <doctest/doctest.h>

using namespace hadeploy;

TEST_CASE("what was read is secret where what was wanted is") {
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
    // another form than the model's
    CHECK(shown("all of it", model) == "\"(secret)\"");
    CHECK(shown(Value::map({{"c", "1"}}), model) == R"~({"c":"(secret)"})~");
}

TEST_CASE("known secrets are taken out of texts, in each of their forms") {
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
