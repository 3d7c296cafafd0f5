#pragma once

#include "cli/project.h"
#include "planner/spec/variables.h"

#include <filesystem>

namespace hadeploy::cli {

/// A saved plan contains its inputs (the files of the spec, values of variables, observations, the
/// serial and open intents of the state) and a digest of the steps. Apply makes the plan again from
/// them and refuses it if the steps are not identical. Everything except the project name is
/// encrypted with a data key of its own, which the state's key opens.
struct PlanFile {
    std::string project, lineage;
    std::string directory; ///< of the project
    std::int64_t serial = 0;
    std::int64_t plan_time = 0;                    ///< Spec::plan_time
    std::map<std::string, ChangeKind> interrupted; ///< PriorState::interrupted
    PlanOptions options;
    std::map<std::string, std::string> files; ///< path -> text
    VariableValues variables;
    Value last_run; ///< of a removal without a spec: Project::last_run(); otherwise null
    Value secrets;  ///< content of the files under `secrets:`
    std::map<std::string, Observation> observed;
    std::string steps_digest;
};

void save_plan(const std::filesystem::path& file, const Project& project,
               const PlanOptions& options, const PlannedRun& prepared);
/// @throws Error(state) if it is unreadable, altered, of another version or locked with another key
PlanFile load_plan(const std::filesystem::path& file, const KeySource& key);
/// Loads the project from the plan file and makes the plan again.
/// @throws Error(state) if it is of another project, or the state has changed
PlannedRun restore_plan(const PlanFile& plan, Project& project, const Store& store);

} // namespace hadeploy::cli
