#include "cli/render/errors.h"
#include "cli/render/text.h"
#include "render_fixture.h"

#include <algorithm>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {
Sources sample_sources() {
    Sources sources;
    sources.add("hadeploy.yaml", "name: demo\nresources:\n\tnode:\n    memry: 1 GiB\n" +
                                     std::string("    long: ") + std::string(150, 'x') +
                                     " ${oops} " + std::string(50, 'y') + "\n");
    sources.add("../modules/app/module.yaml", "resources:\n  web: {type: tset.file}\n");
    return sources;
}

std::vector<Error> sample_errors() {
    std::vector<Error> errors;
    errors.push_back(Error(ErrorKind::unreachable, "no route to host").with_hint("is it on?"));
    errors.back().address = "node[\"b\"]";
    errors.push_back(Error(ErrorKind::spec, "there is no resource type \"tset.file\"", {2, 15, 1})
                         .with_hint("did you mean \"test.file\"?"));
    errors.push_back(
        Error(ErrorKind::spec, "unknown key \"memry\"", {4, 5, 0})
            .with_hint("did you mean \"memory\"?")
            .with_note("declared here", {2, 15, 1})
            .with_note("the console's last lines:\n[  1.0] panic\x1b[31m\n[  1.1] end"));
    errors.push_back(Error(ErrorKind::spec, "nothing here is called \"oops\"", {5, 164, 0}));
    errors.push_back(Error(ErrorKind::spec, "a tab in front", {3, 2, 0}));
    return errors;
}
} // namespace

TEST_CASE("errors show place, message and hint, sorted by place") {
    check_golden("tests/cli/golden/errors.txt",
                 render_errors(sample_errors(), sample_sources(), {}));
}

TEST_CASE("a single error has no count, none renders nothing, duplicates are shown once") {
    const Error error(ErrorKind::failed, "x");
    CHECK(render_errors({error}, {}, {}) == "error: x\n");
    CHECK(render_errors({error, error}, {}, {}) == "error: x\n");
    CHECK(render_errors({}, {}, {}).empty());
}

TEST_CASE("a host that does not answer is one error, however many resources it has") {
    std::vector<Error> errors;
    for (int i = 0; i < 9; ++i) {
        errors.push_back(
            Error(i == 8 ? ErrorKind::spec : ErrorKind::unreachable, "no answer").with_hint("on?"));
        errors.back().address = fmt::format("n{}", i);
    }
    errors[7].notes.push_back({"of its own"});
    CHECK(render_errors(errors, {}, {}) ==
          "error: no answer\n  resource: n0\n  also: n1, n2, n3, n4, n5 and 1 more\n"
          "  hint: on?\n\n"
          "error: no answer\n  resource: n7\n  note: of its own\n  hint: on?\n\n"
          "error: no answer\n  resource: n8\n  hint: on?\n\n3 errors\n");
    CHECK(errors_json(errors, {}).size() == 9);
}

TEST_CASE("an error of each instance of a block is one error") {
    std::vector<Error> errors;
    for (const auto& [address, loc] :
         {std::pair("a[\"x\"]", Loc{1, 1, 0}), {"a[\"y\"]", Loc{1, 1, 0}}, {"b", Loc{2, 1, 0}}}) {
        errors.push_back(Error(ErrorKind::spec, "no directory", loc));
        errors.back().address = address;
    }
    const std::string text = render_warnings(errors, sample_sources(), {});
    CHECK(text.find("resource: a[\"x\"]\n  also: a[\"y\"]\n") != text.npos);
    CHECK(text.ends_with("resource: b\n\n2 warnings\n"));
    CHECK(errors_json(errors, sample_sources()).size() == 3);
}

TEST_CASE("of many errors the first are shown, and all are counted") {
    std::vector<Error> errors;
    for (int i = 0; i < 20'000; ++i)
        errors.emplace_back(ErrorKind::spec, fmt::format("wrong {:05}", i));
    const std::string text = render_errors(errors, {}, {});
    CHECK(std::count(text.begin(), text.end(), '\n') == 20 * 2 + 1);
    CHECK(text.find("wrong 00019") != text.npos);
    CHECK(text.ends_with("\n20000 errors; the first 20 are shown, --json prints all\n"));
    CHECK(errors_json(errors, {}).size() == 20'000);
}

TEST_CASE("a place beyond the text is still shown") {
    CHECK(render_errors({Error(ErrorKind::spec, "x", {99, 7, 0})}, sample_sources(), {}) ==
          "hadeploy.yaml:99:7: error: x\n");
    CHECK(
        render_errors({Error(ErrorKind::spec, "x", {1, 900, 0})}, sample_sources(), {}).find('^') !=
        std::string::npos);
}

TEST_CASE("exit codes depend on the kind, and are 1 for mixed kinds") {
    CHECK(exit_code(ErrorKind::failed) == 1);
    CHECK(exit_code(ErrorKind::usage) == 64);
    CHECK(exit_code(ErrorKind::spec) == 65);
    CHECK(exit_code(ErrorKind::unreachable) == 69);
    CHECK(exit_code(ErrorKind::locked) == 75);
    CHECK(exit_code(std::vector<Error>{}) == 0);
    CHECK(exit_code({Error(ErrorKind::spec, "a"), Error(ErrorKind::spec, "b")}) == 65);
    CHECK(exit_code({Error(ErrorKind::spec, "a"), Error(ErrorKind::unreachable, "b")}) == 1);
}

TEST_CASE("an error as JSON has every key") {
    const auto json = error_json(sample_errors()[2], sample_sources());
    CHECK(json["kind"] == "spec");
    CHECK(json["place"]["file"] == "hadeploy.yaml");
    CHECK(json["place"]["line"] == 4);
    CHECK(json["notes"][0]["place"]["column"] == 15);
    CHECK(json["notes"][1]["place"].is_null());
    CHECK(error_json(sample_errors()[0], {})["place"].is_null());
}

TEST_CASE("texts are measured in columns and cut without breaking characters") {
    CHECK(printable("a\x1b\n\xFF\xE2\x80\xAE") == "a\\x1B\\n\\xFF\\u{202E}");
    CHECK(printable("a\nb\tc", true) == "a\nb    c");
    CHECK(columns_of("äb") == 2);
    CHECK(columns_of("日本") == 4);
    CHECK(columns_of("e\xCC\x81") == 1);
    CHECK(fit("abcdef", 6) == "abcdef");
    CHECK(fit("abcdefg", 6) == "abc...");
    CHECK(fit("日本語です", 6) == "日...");
    CHECK(fit("abcdef", 2) == "..");
    CHECK(pad("日", 4) == "日  ");
    CHECK(wrap("one two three\n\n  four five", 8) ==
          std::vector<std::string>{"one two", "three", "", "  four", "  five"});
    CHECK(show_elapsed(0) == "0.0s");
    CHECK(show_elapsed(9'999) == "9.9s");
    CHECK(show_elapsed(59'999) == "59s");
    CHECK(show_elapsed(187'000) == "3m07s");
    CHECK(show_elapsed(3'720'000) == "1h02m");
}
