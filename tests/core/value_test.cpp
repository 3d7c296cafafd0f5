#include "core/value.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace hadeploy;

namespace {
const std::string kLong = "longer than the small buffer within a std::string";

/// A value of each kind.
std::vector<Value> all_kinds() {
    return {Value(),
            Value::unknown(),
            Value(true),
            Value(7),
            Value(0.5),
            Value(kLong),
            Value::list({1, kLong}),
            Value::map({{"a", kLong}, {"b", Value::list({})}})};
}
} // namespace

TEST_CASE("a value gives access only to contents of its kind") {
    const std::vector<Value> all = all_kinds();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Value& v = all[i];
        CAPTURE(v.kind_name());
        CHECK(v.kind() == static_cast<Value::Kind>(i));
        const auto has = [](auto&& look) {
            try {
                look();
                return true;
            } catch (const std::logic_error&) {
                return false;
            }
        };
        CHECK(has([&] { (void)v.as_bool(); }) == v.is_bool());
        CHECK(has([&] { (void)v.as_integer(); }) == v.is_integer());
        CHECK(has([&] { (void)v.as_number(); }) == v.is_number());
        CHECK(has([&] { (void)v.as_string(); }) == v.is_string());
        CHECK(has([&] { (void)v.as_list(); }) == v.is_list());
        CHECK(has([&] { (void)v.as_map(); }) == v.is_map());
    }
    CHECK(Value(true).as_bool());
    CHECK_FALSE(Value(false).as_bool());
    CHECK(Value(-7).as_integer() == -7);
    CHECK(Value(7).as_number() == 7.0);
    CHECK(Value(0.5).as_number() == 0.5);
    CHECK(all[7]["a"].as_string() == kLong);
}

TEST_CASE(
    "copies share contents, a moved-from value is null, and the last copy frees the contents") {
    for (const Value& v : all_kinds()) {
        CAPTURE(v.kind_name());
        Value copy = v.as_secret().at({3, 4, 5});
        Value moved = std::move(copy);
        CHECK(copy.is_null()); // NOLINT: tests the moved-from state
        CHECK(moved.kind() == v.kind());
        CHECK(moved.secret());
        CHECK(moved.loc() == Loc{3, 4, 5});
        copy = moved;
        moved = Value(1);
        CHECK(copy.kind() == v.kind());
        const Value& self = copy;
        copy = self;
        CHECK(copy.kind() == v.kind());
        if (v.is_string()) CHECK(copy.as_string() == kLong);
        if (v.is_map()) CHECK(&copy.as_map() == &v.as_map());
        if (v.is_list()) CHECK(&copy.as_list() == &v.as_list());
    }
}

TEST_CASE("shared contents can be released by many threads concurrently") {
    for (int round = 0; round < 20; ++round) {
        Value shared = all_kinds().back();
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([mine = shared] {
                for (int k = 0; k < 1000; ++k) {
                    const Value one = mine;
                    const Value part = one["a"];
                    if (part.as_string() != kLong) std::abort();
                }
            });
        shared = {};
    }
}

TEST_CASE("equality and is_same()") {
    const std::vector<Value> all = all_kinds(), again = all_kinds();
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t k = 0; k < again.size(); ++k)
            CHECK((all[i] == again[k]) == (i == k && !all[i].is_unknown()));
    CHECK(Value(1) == Value(1.0));
    CHECK(Value(false) != Value(0));
    for (const Value& v : all) {
        CAPTURE(v.kind_name());
        const Value copy = v.at({1, 2, 3});
        CHECK(v.is_same(copy) == !v.is_unknown());
        CHECK_FALSE(v.is_same(v.as_secret()));
    }
    CHECK(Value(kLong).is_same(Value(kLong)));
    CHECK_FALSE(Value(1).is_same(Value(1.0)));
    CHECK_FALSE(Value(kLong).is_same(Value("other")));
    // equal, but without shared contents
    CHECK_FALSE(all[7].is_same(again[7]));
    const Value open = Value::list({Value::unknown()});
    CHECK_FALSE(open.is_same(open));
    CHECK_FALSE(open == open);
}

TEST_CASE("properties of values below a container are cached") {
    const Value v = Value::map({{"a", Value::list({Value("x").as_secret()})}});
    CHECK(v.contains_secret());
    CHECK_FALSE(v.secret());
    CHECK_FALSE(v.contains_unknown());
    CHECK(Value::list({v, Value::unknown()}).contains_unknown());
    CHECK(v.with("a", 1) == Value::map({{"a", 1}}));
    CHECK_FALSE(v.with("a", 1).contains_secret());
    CHECK(Value(kLong).weight() > kLong.size());
    CHECK(Value::list({kLong, kLong}).weight() > 2 * kLong.size());
}
