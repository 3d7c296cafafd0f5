#include "cli/render/fold.h"

#include <doctest/doctest.h>

using namespace hadeploy::cli;

namespace {
/// Formats results as "address: line | line".
std::string redacted(const std::vector<Said>& all) {
    std::string out;
    for (const Folded& f : fold(all)) {
        out += f.address + " x" + std::to_string(f.members.size()) + ":";
        for (const std::string& line : f.lines) out += " " + line;
        out += "\n";
    }
    return out;
}
} // namespace

TEST_CASE("instances with identical texts are folded") {
    CHECK(redacted({{"a[0]", {"x"}}, {"a[1]", {"x"}}, {"a[2]", {"x"}}}) == "a[0..2] x3: x\n");
    CHECK(redacted({{"a[\"x\"]", {"1"}}, {"a[\"y\"]", {"1"}}, {"a[\"z\"]", {"1"}}}) ==
          "a[\"x\", \"y\", \"z\"] x3: 1\n");
    // two are not folded
    CHECK(redacted({{"a[0]", {"x"}}, {"a[1]", {"x"}}}) == "a[0] x1: x\na[1] x1: x\n");
    // other instances between them do not matter
    CHECK(redacted({{"a[0]", {"x"}}, {"b", {"x"}}, {"a[1]", {"x"}}, {"a[3]", {"x"}}}) ==
          "a[0..1, 3] x3: x\nb x1: x\n");
}

TEST_CASE("texts that follow the index or repeat the key are folded") {
    CHECK(redacted({{"a[9]", {"p: /w-9", "ip: 10.0.0.19"}},
                    {"a[10]", {"p: /w-10", "ip: 10.0.0.20"}},
                    {"a[11]", {"p: /w-11", "ip: 10.0.0.21"}}}) ==
          "a[9..11] x3: p: /w-{9..11} ip: 10.0.0.{19..21}\n");
    CHECK(redacted({{"a[0]", {"w-001"}}, {"a[1]", {"w-002"}}, {"a[2]", {"w-003"}}}) ==
          "a[0..2] x3: w-{001..003}\n");
    CHECK(redacted({{"a[\"ham\"]", {"/srv/ham.d", "n"}},
                    {"a[\"ber\"]", {"/srv/ber.d", "n"}},
                    {"a[\"muc\"]", {"/srv/muc.d", "n"}}}) ==
          "a[\"ham\", \"ber\", \"muc\"] x3: /srv/{key}.d n\n");
    // not inside a word
    CHECK(redacted({{"a[\"x\"]", {"text"}}, {"a[\"y\"]", {"teyt"}}, {"a[\"z\"]", {"tezt"}}}) ==
          "a[\"x\"] x1: text\na[\"y\"] x1: teyt\na[\"z\"] x1: tezt\n");
}

TEST_CASE("different texts are not folded") {
    CHECK(redacted({{"a[0]", {"1 -> 2"}},
                    {"a[1]", {"1 -> 2"}},
                    {"a[2]", {"1 -> 3"}},
                    {"a[3]", {"1 -> 2"}},
                    {"a[4]", {"9 -> 2"}}}) ==
          "a[0..1, 3] x3: 1 -> 2\na[2] x1: 1 -> 3\na[4] x1: 9 -> 2\n");
    CHECK(redacted({{"a[0]", {"5"}}, {"a[1]", {"6"}}, {"a[2]", {"6"}}}) ==
          "a[0] x1: 5\na[1] x1: 6\na[2] x1: 6\n");
    CHECK(redacted({{"a", {"x"}}, {"b", {"x"}}, {"c", {"x"}}}) == "a x1: x\nb x1: x\nc x1: x\n");
    CHECK(redacted({}).empty());
}

TEST_CASE("instances of modules are folded too, by the last key that differs") {
    CHECK(redacted({{"module.m[\"a\"].f", {"/a"}},
                    {"module.m[\"b\"].f", {"/b"}},
                    {"module.m[\"c\"].f", {"/c"}}}) ==
          "module.m[\"a\", \"b\", \"c\"].f x3: /{key}\n");
    CHECK(redacted({{"module.m[0].f[0]", {"x"}},
                    {"module.m[0].f[1]", {"x"}},
                    {"module.m[0].f[2]", {"x"}},
                    {"module.m[1].f[0]", {"x"}}}) ==
          "module.m[0].f[0..2] x3: x\nmodule.m[1].f[0] x1: x\n");
    CHECK(block_address("module.m[\"a.b\"].f[0]") == "module.m.f");
    CHECK(block_address("a") == "a");
}

TEST_CASE("many keys and many gaps are not all listed") {
    std::vector<Said> keys, gaps;
    for (int i = 0; i < 60; ++i) {
        keys.push_back({"a[\"node" + std::to_string(i) + "\"]", {"x"}});
        gaps.push_back({"a[" + std::to_string(2 * i) + "]", {"x"}});
    }
    CHECK(redacted(keys).find("more] x60") != std::string::npos);
    CHECK(redacted(keys).size() < 100);
    CHECK(redacted(gaps) == "a[0, 2, 4, ...] x60: x\n");
    CHECK(unfolded(keys).size() == 60);
}
