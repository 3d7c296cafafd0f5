#pragma once

#include "cli/context.h"
#include "planner/plan/plan.h"
#include "state/store.h"

#include <nlohmann/json.hpp>
#include <string>

namespace hadeploy::cli {

/// The plan as JSON, with the environment if the project has several.
nlohmann::json json_of_plan(const Context& context, const Plan& plan);

/// The first line of a plan, if the project has several environments.
void print_environment(const Context& context);
/// Notes the environments whose objects a plan cannot leave alone, because their states cannot be
/// read.
void tell_unread_environments(const Context& context);
/// A plan with its warnings, as text or as JSON.
void print_plan(const Context& context, const Plan& plan);

/// Writes a plan as a page to the file of --html, if that is given.
/// @throws Error(failed)
void write_plan_page(const Context& context, const Plan& plan, const std::string& project);

/// Reports that a state on a server is new, because the schema in its URL may be mistyped.
void tell_new_state(const Context& context, const Store& store, Store::Mode mode);

/// Warns of secrets that are too short to be redacted in the output of commands.
void tell_short_secrets(const Context& context);

} // namespace hadeploy::cli
