#pragma once

#include "cli/render/plan_steps.h"
#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

namespace hadeploy::cli {

/// The symbol of an action: `+ ~ -/+ - <= = .`
std::string_view action_symbol(Action action);
/// The symbol of a step: `+/-` for a replacement that creates the new object first.
std::string_view step_symbol(const Step& step);
Tint action_tint(Action action);

/// The plan as text: steps, changes of outputs, and at the end data losses and counts. In a plan
/// longer than a screen, a summary precedes the data losses.
std::string render_plan(const Plan& plan, const Style& style, const Detail& detail = {});

/// Data losses, one line each with address, description and size; "" if there are none.
std::string render_losses(const std::vector<Loss>& losses, const Style& style);

/// What is neither a step nor a data loss, as in the text of a plan: changes of outputs, moves,
/// notices, and the order of changes. "" if there is nothing.
std::string render_around(const Plan& plan, const Style& style);

/// "Plan: 3 to create", or that nothing changes.
std::string plan_headline(const Plan& plan);

/// The counts: "3 to create, 1 to start, 2 to read later".
std::string plan_counts(const Plan& plan);

} // namespace hadeploy::cli
