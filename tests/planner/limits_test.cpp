// Expressions must not exhaust the stack, the memory or the time.
#include "support/expressions.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
bool says(const std::string& expression, std::string_view part,
          const Value& names = Value::map({})) {
    const std::string said = eval(expression, names);
    const bool found = said.find(part) != std::string::npos;
    if (!found) MESSAGE(said.substr(0, 200));
    return found;
}
} // namespace

TEST_CASE("functions that multiply texts have a limit") {
    const Value names = Value::map({{"lines", std::string(1u << 20, '\n')},
                                    {"a", std::string(1u << 20, 'a')},
                                    {"b", std::string(1u << 16, 'b')}});
    CHECK(says("indent(1000, lines)", "more than 64 MiB", names));
    CHECK(says("replace(a, 'a', a)", "more than 64 MiB", names));
    CHECK(says("replace(b, '/b/', b)", "more than 64 MiB", names));
    CHECK(says("replace(b, '/b+/', join('', [for i in range(5000) : '$&']))", "more than 64 MiB",
               names));
    CHECK(says("join(a, range(1000))", "more than 64 MiB", names));
    CHECK(says("concat([for i in range(40) : a], [for i in range(40) : a])", "more than 64 MiB",
               names));
    CHECK(says("formatlist('%9999s', range(10000))", "more than 64 MiB"));
    CHECK(says("setproduct(range(50000), [for i in range(80) : ['x']]...)", "more than 64 MiB"));
    CHECK(eval("replace('aXbX', '/X/', '-')") == R"("a-b-")");
    CHECK(eval("replace('node1 node2', '/node([0-9])/', 'n$1$$')") == R"("n1$ n2$")");
}

TEST_CASE("operations on large values count as several steps") {
    const Value names = Value::map({{"large", std::string(32u << 20, 'x')}});
    CHECK(says("[for i in range(1000) : large == '']", "more than 10000000 steps", names));
    CHECK(says("[for i in range(1000) : endswith(large, 'y')]", "more than 10000000 steps", names));
}

TEST_CASE("a secret key makes its map secret") {
    const Value names = Value::map({{"s", Value("canary").as_secret()}});
    CHECK(eval("zipmap([s], [1])", names) == R"({"$secret":{"canary":1}})");
    CHECK(eval("zipmap(['a'], [s])", names) == R"({"a":{"$secret":"canary"}})");
}

TEST_CASE("numbers and texts that keep their form") {
    CHECK(says("sum([1e308, 1e308])", "the result is too large"));
    CHECK(eval("length(format('%s', base64decode('AGE=')))") == "2"); // a NUL and an "a"
    CHECK(value_of("0x-5") == R"("0x-5")");
    CHECK(value_of("0x") == R"("0x")");
    CHECK(value_of("0x1F") == "31");
    CHECK(value_of("0o17") == "15");
}
