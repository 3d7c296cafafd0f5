#include "lab.h"

using namespace hadeploy;

namespace {
std::string spec(const char* input, int round) {
    return fmt::format(R"(name: t
resources:
  release: {{type: local.value, input: {}, triggers: {}}}
  file: {{type: local.file, path: f, content: "${{release.output.image}} ${{release.id}}"}}
  along: {{type: local.value, input: x, lifecycle: {{replace_triggered_by: [release]}}}}
)",
                       input, round);
}
} // namespace

TEST_CASE("a value is kept, updated in place, and replaced when its triggers change") {
    Lab lab;
    const std::string one = spec("{image: app-1, count: 3}", 1);
    const Lab::Run first = lab.apply(one);
    CHECK(first.plan == "create release; create along; create file");
    REQUIRE_MESSAGE(first.ok(), errors_of(first));
    const std::string id = lab.recorded("release").text("id");
    CHECK(lab.text("f") == "app-1 " + id);
    CHECK(lab.recorded("release")["output"]["count"] == Value(3));
    CHECK(lab.plan(one).plan == "");

    // another value with the same id; the plan knows what depends on it
    const std::string two = spec("{image: app-2, count: 3}", 1);
    const Lab::Run second = lab.apply(two);
    CHECK(second.plan ==
          "update release (input,output); replace along; update file (content,sha256)");
    REQUIRE_MESSAGE(second.ok(), errors_of(second));
    CHECK(lab.recorded("release").text("id") == id);
    CHECK(lab.text("f") == "app-2 " + id);

    const std::string anew = spec("{image: app-2, count: 3}", 2);
    const Lab::Run third = lab.apply(anew);
    REQUIRE_MESSAGE(third.ok(), errors_of(third));
    CHECK(lab.recorded("release").text("id") != id);
    CHECK(lab.plan(anew).plan == "");
    CHECK(lab.destroy(anew).ok());
    CHECK(lab.rows.empty());
}

TEST_CASE("the output of a value is as secret as its input, part by part, but its id is not") {
    const auto spec = [](const char* open) {
        return fmt::format(R"(name: t
variables: {{s: {{type: string, secret: true, default: abcdefgh}}}}
resources:
  c: {{type: random.id}}
  v:
    type: local.value
    input: {{open: {}, later: "${{c.hex}}", secret: "${{var.s}}", list: [1, "${{var.s}}"]}}
  w: {{type: local.value, input: {{"${{var.s}}": 1}}}}
outputs:
  id: ${{v.id}}
  open: ${{v.output.open}}
  later: ${{v.output.later}}
  hidden: ${{v.output.secret}}
  w: ${{w.output}}
  wid: ${{w.id}}
)",
                           open);
    };
    Lab lab;
    for (const char* open : {"one", "two"}) {
        const Lab::Run run = lab.apply(spec(open));
        REQUIRE_MESSAGE(run.ok(), errors_of(run));
        REQUIRE_MESSAGE(!run.steps.steps.empty(), run.plan);
        for (const Value* outputs : {&run.steps.outputs, &run.result.outputs}) {
            for (const char* name : {"id", "open", "later", "wid"})
                CHECK_FALSE((*outputs)[name].contains_secret());
            for (const char* name : {"hidden", "w"}) CHECK((*outputs)[name].secret());
        }
        CHECK(run.result.outputs["open"] == Value(open));
        const Value kept = lab.recorded("v");
        CHECK_FALSE(kept["id"].secret());
        CHECK_FALSE(kept["output"].secret());
        CHECK_FALSE(kept["output"]["open"].secret());
        CHECK(kept["output"]["secret"].secret());
        CHECK(kept["output"]["list"].as_list()[1].secret());
        CHECK(lab.recorded("w")["output"].secret());
    }
}
