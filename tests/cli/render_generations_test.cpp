#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "support/fake_world.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace hadeploy;

TEST_CASE("create_before_destroy and imports are shown") {
    const fake::Thing type;
    Plan plan;
    plan.steps = {{.address = "a",
                   .action = Action::replace,
                   .type = &type,
                   .reason = "size can't be changed in place",
                   .create_first = true},
                  {.address = "a#1",
                   .action = Action::remove,
                   .type = &type,
                   .reason = "replaced by a new a"},
                  {.address = "b",
                   .action = Action::adopt,
                   .type = &type,
                   .reason = "it exists and matches the spec",
                   .verb = "import"}};
    CHECK(cli::render_plan(plan, cli::Style{}) ==
          "+/- a  fake.thing  replace: size can't be changed in place\n"
          "  = b  fake.thing  import: it exists and matches the spec\n"
          "  - a#1  fake.thing  remove: replaced by a new a\n"
          "\n"
          "Plan: 1 to replace, 1 to remove, 1 to import\n");
    const nlohmann::json json = cli::plan_json(plan);
    CHECK(json["steps"][0]["create_before_destroy"] == true);
    CHECK_FALSE(json["steps"][1].contains("create_before_destroy"));
    CHECK(json["steps"][2]["verb"] == "import");
}
