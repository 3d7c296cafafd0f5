#pragma once

#include "cli/environment.h"
#include "cli/plan_digests.h"
#include "cli/project.h"
#include "planner/spec/variables.h"

#include <filesystem>

namespace hadeploy::cli {

struct SavedObservation {
    std::string type; ///< of the resource
    Observation seen; ///< with local paths as in Form::kept
};

/// A saved plan contains its inputs (the files of the spec, values of variables, observations, the
/// serial and open intents of the state) and digests of the steps. Apply makes the plan again from
/// these inputs, and refuses the saved plan if the steps are not identical. Everything except the
/// project name is encrypted with a data key of its own, which is encrypted with the state's key.
/// Local paths within the project are relative to it, so that a different machine can apply the
/// plan in a different directory.
struct PlanFile {
    std::string project; ///< and environment: Project::owner()
    std::string lineage;
    std::string state;     ///< the URL of a database, without the password; "" for a file
    std::string directory; ///< of the project where the plan was made
    std::int64_t serial = 0;
    std::int64_t plan_time = 0;                    ///< Spec::plan_time
    Value origin;                                  ///< see run_origin()
    std::map<std::string, ChangeKind> interrupted; ///< PriorState::interrupted
    PlanOptions options;
    std::map<std::string, std::string> files; ///< of the spec: relative path -> text
    VariableValues variables;
    Value last_run; ///< of a removal without a spec: Project::last_run(); otherwise null
    Value secrets;  ///< content of the files under `secrets:`
    std::map<std::string, SavedObservation> observed;
    PlanDigests digests;
};

void save_plan(const std::filesystem::path& file, const Project& project,
               const PlanOptions& options, const PlannedRun& prepared);
/// @throws Error(state) if the file is unreadable or altered, was made by a different version, or
/// is encrypted with a different key
PlanFile load_plan(const std::filesystem::path& file, const KeySource& key,
                   const std::string& environment = std::string(kDefaultEnvironment));
/// Uses the key and the environment of the project.
/// @throws Error(usage) if the plan was made in a different environment
PlanFile load_plan(const std::filesystem::path& file, const Project& project);
/// Checks that the spec in the project's directory is equal to the spec from which the plan was
/// made.
/// @throws Error(state) naming the files that differ
void check_same_spec(const PlanFile& plan, const Project& project);
/// Loads the project from the plan file and makes the plan again.
/// @throws Error(state) if the plan is for a different project or state, the state has changed, or
/// the steps are not identical
PlannedRun restore_plan(const PlanFile& plan, Project& project, const Store& store);

} // namespace hadeploy::cli
