#pragma once

#include <filesystem>

namespace hadeploy::cli {

/// Checks a file that a command writes at its end, so that the command fails before its work.
/// Accepts "".
/// @throws Error(usage): its directory does not exist or cannot be written to, or something other
///         than a regular file has its name
void check_report_file(const std::filesystem::path& file);

} // namespace hadeploy::cli
