#pragma once

#include "planner/plan/plan.h"

#include <cstdint>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// The plan as JSON. Secrets and unknown values are shown as in the text; every step has every key.
/// `format_version` is incremented with incompatible changes.
nlohmann::json plan_json(const Plan& plan);
/// The plan as JSON, with warnings and their places in the sources.
nlohmann::json plan_json(const Plan& plan, const Sources& sources);

/// One line of `--json` without the newline, with the keys that OpenTofu uses, plus the entries of
/// the object `fields`.
std::string json_line(std::string_view level, std::string_view type, std::string_view message,
                      std::int64_t unix_ms, nlohmann::json fields = nlohmann::json::object());

/// "2024-11-21T12:30:05.250Z"
std::string timestamp(std::int64_t unix_ms);

} // namespace hadeploy::cli
