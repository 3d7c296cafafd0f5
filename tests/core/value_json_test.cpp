// Conversion of values to JSON and back.
#include "core/error.h"
#include "core/value.h"
#include "core/value_json.h"

#include <doctest/doctest.h>

using namespace hadeploy;

TEST_CASE("secrets and unknown values survive the conversion") {
    const Value v = Value::map({{"a", Value("x").as_secret()},
                                {"b", Value::list({Value::unknown(), Value().as_secret()})},
                                {"c", Value::map({{"d", 1}}).as_secret()}});
    const Value back = from_json(to_json(v));
    CHECK(to_json(back) == to_json(v));
    CHECK(back["a"].secret());
    CHECK(back["b"].as_list()[0].is_unknown());
    CHECK(back["b"].as_list()[1].secret());
    CHECK(back["c"].secret());
}

TEST_CASE("a user's map that looks like a mark is preserved") {
    const auto one = [](const char* key, Value value) {
        return Value::map(Value::Map{{key, std::move(value)}});
    };
    for (const Value& v : {one("$secret", 1), one("$unknown", true), one("$literal", 1),
                           one("$literal", one("$secret", 1)), one("$secret", one("$secret", 1)),
                           Value::map({{"$literal", one("$unknown", 1)}, {"b", 2}}),
                           Value::map({{"$secret", 1}, {"b", 2}})}) {
        const std::string json = to_json(v);
        CAPTURE(json);
        const Value back = from_json(json);
        CHECK(back == v);
        CHECK_FALSE(back.contains_secret());
        CHECK_FALSE(back.contains_unknown());
    }
    // secrets beside or below such a key are preserved
    const Value beside = Value::map({{"$literal", Value("x").as_secret()}, {"b", 2}});
    CHECK(from_json(to_json(beside))["$literal"].secret());
    const Value below = one("$unknown", Value("x").as_secret());
    CHECK(from_json(to_json(below))["$unknown"].secret());
    CHECK(to_public_json(one("$secret", 1)) == R"({"$secret":1})");
}

TEST_CASE("JSON that is nested too deeply is rejected") {
    const auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    CHECK(to_json(from_json(nested(1000))) == nested(1000));
    CHECK_THROWS_AS(from_json(nested(1'000'000)), Error);
    CHECK_THROWS_AS(from_json(std::string(1'000'000, '[')), Error);
}

TEST_CASE("an integer beyond signed 64 bits is read as a floating-point number") {
    CHECK(from_json("9223372036854775807").as_integer() == 9223372036854775807);
    CHECK(from_json("18446744073709551615").as_number() == 18446744073709551615.0);
}
