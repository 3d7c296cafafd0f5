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

TEST_CASE("history: who started a run") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    std::vector<Run> runs{run_of(1, "apply", RunResult::done, "{}"),
                          run_of(2, "apply", RunResult::done, "{}"),
                          run_of(3, "apply", RunResult::done, "{}")};
    const std::string id(40, 'a');
    runs[1].spec = Value::map(
        {{"origin", Value::map({{"user", "ann"},
                                {"host", "lap\ntop"},
                                {"commit", Value::map({{"id", id}, {"changed", true}})}})},
         {"plan", "+ web  create\n"}});
    runs[2].spec = Value::map({{"origin", Value::map({{"user", "ci"},
                                                      {"host", "h"},
                                                      {"ci", Value::map({{"system", "GitLab CI"},
                                                                         {"job", "deploy"},
                                                                         {"url", "https://x/1"},
                                                                         {"user", "bob"}})}})}})
                       .as_secret();
    CHECK(render_history(runs, Style{}) ==
          "1  2023-11-14 22:14:20  apply                            done\n"
          "2  2023-11-14 22:15:20  apply  ann@lap\\ntop aaaaaaaaaa+  done\n"
          "3  2023-11-14 22:16:20  apply  GitLab CI                 done\n");
    CHECK_FALSE(run_json(runs[0]).contains("origin"));
    CHECK(run_json(runs[1])["origin"]["commit"]["changed"] == true);
    CHECK(run_json(runs[2])["origin"]["ci"]["job"] == "deploy");
    CHECK(render_run(runs[1],
                     {{.address = "web",
                       .action = Action::create,
                       .started_ms = 1000,
                       .ended_ms = 3000,
                       .result = StepResult::done}},
                     Style{}) == "Run 2: apply\n"
                                 "  started  2023-11-14 22:15:20, took 1.0s\n"
                                 "  result   done\n"
                                 "  by       ann on lap\\ntop\n"
                                 "  commit   " +
                                     id +
                                     ", with uncommitted changes\n"
                                     "\nThe plan was:\n\n+ web  create\n"
                                     "\nThe steps were:\n\n"
                                     "  create   web    2.0s  done\n");
    CHECK(render_run(runs[0], {}, Style{}) ==
          "Run 1: apply\n  started  2023-11-14 22:14:20, took 1.0s\n  result   done\n");
}
