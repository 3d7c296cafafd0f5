#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hadeploy {

/// What a step does.
enum class Action : std::uint8_t {
    adopt, ///< the object matches the spec, and is only recorded
    create,
    update,
    replace, ///< remove the object, then create it (but see Step::create_first)
    read, ///< the object cannot be read yet: it is read when its machine is up, and repaired if it
          ///< differs; a data source is read when its dependencies exist
    remove,
    forget,  ///< only the record is removed: the object is gone, or disappears with its machine
    refresh, ///< the record is updated to the observed object
};

/// Whether the action changes a real object.
enum class ChangeKind : std::uint8_t { create, update, remove };

/// How a step of a run ended.
enum class StepResult : std::uint8_t {
    not_begun,
    done,
    changed, ///< updated in place, where a replacement was planned
    adopted,
    read,
    unchanged,
    kept,
    forgotten,
    refreshed,
    failed,
    skipped,
};

/// How a run ended.
enum class RunResult : std::uint8_t {
    not_ended, ///< the run is active, or was killed
    done,
    failed,
    interrupted,
};

/// The names that are used in the state and in output for programs. They equal the names of the
/// enumerators, except that not_begun and not_ended are "".
std::string_view action_name(Action action);
std::string_view change_name(ChangeKind kind);
std::string_view step_result_name(StepResult result);
std::string_view run_result_name(RunResult result);

/// The enumerator with this name; nullopt if there is none.
std::optional<Action> action_named(std::string_view name);
std::optional<ChangeKind> change_named(std::string_view name);
std::optional<StepResult> step_result_named(std::string_view name);
std::optional<RunResult> run_result_named(std::string_view name);

} // namespace hadeploy
