// The state contains these names, and programs read them: they must not change.
#include "core/results.h"

#include <doctest/doctest.h>
#include <string>

using namespace hadeploy;

namespace {

/// The names of all values, in order. Each leads back to its value.
template<class Enum, class Name, class Named>
std::string names_up_to(Enum last, Name name, Named named) {
    std::string out;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        const auto value = static_cast<Enum>(i);
        CHECK(named(name(value)) == value);
        out += (i == 0 ? "" : " ") + std::string(name(value));
    }
    CHECK_FALSE(named("nonsense").has_value());
    return out;
}

} // namespace

TEST_CASE("actions, changes and results have fixed names") {
    CHECK(names_up_to(Action::refresh, action_name, action_named) ==
          "adopt create update replace read remove forget refresh");
    CHECK(names_up_to(ChangeKind::remove, change_name, change_named) == "create update remove");
    CHECK(names_up_to(StepResult::skipped, step_result_name, step_result_named) ==
          " done changed adopted read unchanged kept forgotten refreshed failed skipped");
    CHECK(names_up_to(RunResult::interrupted, run_result_name, run_result_named) ==
          " done failed interrupted");
    CHECK(action_name(Action::forget) == "forget");
    CHECK(change_name(ChangeKind::create) == "create");
    CHECK(step_result_name(StepResult::kept) == "kept");
    CHECK(run_result_name(RunResult::failed) == "failed");
}
