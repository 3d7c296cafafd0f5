#include "planner/yaml/line_layout.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace hadeploy;

namespace {
std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

/// The formatted text, checked to be equivalent and stable.
std::string checked(const std::string& text) {
    const std::string once = laid_out(text);
    CHECK_MESSAGE(same_meaning(text, once), text, "became\n", once);
    CHECK(laid_out(once) == once);
    return once;
}
} // namespace

TEST_CASE("indentation, spaces and empty lines") {
    CHECK(checked("a:   1   \n\n\n\nb:\n    c: 2\n    d:\n       e: 3\n\n") ==
          "a: 1\n\nb:\n  c: 2\n  d:\n    e: 3\n");
    CHECK(checked("\n\na: 1") == "a: 1\n");
    CHECK(checked("a: 1\r\nb: 2\r\n") == "a: 1\nb: 2\n");
    CHECK(checked("  a: 1\n  b: 2\n") == "a: 1\nb: 2\n");
    CHECK(checked("a :   1\n'b' : 2\n\"c\":   3\n") == "a: 1\n'b': 2\n\"c\": 3\n");
}

TEST_CASE("lists stand below their key") {
    CHECK(checked("a:\n- 1\n-   2\nb: 3\n") == "a:\n  - 1\n  - 2\nb: 3\n");
    CHECK(checked("a:\n-   b: 1\n    c:\n    - 2\n-   b: 3\n") ==
          "a:\n  - b: 1\n    c:\n      - 2\n  - b: 3\n");
    CHECK(checked("- - 1\n  - 2\n-   - 3\n") == "- - 1\n  - 2\n- - 3\n");
    CHECK(checked("a:\n- # why\n  b: 1\n") == "a:\n  - # why\n    b: 1\n");
}

TEST_CASE("comments stay above the entries that they describe") {
    CHECK(checked("# top\na:\n    # about b\n    b: 1   # beside\n# about c\nc: 2\n# end\n") ==
          "# top\na:\n  # about b\n  b: 1   # beside\n# about c\nc: 2\n# end\n");
    CHECK(checked("a:\n    b: 1\n    # last of a\nc: 2\n") == "a:\n  b: 1\n  # last of a\nc: 2\n");
    CHECK(checked("a:    # of a\n    b: 1\n") == "a:    # of a\n  b: 1\n");
}

TEST_CASE("block scalars move with their key and stay as they are") {
    CHECK(checked("a:\n    run: |\n        one\n          two  \n\n\n        three\n    b: 1\n") ==
          "a:\n  run: |\n      one\n        two  \n\n\n      three\n  b: 1\n");
    CHECK(checked("a: |+\n  x\n\n\nb: 1\n") == "a: |+\n  x\n\n\nb: 1\n");
    CHECK(checked("a: |\n  x\n\n\n\nb: 1\n") == "a: |\n  x\n\nb: 1\n");
    CHECK(checked("a:\n-   |2-\n    # no comment\n    - no list\n") ==
          "a:\n  - |2-\n      # no comment\n      - no list\n");
    CHECK(checked("a: >\n  folded\n  text\n") == "a: >\n  folded\n  text\n");
}

TEST_CASE("values that span several lines") {
    CHECK(checked("a:\n    b: {x: 1,\n        y: [2,\n  3]}   # end\n    c: 1\n") ==
          "a:\n  b: {x: 1,\n      y: [2,\n3]}   # end\n  c: 1\n");
    CHECK(checked("a:\n    b: \"one\n\n\n      # two: - three\"\n    c: 1\n") ==
          "a:\n  b: \"one\n\n\n    # two: - three\"\n  c: 1\n");
    CHECK(checked("a:\n    b: one\n      two\n\n\n      three\n    c: 1\n") ==
          "a:\n  b: one\n    two\n\n\n    three\n  c: 1\n");
    CHECK(checked("a: &x\n    b: 1\nc: *x\n") == "a: &x\n  b: 1\nc: *x\n");
    CHECK(checked("a: 'it''s: # fine'\nb: \"\\\"#: \"\n") ==
          "a: 'it''s: # fine'\nb: \"\\\"#: \"\n");
}

TEST_CASE("expressions stay as they are") {
    const std::string text = "a: ${ var.x }\nb: \"${ {for k, v in node : k => v} }\"\n";
    CHECK(checked(text) == text);
}

TEST_CASE("changes of the meaning or of comments are detected") {
    CHECK_FALSE(same_meaning("a: 1\n", "a: 2\n"));
    CHECK_FALSE(same_meaning("a: {b: 1}\n", "a: {b: [1]}\n"));
    CHECK_FALSE(same_meaning("a: 1 # x\n", "a: 1 # y\n"));
    CHECK_FALSE(same_meaning("a: |\n  x\n  y\n", "a: |\n  x y\n"));
    CHECK_FALSE(same_meaning("a: [\n", "a: [\n")); // invalid YAML has no meaning
}

TEST_CASE("the specs of this repository are formatted and stay unchanged") {
    std::size_t seen = 0;
    for (const char* folder : {"examples", "modules", "templates"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(
                 std::filesystem::path(HADEPLOY_SOURCE_DIR) / folder)) {
            if (entry.path().extension() != ".yaml") continue;
            const std::string text = text_of(entry.path());
            CHECK_MESSAGE(checked(text) == text, entry.path().string());
            ++seen;
        }
    CHECK(seen > 2);
}
