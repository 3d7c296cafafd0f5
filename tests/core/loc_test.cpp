#include "core/loc.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// "text@column" of a place in the second of three lines, with [begin, end) of the text hidden.
std::string shown(std::size_t begin, std::size_t end, std::uint16_t column) {
    Sources sources;
    const std::uint16_t file = sources.add("f", "one\nab: secret, c: d\nthree\n");
    sources.hide(file, begin, end);
    const Sources::Line line = sources.line({2, column, file});
    return line.text + "@" + std::to_string(line.column);
}
} // namespace

TEST_CASE("a line replaces hidden ranges, and adjusts the column") {
    CHECK(shown(0, 0, 5) == "ab: secret, c: d@5");
    CHECK(shown(8, 14, 1) == "ab: (secret), c: d@1");
    CHECK(shown(8, 14, 5) == "ab: (secret), c: d@5");
    CHECK(shown(8, 14, 9) == "ab: (secret), c: d@5"); // within the range: its start
    CHECK(shown(8, 14, 13) == "ab: (secret), c: d@15");
    CHECK(shown(8, std::string::npos, 13) == "ab: (secret)@5");
    CHECK(shown(0, 8, 5) == "(secret)secret, c: d@9");
    CHECK(shown(0, 3, 5) == "ab: secret, c: d@5"); // in another line
    CHECK(shown(99, 100, 5) == "ab: secret, c: d@5");
}

TEST_CASE("several hidden ranges in a line, some of which overlap") {
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
