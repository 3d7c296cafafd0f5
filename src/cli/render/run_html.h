#pragma once

#include "engine/apply.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// A part of a run's page: a heading, the result, the critical path, and a Gantt chart that shows
/// when each step waited, was read and was changed, and what it waited for.
/// @param heading   plain text
/// @param began_ms  Unix time of the beginning of the run
/// @param took_ms   its duration
/// @param hide      replaces the secrets in a text
std::string run_section(std::string_view heading, const Plan& plan, const ApplyResult& result,
                        std::int64_t began_ms, std::int64_t took_ms,
                        const std::function<std::string(std::string_view)>& hide);

/// One page with the sections of all runs of a command. It loads nothing and needs no script.
std::string run_page(std::string_view title, const std::vector<std::string>& sections);

} // namespace hadeploy::cli
