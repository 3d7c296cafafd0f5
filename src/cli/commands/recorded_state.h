#pragma once

#include "cli/context.h"
#include "state/store.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// Opens the state even if the spec is invalid: the spec only supplies the secrets to redact.
/// @throws Error of an invalid spec if there is no state either, because this may be the wrong
/// directory
std::unique_ptr<Store> recorded_state(Context& context);

/// The runs, read without the current spec, because a rollback may have to undo that spec.
std::vector<Run> recorded_runs(const Project& project);

std::vector<std::string> addresses_of(const std::vector<RecordedResource>& rows);
Error not_recorded(const std::string& address, const std::vector<RecordedResource>& rows);

/// @throws Error(usage) if there is no run with this number
const Run& run_of(const std::vector<Run>& runs, std::int64_t number);

/// A recorded resource as JSON for programs, and as text for people.
nlohmann::json row_json(const RecordedResource& row);
std::string row_text(const RecordedResource& row);

} // namespace hadeploy::cli
