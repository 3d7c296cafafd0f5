#include "core/loc.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// "text@column" of a place in the second of three lines, of which [begin, end) of the whole is
/// hidden.
std::string shown(std::size_t begin, std::size_t end, std::uint16_t column) {
    Sources sources;
    const std::uint16_t file = sources.add("f", "one\nab: secret, c: d\nthree\n");
    sources.hide(file, begin, end);
    const Sources::Line line = sources.line({2, column, file});
    return line.text + "@" + std::to_string(line.column);
}
} // namespace

TEST_CASE("a line shows what is hidden as such, and knows where the place is then") {
    CHECK(shown(0, 0, 5) == "ab: secret, c: d@5");
    CHECK(shown(8, 14, 1) == "ab: (secret), c: d@1");
    CHECK(shown(8, 14, 5) == "ab: (secret), c: d@5");
    CHECK(shown(8, 14, 9) == "ab: (secret), c: d@5"); // within: where it begins
    CHECK(shown(8, 14, 13) == "ab: (secret), c: d@15");
    CHECK(shown(8, std::string::npos, 13) == "ab: (secret)@5");
    CHECK(shown(0, 8, 5) == "(secret)secret, c: d@9");
    CHECK(shown(0, 3, 5) == "ab: secret, c: d@5"); // another line's
    CHECK(shown(99, 100, 5) == "ab: secret, c: d@5");
}

TEST_CASE("several hidden parts of a line, and some that overlap") {
    Sources sources;
    const std::uint16_t file = sources.add("f", "a: xx, b: yyy, c: d");
    sources.hide(file, 10, 13);
    sources.hide(file, 3, 5);
    sources.hide(file, 11, 12);
    const Sources::Line line = sources.line({1, 16, file});
    CHECK(line.text == "a: (secret), b: (secret), c: d");
    CHECK(line.column == 27);
    CHECK(sources.line({9, 1, file}).text.empty());
    CHECK(sources.line({}).text.empty());
}
