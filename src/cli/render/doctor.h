#pragma once

#include "cli/render/terminal.h"
#include "provider_api/prerequisites.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// The prerequisites of one provider, or of the state.
struct CheckedArea {
    std::string name;
    std::vector<Prerequisite> checks;
};

/// The number of prerequisites that are missing.
std::size_t missing_in(const std::vector<CheckedArea>& areas);

/// "3 of 12 prerequisites are missing", for text and JSON.
/// @param no_spec  nothing is required yet
std::string doctor_summary(const std::vector<CheckedArea>& areas, bool no_spec);

/// The report of `doctor` as text.
std::string render_doctor(const std::vector<CheckedArea>& areas, bool no_spec, const Style& style);

/// The fields of one prerequisite for `--json`: area, name, status (met, limited, missing; optional
/// if it is missing and there is no spec), fix.
nlohmann::json prerequisite_json(const std::string& area, const Prerequisite& one, bool no_spec);

} // namespace hadeploy::cli
