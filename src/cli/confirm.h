#pragma once

#include "cli/context.h"
#include "core/error.h"

#include <exception>
#include <string_view>

namespace hadeploy::cli {

/// The user declined (exit code 1). Not an Error, because nothing failed.
class Cancelled : public std::exception {
  public:
    const char* what() const noexcept override { return "cancelled"; }
};

/// @throws Error(usage): --allow-data-loss names an object whose data the plan does not destroy
void check_allowed(const Context& context, const Plan& plan);

/// For a command that makes a plan and applies it without review.
/// @throws Error(usage) if the project applies only saved plans
void check_unreviewed(const Project& project, std::string_view command, bool destroy = false);

/// Asks for approval of a plan that was shown. If data would be lost that --allow-data-loss does
/// not cover, the user has to type the address of the resource or, if several resources lose data,
/// the name of the project. --auto-approve does not cover data losses.
/// @throws Interrupted; Cancelled; Error(usage) without a terminal; Error(failed) if data would be
///         lost with --auto-approve
void confirm(const Context& context, const Plan& plan, std::string_view command,
             std::string_view question);

/// Asks only about the data losses of a saved plan, because that plan was reviewed before.
void confirm_saved(const Context& context, const Plan& plan);

/// Asks a yes/no question outside a plan.
/// @throws Interrupted; Cancelled for any answer except "yes"; `without_terminal` if there is no
/// terminal
void confirm_yes(const Context& context, std::string_view question, Error without_terminal);

} // namespace hadeploy::cli
