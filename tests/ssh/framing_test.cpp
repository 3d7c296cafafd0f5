#include "providers/ssh/framing.h"

#include "core/process.h"
#include "providers/ssh/place.h"
#include "providers/ssh/ssh_type.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>
#include <vector>

using namespace hadeploy;
using namespace hadeploy::ssh;

namespace {
struct Answers {
    std::vector<SectionResult> sections;
    bool started = false, complete = false;
    std::string stray;
};

/// Parses two streams in pieces of `step` bytes.
Answers read(const std::string& boundary, std::string_view out, std::string_view err,
             std::size_t step = 4096) {
    Answers answers;
    Frames frames(boundary, [&](std::size_t index, SectionResult result) {
        CHECK(index == answers.sections.size());
        answers.sections.push_back(std::move(result));
    });
    for (std::size_t i = 0; i < std::max(out.size(), err.size()); i += step) {
        if (i < out.size()) frames.out(out.substr(i, step));
        if (i < err.size()) frames.err(err.substr(i, step));
    }
    answers.started = frames.started();
    answers.complete = frames.complete();
    answers.stray = frames.stray();
    CHECK(frames.finished() == answers.sections.size());
    return answers;
}

Answers run_composed(const std::vector<Section>& sections, std::string_view preamble = "") {
    const std::string boundary = make_boundary();
    const ProcessResult result =
        run_process({.argv = {"sh"}, .input = compose(sections, boundary, preamble)});
    return read(boundary, result.out, result.err);
}
} // namespace

TEST_CASE("sections answer with their own output, errors and status") {
    const Answers a =
        run_composed({{.script = "echo one; echo oops >&2; exit 3", .strict = false},
                      {.script = "printf 'no line end'", .strict = false},
                      {.script = "", .strict = false},
                      {.script = "printf '\\n\\nblank lines stay\\n\\n'", .strict = false}});
    REQUIRE(a.sections.size() == 4);
    CHECK(a.complete);
    CHECK(a.sections[0].out == "one\n");
    CHECK(a.sections[0].err == "oops\n");
    CHECK(a.sections[0].status == 3);
    CHECK(a.sections[1].out == "no line end");
    CHECK(a.sections[2].out.empty());
    CHECK(a.sections[3].out == "\n\nblank lines stay\n\n");
}

TEST_CASE("a section over its time limit is killed with all processes that it started") {
    const std::chrono::milliseconds second(1000), hour(3'600'000);
    const Answers a = run_composed(
        {{.script = "cat; sleep 600 & echo $!; wait", .input = "it's read\n", .ends_after = second},
         {.script = "echo never"}});
    CHECK(a.complete);
    REQUIRE(a.sections.size() == 1);
    CHECK(a.sections[0].status == 124);
    CHECK(a.sections[0].err == "it took longer than 1 s and was killed\n");
    REQUIRE(a.sections[0].out.starts_with("it's read\n"));
    std::string child = a.sections[0].out.substr(10);
    child.pop_back();
    // it was signalled together with its parent, and may take a moment to die; of a zombie only the
    // process id is left
    const ProcessResult gone = run_process(
        {.argv =
             {"sh", "-c",
              "while [ -n \"$(tr -d '\\0' </proc/$0/cmdline 2>/dev/null)\" ]; do sleep 0.1; done",
              child},
         .timeout = std::chrono::seconds(30)});
    CHECK(gone.status == 0);

    const Answers in_time = run_composed(
        {{.script = "[ ! -e /dev/fd/4 ]; hadeploy_cd / / && echo \"here 'it' is\"; env | grep -c "
                    "^hadeploy || :",
          .ends_after = hour},
         {.script = "cat", .input = std::string(60'000, 'z'), .ends_after = hour},
         {.script = "cat", .ends_after = hour},
         {.script = "false; echo not reached", .ends_after = hour}});
    REQUIRE(in_time.sections.size() == 4);
    CHECK(in_time.sections[0].out == "here 'it' is\n0\n");
    CHECK(in_time.sections[1].out == std::string(60'000, 'z'));
    CHECK(in_time.sections[2].out.empty());
    CHECK(in_time.sections[3].status == 1);
    CHECK(in_time.sections[3].out.empty());
    CHECK(run_composed({{.script = "if then", .ends_after = hour}}).sections.at(0).status == 2);
}

TEST_CASE("a section cannot disturb the ones after it") {
    const Answers a =
        run_composed({{.script = "cd /tmp; x=1; set -- a b; exit 0", .strict = false},
                      {.script = "pwd; echo ${x-unset} $#", .strict = false},
                      {.script = "echo \"unbalanced", .strict = false},
                      {.script = "cat; echo read nothing", .strict = false},
                      {.script = "kill -9 $(exec sh -c 'echo $PPID')", .strict = false},
                      {.script = "if then", .strict = false},
                      {.script = "echo still here", .strict = false}});
    REQUIRE(a.sections.size() == 7);
    CHECK(a.complete);
    CHECK(a.sections[1].out == "/\nunset 0\n");
    CHECK(a.sections[2].status != 0);
    CHECK(a.sections[3].out == "read nothing\n");
    CHECK(a.sections[4].status != 0);
    CHECK(a.sections[5].status != 0);
    CHECK(a.sections[6].out == "still here\n");
}

TEST_CASE("no section starts after a failed change, and this is reported") {
    const Answers a = run_composed({{.script = "echo first"},
                                    {.script = "false; echo set -e did not hold"},
                                    {.script = "echo never"}});
    REQUIRE(a.sections.size() == 2);
    CHECK(a.complete);
    CHECK(a.sections[1].status == 1);
    CHECK(a.sections[1].out.empty());
    CHECK(run_composed({{.script = "echo $undefined_variable"}}).sections[0].status != 0);
}

TEST_CASE("input reaches its section byte by byte") {
    const std::string input = "it's\n$HOME `id` \\n \"x\"\nno line end \xff\x01";
    const Answers a = run_composed({{.script = "cat", .input = input},
                                    {.script = "cat", .input = std::string(60'000, 'x')},
                                    {.script = "exit 4", .input = "unread"}});
    REQUIRE(a.sections.size() == 3);
    CHECK(a.sections[0].out == input);
    CHECK(a.sections[1].out.size() == 60'000);
    CHECK(a.sections[2].status == 4);
}

TEST_CASE("the preamble applies to all sections") {
    const Answers a =
        run_composed({{.script = "echo $greeting", .strict = false}}, "greeting=hello\n");
    CHECK(a.sections[0].out == "hello\n");
}

TEST_CASE("pieces of any size give the same answer") {
    const std::string out = "Welcome!\n\nB start 0\nfirst\n\nB 0 0\nsecond\nB 1 7\n\nB end 0\n";
    const std::string err = "motd\nB start 0\n\nB 0 0\nbad\n\nB 1 7\n\nB end 0\n";
    for (std::size_t step = 1; step <= out.size(); ++step) {
        const Answers a = read("B", out, err, step);
        REQUIRE(a.sections.size() == 2);
        CHECK(a.complete);
        CHECK(a.sections[0].out == "first\n");
        CHECK(a.sections[1].out == "second");
        CHECK(a.sections[1].err == "bad\n");
        CHECK(a.sections[1].status == 7);
    }
}

TEST_CASE("output truncated at any byte is never complete") {
    const std::string out = "\nB start 0\nfirst\n\nB 0 0\nsecond\n\nB 1 0\n\nB end 0\n";
    const std::string err = "\nB start 0\n\nB 0 0\n\nB 1 0\n\nB end 0\n";
    for (std::size_t size = 0; size < out.size(); ++size) {
        const Answers a = read("B", std::string_view(out).substr(0, size), err);
        CHECK(!a.complete);
        for (const SectionResult& section : a.sections)
            CHECK((section.out == "first\n" || section.out == "second\n"));
    }
    CHECK(!read("B", out, err.substr(0, err.size() - 1)).complete);
}

TEST_CASE("output instead of an answer is kept") {
    const Answers refused = read("B", "", "sudo: a password is required\n");
    CHECK(!refused.started);
    CHECK(refused.stray == "sudo: a password is required\n");
}

// Not sent by a real host, but possible with a broken network or a hostile host: the parser must
// not crash, report a section twice or out of order, or report a truncated answer as complete.
TEST_CASE("truncated, repeated and interleaved pieces") {
    std::mt19937 random(1);
    const auto below = [&](std::size_t n) { return random() % n; };
    const std::string whole =
        "\nB start boot 7\nfirst\n\nB 0 0\nsecond\n\nB 1 0\nthird\n\nB 2 0\n\nB end 0\n";
    int refused = 0, complete = 0;
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < whole.size();) {
            const std::size_t size = 1 + below(12);
            pieces.push_back(whole.substr(at, size));
            at += size;
        }
        const bool disturbed = round % 3 != 0;
        const std::size_t all = pieces.size();
        const std::size_t keep = round % 3 == 1 ? all : below(all + 1);
        pieces.resize(keep);
        for (std::size_t i = disturbed ? 1 + below(3) : 0; i > 0 && !pieces.empty(); --i) {
            const std::size_t from = below(pieces.size()), to = below(pieces.size());
            if (below(2) == 0)
                std::swap(pieces[from], pieces[to]);
            else
                pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(to), pieces[from]);
        }
        std::vector<std::string> bodies;
        Frames frames("B", [&](std::size_t index, const SectionResult& result) {
            REQUIRE(index == bodies.size());
            bodies.push_back(result.out);
        });
        frames.err("\nB start boot 7\n\nB 0 0\n\nB 1 0\n\nB 2 0\n\nB end 0\n");
        try {
            for (const std::string& piece : pieces) frames.out(piece);
        } catch (const Error& error) {
            REQUIRE(error.message.find("out of order") != std::string::npos);
            ++refused;
        }
        REQUIRE(frames.finished() == bodies.size());
        REQUIRE(bodies.size() <= 3);
        complete += frames.complete();
        if (disturbed) continue;
        const std::vector<std::string> honest{"first\n", "second\n", "third\n"};
        REQUIRE(std::equal(bodies.begin(), bodies.end(), honest.begin()));
        REQUIRE(frames.complete() == (keep == all));
    }
    CHECK(refused > 100);
    CHECK(complete > 100);
}

TEST_CASE("messages of a script that does not run") {
    Frames frames("B", [](std::size_t, const SectionResult&) { FAIL("no section has ended"); });
    frames.out("\nB busy 4711\n\nB 12x 0\n");
    frames.err("\nB busy 4711\n\nB 1\n\nB  \n");
    CHECK(frames.notice() == "12x 0");
    CHECK(!frames.started());
    CHECK(!frames.complete());
}

TEST_CASE("marks cost no process") {
    // Starting a program costs tens of milliseconds on an emulated guest.
    std::vector<Section> sections(40, {.script = ":", .strict = false});
    std::string script = compose(sections, "B");
    script.erase(script.find(place_functions()), place_functions().size());
    CHECK(script.find("$(") == std::string::npos);
    CHECK(script.find('`') == std::string::npos);
    CHECK(script.find("mktemp") == std::string::npos);
}

TEST_CASE("a script that reads the exec's own input") {
    const std::string boundary = make_boundary();
    const std::string script = compose_streaming({.script = "wc -c; echo done"}, boundary);
    std::string data(300'000, '\0');
    const ProcessResult result = run_process(
        {.argv = {"sh", "-c", "eval \"$(head -c " + std::to_string(script.size()) + ")\""},
         .input = script + data});
    const Answers a = read(boundary, result.out, result.err);
    REQUIRE(a.sections.size() == 1);
    CHECK(a.complete);
    CHECK(a.sections[0].out == "300000\ndone\n");
}

TEST_CASE("shell_quote preserves any text") {
    for (const std::string text :
         {"", "plain", "it's", "'", "''", "$(x) `y` \\ \"", "a\nb\n", "-n", "*"}) {
        const ProcessResult result =
            run_process({.argv = {"sh"}, .input = "printf %s " + shell_quote(text)});
        CHECK(result.out == text);
    }
    CHECK_THROWS_AS(shell_quote(std::string("a\0b", 3)), Error);
}
