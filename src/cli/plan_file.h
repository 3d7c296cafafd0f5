#pragma once

#include "cli/project.h"

#include <filesystem>

namespace hadeploy::cli {

/// A plan on disk carries what it was made from — the spec's files, the variables' values, what was
/// seen, the state's serial and what was open in it — and a digest of the steps. Apply makes the
/// plan anew from that and refuses when it is not the same to the letter. On the disk all of it but
/// the project's name is encrypted, with a data key of its own that the state's key opens.
struct PlanFile {
    std::string project, lineage;
    std::string directory; ///< where the project was
    std::int64_t serial = 0;
    std::int64_t plan_time = 0;                     ///< Spec::plan_time
    std::map<std::string, std::string> interrupted; ///< PriorState::interrupted
    PlanOptions options;
    std::map<std::string, std::string> files; ///< path -> text
    VariableValues variables;
    Value last_run; ///< of a removal without the spec: Project::last_run(); else null
    Value secrets;  ///< what the files under `secrets:` held
    std::map<std::string, Observation> observed;
    std::string steps_digest;
};

void save_plan(const std::filesystem::path& file, const Project& project,
               const PlanOptions& options, const PlannedRun& prepared);
/// @throws Error(state): not readable, altered, of another version, locked with another key
PlanFile load_plan(const std::filesystem::path& file, const KeySource& key);
/// Loads the project from the plan file and makes the plan again.
/// @throws Error(state): another project's, or the state has moved on
PlannedRun restore_plan(const PlanFile& plan, Project& project, const Store& store);

} // namespace hadeploy::cli
