#pragma once

#include "cli/render/plan_steps.h"
#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

namespace hadeploy::cli {

/// `+ ~ -/+ - <= = .`: what a step does, without needing colours.
std::string_view action_symbol(Action action);
/// The same, but `+/-` where a replacement makes the new one first.
std::string_view step_symbol(const Step& step);
Tint action_tint(Action action);

/// The plan for people: what is touched, each once, what changes in the outputs, and at the end
/// what data is lost and the counts; of a plan longer than a screen its summary before that.
std::string render_plan(const Plan& plan, const Style& style, const Detail& detail = {});

/// What data is lost: a line for each, with its address, what it is and its size; "" for none.
std::string render_losses(const std::vector<Loss>& losses, const Style& style);

/// The counts alone: "3 to create, 1 to start, 2 to read later".
std::string plan_counts(const Plan& plan);

} // namespace hadeploy::cli
