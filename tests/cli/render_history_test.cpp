#include "cli/render/history.h"

#include <cstdlib>
#include <ctime>
#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::cli;

namespace {
Run run_of(std::int64_t id, const std::string& command, RunResult result,
           const std::string& summary) {
    Run run;
    run.id = id;
    run.command = command;
    run.started_ms = 1'700'000'000'000 + id * 60'000;
    run.ended_ms = result == RunResult::not_ended ? 0 : run.started_ms + 1'000;
    run.result = result;
    run.summary = summary;
    return run;
}
} // namespace

TEST_CASE("history: one line per run") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const std::vector<Run> runs{
        run_of(9, "apply", RunResult::done, R"({"counts":{"created":3,"changed":0,"failed":0}})"),
        run_of(10, "rollback 9", RunResult::failed,
               R"({"counts":{"failed":1,"created":2,"skipped":4}})"),
        run_of(11, "destroy", RunResult::not_ended, "")};
    CHECK(render_history(runs, Style{}) ==
          " 9  2023-11-14 22:22:20  apply       done         3 created\n"
          "10  2023-11-14 22:23:20  rollback 9  failed       2 created, 1 failed, 4 skipped\n"
          "11  2023-11-14 22:24:20  destroy     not ended\n");
    CHECK(render_history({}, Style{}) == "Nothing has been applied yet.\n");
    const auto json = run_json(runs[1]);
    CHECK(json["run"] == 10);
    CHECK(json["counts"]["skipped"] == 4);
    CHECK(run_json(runs[2])["counts"].empty());
}
