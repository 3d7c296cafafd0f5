#pragma once

#include "planner/plan/plan.h"

#include <cstdint>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// The plan for programs. Secrets and unknown values are shown as people see them; every key is
/// there in every step. `format_version` rises with incompatible changes.
nlohmann::json plan_json(const Plan& plan);
/// The same with its warnings, and where each is in the sources.
nlohmann::json plan_json(const Plan& plan, const Sources& sources);

/// One line of `--json` (without its line end), with the keys that OpenTofu uses. `fields` is an
/// object whose entries stand beside them.
std::string json_line(std::string_view level, std::string_view type, std::string_view message,
                      std::int64_t unix_ms, nlohmann::json fields = nlohmann::json::object());

/// "2024-11-21T12:30:05.250Z"
std::string timestamp(std::int64_t unix_ms);

} // namespace hadeploy::cli
