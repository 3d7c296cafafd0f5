// Long texts are parsed in pieces. The result must equal that of parsing the whole: the same values
// at the same places, or the same errors.
#include "core/value_json.h"
#include "planner/yaml/simple_yaml.h"
#include "planner/yaml/split_yaml.h"
#include "planner/yaml/yaml.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <optional>
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
    Diagnostics diagnostics;
    Read out{read_yaml(sources, file, diagnostics), {}};
    for (const Error& e : diagnostics.list())
        out.errors.push_back(fmt::format("{} {}:{}", e.message, e.loc.line, e.loc.column));
    return out;
}

/// A text that begins with a document marker is not split. The marker is on the line of the first
/// key.
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

/// An entry of the section in one of YAML's forms.
std::string entry(int number, std::mt19937& draw) {
    static const std::vector<std::string> forms{
        "  r{0}:\n    type: t\n    nothing:\n    list: [1, ~]\n    nulls:\n      -\n      - null\n",
        "  r{0}:\n",
        "  r{0}:\n    type: t\n    list: [1, {{a: b}}, \"x: y\"]\n",
        "  r{0}: {{type: t, text: \"${{a.b}} # no comment\"}} # a comment\n",
        "  r{0}:\n    text: |\n      first\n\n      key: no key\n    # between\n    other: >-\n    "
        "  x\n",
        "\n  # above\n  \"r{0}\":\n    - 1\n    -   two\n",
        "  r{0}:\n    double: \"over\n      two lines\"\n    single: 'it''s'\n",
        "  r{0}:\n    plain: over\n      two lines\n",
        "  r{0}: &a{0} {{x: 1}}\n",
        "  r{0}:\n    base: &b{0} [1, 2]\n    again: *b{0}\n",
        "  r{0}:\n    \"<<\": 3\n",
        "  r{0}: ~\r\n",
        "  r{0}:\n# at the very left\n    type: t\n",
    };
    return fmt::format(fmt::runtime(forms[draw() % forms.size()]), number);
}

/// The same in the simplest form.
std::string simple_entry(int number, std::mt19937& draw) {
    static const std::vector<std::string> forms{
        "  r{0}:\n    type: local.value\n    input: \"${{r0.output}}-{0}\"\n",
        "  r{0}:\n    count: {0}\n    size: 1 GiB\n    on: true\n    share: 0.5\n",
        "  # above\n  r{0}:\n      tags:\n        a: 'x: y'\n        b-c:   \"# none\"\n\n      "
        "path: /etc/motd\n",
        "  r{0}: ${{var.all}}\n",
        "  r{0}: 0x1F\n",
        "  r{0}: \"\"\n",
        "  r{0}: ' two  blanks '\n",
    };
    return fmt::format(fmt::runtime(forms[draw() % forms.size()]), number);
}

std::string simple_text(unsigned seed, std::size_t bytes) {
    std::mt19937 draw(seed);
    std::string text = "name: test\nresources:\n";
    for (int i = 0; text.size() < bytes; ++i) text += simple_entry(i, draw);
    return text + "outputs:\n  o: 1\n";
}

/// The result without the parser; nothing if the parser is needed, or there is an error.
std::optional<Value> read_simple(const std::string& text) {
    Diagnostics diagnostics;
    auto out = read_simple_yaml(0, {text, 0}, diagnostics);
    return diagnostics.empty() ? std::move(out) : std::nullopt;
}

std::string long_text(unsigned seed, std::size_t bytes) {
    std::mt19937 draw(seed);
    std::string text = "name: test # the head\nvariables:\n  a: {default: 1}\nresources: # here\n";
    for (int i = 0; text.size() < bytes; ++i) text += entry(i, draw);
    return text + "outputs:\n  o: 1\nlocals: {a: b}\n";
}

} // namespace

TEST_CASE("a long text gives the same result in pieces as in one") {
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

TEST_CASE("an implicit null has the place of its key, or of its list") {
    const std::string text =
        "a:\nb: ~\nc:\n# d\nnull and void: null\nd: {e: , f: Null}\nl:\n  -\n  - ~\n";
    const Value root = read(text).root;
    const auto place = [&](const Value& v) {
        return fmt::format("{}:{}", v.loc().line, v.loc().column);
    };
    CHECK(place(root["a"]) == "1:1");
    CHECK(place(root["b"]) == "2:4");
    CHECK(place(root["c"]) == "3:1");
    CHECK(place(root["null and void"]) == "5:16");
    CHECK(place(root["d"]["e"]) == "6:5");
    CHECK(place(root["d"]["f"]) == "6:13");
    CHECK(place(root["l"].as_list()[0]) == "8:3");
    CHECK(place(root["l"].as_list()[1]) == "9:5");
}

TEST_CASE("a simple text is read without the parser, with the same result") {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        const std::string text = simple_text(seed, 2000);
        const auto simple = read_simple(text);
        REQUIRE(simple);
        same(*simple, read_whole(text).root, "");
    }
    const std::string text = simple_text(1, 3 * kYamlPieceBytes);
    same(read(text).root, read_whole(text).root, "");
    for (const char* other : {"",
                              "# nothing\n",
                              "a:\n",
                              "a:\n  b:\nc: 1\n",
                              "a: null\n",
                              "null: 1\n",
                              "a: ~\n",
                              "a: [1]\n",
                              "a: {b: 1}\n",
                              "- a\n",
                              "a: - b\n",
                              "a: b: c\n",
                              "a: b # c\n",
                              "a: b#c\n",
                              "a:b\n",
                              "a: \"b\" c\n",
                              "a: \"\\n\"\n",
                              "a: 'it''s'\n",
                              "a: \"b\n",
                              "a: b\n  c\n",
                              "a: b\n c: d\n",
                              "  a: b\n c: d\n",
                              "a:\n  b: c\n d: e\n",
                              "a: b\na: c\n",
                              "a: b \n",
                              "a: b\r\n",
                              "a: \tb\n",
                              "a: \xc3\xa4\n",
                              "a: &b c\n",
                              "a: *b\n",
                              "a: !c d\n",
                              "a: |\n  b\n",
                              "a: -1\n",
                              "a: .5\n",
                              "? a\n",
                              "---\na: b\n",
                              "a: b\n...\n",
                              "\"a\": b\n",
                              "<<: a\n",
                              "a: 99999999999999999999\n"})
        CHECK_MESSAGE(!read_simple(other), other);
}

TEST_CASE("a mutated simple text is read as by the parser, or left to it") {
    constexpr std::string_view signs = " :#'\"-\n\n  ab1{}[]&*!|>%@`,.?~$/\\\t";
    unsigned simple = 0;
    for (unsigned seed = 1; seed <= 4000; ++seed) {
        std::mt19937 draw(seed);
        std::string text = simple_text(seed, 60 + draw() % 100);
        for (unsigned changes = 1 + draw() % 3; changes > 0; --changes) {
            const std::size_t at = draw() % text.size();
            const char sign = signs[draw() % signs.size()];
            if (draw() % 3 == 0)
                text.erase(at, 1 + draw() % 3);
            else if (draw() % 2 == 0)
                text.insert(at, 1, sign);
            else
                text[at] = sign;
        }
        const auto root = read_simple(text);
        if (!root) continue;
        ++simple;
        CAPTURE(text);
        const Read whole = read_whole(text);
        REQUIRE(whole.errors.empty());
        same(*root, whole.root, "");
    }
    CHECK(simple > 400); // some texts were simple
}

TEST_CASE("after a wrong split or an error the whole text is parsed") {
    const std::string before = long_text(1, 2 * kYamlPieceBytes);
    const std::size_t middle = before.find("\n  r", kYamlPieceBytes) + 1;
    const std::string head = before.substr(0, middle), rest = before.substr(middle);
    for (const std::string& odd : std::vector<std::string>{
             "  odd: \"a string\n  key: that continues at the\n  left\"\n",
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

TEST_CASE("texts that are split, and texts that are not") {
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
    // A key can continue on the next line.
    CHECK_FALSE(cut_yaml("b:\n  \"x\n    y\": 1\n  z: 2\n", 1));
    CHECK_FALSE(cut_yaml("b:\n  w: 0\n  \"x\n    y\": 1\n  z: 2\n", 1));
    // The parser treats a lone carriage return as a line end, so `z` is at the top level here.
    CHECK_FALSE(cut_yaml("b:\n  x: 1\rz: 2\n  y: 2\n", 1));
    CHECK(cut_yaml("b:\r\n  x: 1\r\n  y: 2\r\n", 1));
}

TEST_CASE("a long text with merge keys is read as one") {
    std::string text = "x-all: &all {a: 1, b: 1}\n" + long_text(1, 3 * kYamlPieceBytes);
    const auto at = text.find("  r5:");
    text.insert(at, "  merged: {<<: *all, b: 2}\n");
    const Read out = read(text);
    CHECK(out.errors.empty());
    CHECK(to_json(out.root["resources"]["merged"]) == R"({"a":1,"b":2})");
    CHECK(to_json(out.root["resources"]["merged"]) ==
          to_json(read_whole(text).root["resources"]["merged"]));
}
