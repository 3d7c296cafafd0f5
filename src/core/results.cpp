#include "core/results.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace hadeploy {

namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 8> kActions{"adopt", "create", "update", "replace",
                                                   "read",  "remove", "forget", "refresh"};
constexpr std::array<std::string_view, 3> kChanges{"create", "update", "remove"};
constexpr std::array<std::string_view, 11> kStepResults{
    "",     "done",      "changed",   "adopted", "read",   "unchanged",
    "kept", "forgotten", "refreshed", "failed",  "skipped"};
constexpr std::array<std::string_view, 4> kRunResults{"", "done", "failed", "interrupted"};

static_assert(kActions[static_cast<std::size_t>(Action::refresh)] == "refresh");
static_assert(kChanges[static_cast<std::size_t>(ChangeKind::remove)] == "remove");
static_assert(kStepResults[static_cast<std::size_t>(StepResult::skipped)] == "skipped");
static_assert(kRunResults[static_cast<std::size_t>(RunResult::interrupted)] == "interrupted");

template<class Enum, std::size_t N>
std::optional<Enum> find_named(const std::array<std::string_view, N>& names,
                               std::string_view name) {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) return std::nullopt;
    return static_cast<Enum>(std::distance(names.begin(), it));
}

} // namespace

std::string_view action_name(Action action) {
    return kActions[static_cast<std::size_t>(action)];
}
std::string_view change_name(ChangeKind kind) {
    return kChanges[static_cast<std::size_t>(kind)];
}
std::string_view step_result_name(StepResult result) {
    return kStepResults[static_cast<std::size_t>(result)];
}
std::string_view run_result_name(RunResult result) {
    return kRunResults[static_cast<std::size_t>(result)];
}

std::optional<Action> action_named(std::string_view name) {
    return find_named<Action>(kActions, name);
}
std::optional<ChangeKind> change_named(std::string_view name) {
    return find_named<ChangeKind>(kChanges, name);
}
std::optional<StepResult> step_result_named(std::string_view name) {
    return find_named<StepResult>(kStepResults, name);
}
std::optional<RunResult> run_result_named(std::string_view name) {
    return find_named<RunResult>(kRunResults, name);
}

} // namespace hadeploy
