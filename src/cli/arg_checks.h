#pragma once

#include "cli/args.h"

#include <string>
#include <string_view>

namespace hadeploy::cli {

/// The equivalent of a Terraform command that hadeploy does not have; "" for any other word.
std::string_view instead_of(std::string_view command);

/// The error for an invalid combination of flags; "" if the combination is valid.
std::string contradiction(const Args& args);

/// Why the word is not the number of a run; "" if it is one.
std::string not_a_run(const std::string& word);

/// `validate PATH`: makes the directory of PATH the project directory and sets Args::file.
/// @returns the error in PATH; "" if there is none
std::string take_path(Args& args);

} // namespace hadeploy::cli
