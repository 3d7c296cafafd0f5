// Long texts are parsed in pieces. What comes out has to be what the whole gives: the same values
// at the same places, or the same errors.
#include "planner/yaml.h"
#include "planner/yaml_pieces.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <random>

using namespace hadeploy;

namespace {

struct Read {
    Value root;
    std::vector<std::string> errors;
};

Read read(const std::string& text) {
    Sources sources;
    const std::uint16_t file = sources.add("test.yaml", text);
    Problems problems;
    Read out{read_yaml(sources, file, problems), {}};
    for (const Error& e : problems.list())
        out.errors.push_back(fmt::format("{} {}:{}", e.message, e.loc.line, e.loc.column));
    return out;
}

/// A text that begins with a document's mark is not cut. The mark has the line of the first key.
Read read_whole(const std::string& text) {
    return read("--- # whole\n" + text);
}

void same(const Value& a, const Value& b, const std::string& where) {
    CAPTURE(where);
    REQUIRE(a.kind() == b.kind());
    REQUIRE(a.loc().line + 1 == b.loc().line);
    REQUIRE(a.loc().column == b.loc().column);
    if (a.is_list()) {
        REQUIRE(a.as_list().size() == b.as_list().size());
        for (std::size_t i = 0; i < a.as_list().size(); ++i)
            same(a.as_list()[i], b.as_list()[i], where + "[]");
    } else if (a.is_map()) {
        REQUIRE(a.as_map().size() == b.as_map().size());
        for (std::size_t i = 0; i < a.as_map().size(); ++i) {
            REQUIRE(a.as_map()[i].key == b.as_map()[i].key);
            REQUIRE(a.as_map()[i].loc.line + 1 == b.as_map()[i].loc.line);
            same(a.as_map()[i].value, b.as_map()[i].value, where + "." + a.as_map()[i].key);
        }
    } else {
        REQUIRE(a == b);
    }
}

/// An entry of the section in one of the ways that YAML has to write one.
std::string entry(int number, std::mt19937& draw) {
    static const std::vector<std::string> forms{
        "  r{0}:\n    type: t\n    list: [1, {{a: b}}, \"x: y\"]\n",
        "  r{0}: {{type: t, text: \"${{a.b}} # no comment\"}} # a comment\n",
        "  r{0}:\n    text: |\n      first\n\n      key: no key\n    # between\n    other: >-\n    "
        "  x\n",
        "\n  # above\n  \"r{0}\":\n    - 1\n    -   two\n",
        "  r{0}:\n    double: \"over\n      two lines\"\n    single: 'it''s'\n",
        "  r{0}:\n    plain: over\n      two lines\n",
        "  r{0}: &a{0} {{x: 1}}\n",
        "  r{0}:\n    base: &b{0} [1, 2]\n    again: *b{0}\n",
        "  r{0}: ~\r\n",
        "  r{0}:\n# at the very left\n    type: t\n",
    };
    return fmt::format(fmt::runtime(forms[draw() % forms.size()]), number);
}

std::string long_text(unsigned seed, std::size_t bytes) {
    std::mt19937 draw(seed);
    std::string text = "name: test # the head\nvariables:\n  a: {default: 1}\nresources: # here\n";
    for (int i = 0; text.size() < bytes; ++i) text += entry(i, draw);
    return text + "outputs:\n  o: 1\nlocals: {a: b}\n";
}

} // namespace

TEST_CASE("a long text gives the same in pieces as in one") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const std::string text = long_text(seed, 5 * kYamlPieceBytes);
        REQUIRE(cut_yaml(text, kYamlPieceBytes)->entries.size() >= 4);
        const Read pieces = read(text), whole = read_whole(text);
        REQUIRE(pieces.errors.empty());
        REQUIRE(whole.errors.empty());
        same(pieces.root, whole.root, "");
    }
}

TEST_CASE("where a cut was wrong, or something is, the whole is parsed") {
    const std::string before = long_text(1, 2 * kYamlPieceBytes);
    const std::size_t middle = before.find("\n  r", kYamlPieceBytes) + 1;
    const std::string head = before.substr(0, middle), rest = before.substr(middle);
    for (const std::string& odd : std::vector<std::string>{
             "  odd: \"a string\n  key: that goes on at the\n  left\"\n",
             "  odd: {a: 1,\n  b: 2,\n  c: 3}\n",
             "  odd: [a,\n  b: c,\n  d]\n",
             "  r0: twice\n",
             "  odd: &shared {x: 1}\n  " + std::string(kYamlPieceBytes, '#') + "\n  use: *shared\n",
             "  odd: \"never closed\n",
             "  odd: !!python/none x\n",
             "  odd: {never: closed\n",
             " odd: out of line\n",
             "  - a list\n",
             "  <<: {a: 1}\n",
         }) {
        CAPTURE(odd);
        const std::string text = head + odd + rest;
        const Read pieces = read(text);
        Read whole = read_whole(text);
        REQUIRE(pieces.errors.size() == whole.errors.size());
        if (whole.errors.empty())
            same(pieces.root, whole.root, "");
        else
            for (std::size_t i = 0; i < whole.errors.size(); ++i) {
                const std::string &a = pieces.errors[i], &b = whole.errors[i];
                CHECK(a.substr(0, a.rfind(' ')) == b.substr(0, b.rfind(' ')));
            }
    }
}

TEST_CASE("what is cut, and what is not") {
    const auto pieces = cut_yaml("a: 1\nb:\n  x: 1\n  y: 2\n  z: 3\nc: 4\n", 1);
    REQUIRE(pieces);
    CHECK(pieces->head.text == "a: 1\nb:\n");
    CHECK(pieces->section == "b");
    REQUIRE(pieces->entries.size() == 3);
    CHECK(pieces->entries[1].text == "  y: 2\n");
    CHECK(pieces->entries[1].line == 3);
    CHECK(pieces->tail.text == "c: 4\n");
    CHECK(pieces->tail.line == 5);
    CHECK_FALSE(cut_yaml("b: {x: 1, y: 2}\n", 1));
    CHECK_FALSE(cut_yaml("---\nb:\n  x: 1\n  y: 2\n", 1));
    CHECK_FALSE(cut_yaml("b:\n  x: 1\n  y: 2\n", 100));
    CHECK_FALSE(cut_yaml("", 0));
}
