#include "planner/spec/local_paths.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
const Schema& schema() {
    static const Schema all{
        {.name = "path", .type = TypeKind::local_path},
        {.name = "remote", .type = TypeKind::path},
        {.name = "text", .type = TypeKind::string},
        {.name = "several", .type = list_of(TypeKind::local_path)},
        {.name = "by_name",
         .type = map_of(object_of({{.name = "file", .type = TypeKind::local_path},
                                   {.name = "why", .type = TypeKind::string}}))},
        {.name = "host", .type = TypeKind::connection}};
    return all;
}

Value config(const std::string& home) {
    const Value key = Value::map({{"address", "a"}, {"private_key_file", home + "/.hadeploy/key"}});
    return Value::map(
        {{"path", home + "/out/x"},
         {"remote", home + "/out/x"},
         {"text", home + "/out/x"},
         {"several", Value::list({home, home + "/a", home + "er/a", "/etc/x"})},
         {"by_name", Value::map({{"b", Value::map({{"file", home + "/b"}, {"why", home}})}})},
         {"host", key.with("jump_host", key)}});
}
} // namespace

TEST_CASE("local paths in the project are recorded relative to it, nothing else is") {
    const Value kept = with_paths_in(schema(), config("/srv/one"), "/srv/one");
    CHECK(kept["path"] == Value("out/x"));
    CHECK(kept["remote"] == Value("/srv/one/out/x")); // a path on a host
    CHECK(kept["text"] == Value("/srv/one/out/x"));   // could be anything
    CHECK(kept["several"] == Value::list({".", "a", "/srv/oneer/a", "/etc/x"}));
    CHECK(with_paths_in(schema(), Value::map({{"path", "/srv/one/"}}), "/srv/one")["path"] ==
          Value(".")); // in older records
    CHECK(kept["by_name"]["b"] == Value::map({{"file", "b"}, {"why", "/srv/one"}}));
    CHECK(kept["host"]["jump_host"]["private_key_file"] == Value(".hadeploy/key"));
}

TEST_CASE("recorded paths move with the project") {
    const Value kept = with_paths_in(schema(), config("/srv/one"), "/srv/one");
    CHECK(with_whole_paths(schema(), kept, "/srv/one") == config("/srv/one"));
    const Value copy = with_whole_paths(schema(), kept, "/srv/two");
    CHECK(copy["path"] == Value("/srv/two/out/x"));
    CHECK(copy["several"] == Value::list({"/srv/two", "/srv/two/a", "/srv/oneer/a", "/etc/x"}));
    // the records of older versions are absolute, and stay unchanged
    CHECK(with_whole_paths(schema(), config("/srv/one"), "/srv/two") == config("/srv/one"));
}

TEST_CASE("secret and unknown paths stay secret and unknown") {
    const Value given =
        Value::map({{"path", Value("/srv/one/x").as_secret()}, {"host", Value::unknown()}});
    const Value kept = with_paths_in(schema(), given, "/srv/one");
    CHECK(kept["path"] == Value("x"));
    CHECK(kept["path"].secret());
    CHECK(kept["host"].is_unknown());
    CHECK(with_paths_in(schema(), Value::unknown(), "/srv/one").is_unknown());
}
