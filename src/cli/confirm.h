#pragma once

#include "cli/commands.h"
#include "core/error.h"

#include <exception>
#include <string_view>

namespace hadeploy::cli {

/// The answer to a question was not the one that goes on (exit 1). Not an Error: nothing is wrong.
class Cancelled : public std::exception {
  public:
    const char* what() const noexcept override { return "cancelled"; }
};

/// @throws Error(usage): --allow-data-loss names something whose data the plan does not destroy
void check_allowed(const Context& context, const Plan& plan);

/// Asks whether to carry out a plan that was shown. Where data would be lost that --allow-data-loss
/// does not name, "yes" is not enough: the resource's address has to be typed, or for several the
/// project's name. --auto-approve does not allow that.
/// @throws Interrupted; Cancelled for another answer; Error(usage) without a terminal;
/// Error(failed): --auto-approve, and data
///         would be lost
void confirm(const Context& context, const Plan& plan, std::string_view command,
             std::string_view question);

/// The same for a saved plan, which was looked at before: it asks only about the loss of data.
void confirm_saved(const Context& context, const Plan& plan);

/// Asks a question that no plan belongs to.
/// @throws Interrupted; Cancelled for another answer than "yes"; `without_terminal`
void confirm_yes(const Context& context, std::string_view question, Error without_terminal);

} // namespace hadeploy::cli
