#include "cli/render/report.h"
#include "render_fixture.h"

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {

/// A possible result of the mixed plan: the machine a took long, a file failed.
ApplyResult mixed_result() {
    ApplyResult result;
    const auto add = [&](StepResult what, std::int64_t from, std::int64_t to) {
        result.steps.push_back({what, from, to});
    };
    add(StepResult::done, 0, 40'000);           // node a
    add(StepResult::done, 0, 12'000);           // node b
    add(StepResult::done, 0, 3'000);            // node c
    add(StepResult::done, 40'000, 40'300);      // new, on a
    add(StepResult::failed, 3'000, 4'500);      // conf, on c
    add(StepResult::unchanged, 12'000, 12'100); // one, on b
    add(StepResult::done, 12'000, 15'000);      // two, on b
    add(StepResult::done, 0, 500);              // old
    add(StepResult::adopted, 0, 0);             // found
    add(StepResult::forgotten, 0, 0);           // lost
    result.errors.push_back(
        Error(ErrorKind::failed, "the disk of c is full").with_hint("make room"));
    result.errors.back().address = "module.app.file[\"conf\"]";
    result.outputs = Value::map({{"url", "http://10.0.0.1:5000/"}, {"n", 3}});
    return result;
}

} // namespace

TEST_CASE("the report shows changed resources, the critical path, failures and counts") {
    check_golden("tests/cli/golden/report.txt",
                 render_report(mixed_plan(), mixed_result(), 41'000, {}));
}

TEST_CASE("a successful run ends with its outputs and one line") {
    Plan plan;
    plan.steps.push_back(file_step("x", "a", Action::create));
    ApplyResult result;
    result.steps.push_back({StepResult::done, 0, 200});
    result.outputs =
        Value::map({{"url", "http://10.0.0.1:5000/"}, {"pass", Value("p").as_secret()}});
    CHECK(render_report(plan, result, 300, {}) == "  + module.app.file[\"x\"]  created    0.2s\n"
                                                  "\n"
                                                  "pass = (secret)\n"
                                                  "url  = http://10.0.0.1:5000/\n"
                                                  "\n"
                                                  "Done in 0.3s: 1 created.\n");
}

TEST_CASE("the report of an interrupted run lists steps not begun, and how to continue") {
    Plan plan;
    plan.steps = {file_step("x", "a", Action::create), file_step("y", "a", Action::create)};
    ApplyResult result;
    result.steps.resize(2);
    result.steps[0] = {StepResult::done, 0, 200};
    result.interrupted = true;
    const std::string text = render_report(plan, result, 300, {});
    CHECK(text.find("Interrupted after 0.3s: 1 created, 1 not begun.") != std::string::npos);
    CHECK(text.find("module.app.file[\"y\"]  not begun") != std::string::npos);
}

TEST_CASE("the report as JSON") {
    check_golden("tests/cli/golden/report.json",
                 report_json(mixed_plan(), mixed_result(), 41'000, {}).dump(2) + "\n");
}
