#pragma once

#include "cli/args.h"

#include <string>
#include <string_view>

namespace hadeploy::cli {

/// What hadeploy has in the place of a command of Terraform's; "" for any other word.
std::string_view instead_of(std::string_view command);

/// Why a combination of flags makes no sense; "" when it does.
std::string contradiction(const Args& args);

/// `validate PATH`: makes the directory of PATH the project's, and keeps PATH's file in Args::file.
/// @returns what is wrong with PATH; "" when nothing is
std::string take_path(Args& args);

} // namespace hadeploy::cli
