#include "lab.h"
#include "planner/plan/generations.h"
#include "providers/local/random.h"

#include <algorithm>
#include <set>

using namespace hadeploy;

namespace {
std::size_t count_of(const std::string& text, const std::string& characters) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [&](char c) { return characters.find(c) != std::string::npos; }));
}

constexpr const char* kAll = R"(
name: t
resources:
  password: {type: random.password, length: 40, min_digits: 5, min_special: 3, override_special: "-_", upper: false}
  id: {type: random.id, bytes: 5}
  number: {type: random.integer, min: -2, max: 2, keepers: {a: 1}}
  uuid: {type: random.uuid}
outputs: {password: "${password.result}", id: "${id.hex}"}
)";
} // namespace

TEST_CASE("random values are generated once and kept") {
    Lab lab;
    const Lab::Run first = lab.apply(kAll);
    REQUIRE(first.ok());
    const Value password = lab.recorded("password")["result"];
    CHECK(password.secret());
    CHECK(first.result.outputs["password"].secret());
    CHECK_FALSE(first.result.outputs["id"].secret());
    const std::string& text = password.as_string();
    CHECK(text.size() == 40);
    CHECK(count_of(text, "0123456789") >= 5);
    CHECK(count_of(text, "-_") >= 3);
    CHECK(count_of(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == 40);
    const std::int64_t number = lab.recorded("number").integer("result", 99);
    CHECK((number >= -2 && number <= 2));
    CHECK(lab.recorded("id").text("hex").size() == 10);
    CHECK(lab.recorded("id").text("base64url").size() == 7);
    CHECK(lab.recorded("uuid").text("result").size() == 36);

    CHECK(lab.apply(kAll).plan == "");
    CHECK(lab.recorded("password")["result"] == password);
    CHECK(lab.destroy(kAll).ok());
    CHECK(lab.rows.empty());
}

TEST_CASE("secret keepers do not make random values secret, secret limits make a number secret") {
    const char* spec = R"(name: t
variables:
  s: {type: string, secret: true, default: abcdefgh}
  n: {type: integer, secret: true, default: 9}
resources:
  id: {type: random.id, keepers: {a: "${var.s}"}}
  uuid: {type: random.uuid, keepers: {a: "${var.s}"}}
  open: {type: random.integer, min: 1, max: 2, keepers: {a: "${var.s}"}}
  hidden: {type: random.integer, min: 1, max: "${var.n}"}
  file: {type: local.file, path: f, content: x, mode: "${sensitive('0600')}"}
  other: {type: local.file, path: g, content: "${var.s}"}
outputs:
  id: ${id.hex}
  uuid: ${uuid.result}
  open: ${open.result}
  hidden: ${hidden.result}
  sum: ${file.sha256}
  other: ${other.sha256}
)";
    Lab lab;
    const Lab::Run run = lab.apply(spec);
    REQUIRE_MESSAGE(run.ok(), errors_of(run));
    for (const Value* outputs : {&run.steps.outputs, &run.result.outputs}) {
        for (const char* name : {"id", "uuid", "open", "sum"})
            CHECK_FALSE((*outputs)[name].contains_secret());
        for (const char* name : {"hidden", "other"}) CHECK((*outputs)[name].secret());
    }
}

TEST_CASE("a change of length or keepers generates another value") {
    Lab lab;
    const auto spec = [](const char* keepers) {
        return fmt::format("name: t\nresources:\n  p: {{type: random.password, keepers: {}}}\n"
                           "  f: {{type: local.file, path: f, content: \"${{p.result}}\"}}\n",
                           keepers);
    };
    REQUIRE(lab.apply(spec("{a: 1}")).ok());
    const std::string before = lab.text("f");
    CHECK(lab.plan(spec("{a: 1}")).plan == "");
    CHECK(lab.apply(spec("{a: 2}")).plan == "replace p (keepers); update f (content)");
    CHECK(lab.text("f") == lab.recorded("p").text("result"));
    CHECK(lab.text("f") != before);
    CHECK(lab.plan(spec("{a: 2}")).plan == "");
    CHECK(lab.plan("name: t\nresources: {p: {type: random.password}}\n")
              .plan.starts_with("replace p (keepers)"));
}

TEST_CASE("invalid password configurations") {
    Lab lab;
    const auto error = [&](const char* attributes) {
        return lab
            .plan(fmt::format("name: t\nresources: {{p: {{type: random.password, {}}}}}\n",
                              attributes))
            .plan;
    };
    CHECK(error("length: 3, min_upper: 2, min_digits: 2") ==
          "the minimums add up to 4 characters, but length is 3; ");
    CHECK(error("upper: false, lower: false, digits: false, special: false") ==
          "the password has no characters to choose from; ");
    CHECK(error("special: false, min_special: 1") ==
          "min_special conflicts with `special: false`; ");
    CHECK(error("override_special: \"a b\"") ==
          "override_special needs printable ASCII characters, without spaces; ");
    CHECK(error("length: 0") == "p: length: 0 is below the minimum of 1; ");
    CHECK(lab.plan("name: t\nresources: {n: {type: random.integer, min: 3, max: 2}}\n").plan ==
          "min (3) is greater than max (2); ");
}

TEST_CASE("random_below returns all numbers below the limit, and no others") {
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 2000; ++i) seen.insert(local::random_below(7));
    CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
    CHECK(local::random_below(1) == 0);
    std::string text = "abcdefgh";
    local::shuffle(text);
    std::sort(text.begin(), text.end());
    CHECK(text == "abcdefgh");
}

TEST_CASE("bytes as one decimal number") {
    CHECK(local::decimal("") == "0");
    CHECK(local::decimal(std::string_view("\0\0", 2)) == "0");
    CHECK(local::decimal("\x01") == "1");
    CHECK(local::decimal(std::string_view("\x01\x00", 2)) == "256");
    CHECK(local::decimal("\xff\xff\xff\xff\xff\xff\xff\xff") == "18446744073709551615");
    CHECK(local::decimal("\x0f\xbe\xef") == "1031919");
}

TEST_CASE("a later failure does not generate a value again") {
    Lab lab;
    lab.world.broken = {"x"};
    const std::string spec = R"(
name: t
resources:
  p: {type: random.password}
  x: {type: fake.thing, name: x, secret: "${p.result}"}
)";
    CHECK_FALSE(lab.apply(spec).ok());
    const Value password = lab.recorded("p")["result"];
    REQUIRE(password.is_string());
    lab.world.broken.clear();
    CHECK(lab.apply(spec).plan == "create x");
    CHECK(lab.recorded("p")["result"] == password);
}

TEST_CASE("a run interrupted before a value was recorded: the next one generates it") {
    const std::string spec = "name: t\nresources: {p: {type: random.password}}\n";
    Lab lab;
    REQUIRE(lab.plan(spec).plan == "create p");
    {
        const auto store = Store::open(lab.directory / "state.db", Store::Mode::read_write, "test");
        store->lock("test", 0);
        std::vector<Intent> begun{{.run = store->begin_run("apply", {}),
                                   .address = "p",
                                   .type = "random.password",
                                   .action = ChangeKind::create,
                                   .identity = identity_of(store->lineage(), "p", 1),
                                   .config = Value::map({{"length", 24}})}};
        store->begin(begun);
    }
    CHECK(lab.apply(spec).plan == "create p");
    CHECK(lab.recorded("p")["result"].is_string());
    CHECK(lab.plan(spec).plan == "");
}
