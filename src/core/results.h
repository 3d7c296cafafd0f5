#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hadeploy {

/// What a step does.
enum class Action : std::uint8_t {
    adopt, ///< the object matches the spec: only recorded
    create,
    update,
    replace, ///< remove, then create (see Step::create_first)
    read,    ///< cannot be read yet: read when its machine is up, and repaired if it differs; of a
             ///< data source: read when its dependencies exist
    remove,
    forget,  ///< no outside change: the object is gone, or disappears with its machine
    refresh, ///< its record is updated to the observed object
};

/// A change of a real object.
enum class ChangeKind : std::uint8_t { create, update, remove };

/// How a step of a run ended.
enum class StepResult : std::uint8_t {
    not_begun,
    done,
    changed, ///< in place, where a replacement was planned
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
    not_ended, ///< it is active, or was killed
    done,
    failed,
    interrupted,
};

/// The names, in the state and for programs that read the output: those of the enumerators, but ""
/// for not_begun and not_ended.
std::string_view action_name(Action action);
std::string_view change_name(ChangeKind kind);
std::string_view step_result_name(StepResult result);
std::string_view run_result_name(RunResult result);

/// The value with this name; nullopt if there is none.
std::optional<Action> action_named(std::string_view name);
std::optional<ChangeKind> change_named(std::string_view name);
std::optional<StepResult> step_result_named(std::string_view name);
std::optional<RunResult> run_result_named(std::string_view name);

} // namespace hadeploy
