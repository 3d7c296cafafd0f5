#pragma once

#include <filesystem>
#include <string_view>

namespace hadeploy::cli {

/// How the files of each kind begin.
inline constexpr std::string_view kHtmlBegin = "<!doctype html>";
inline constexpr std::string_view kXmlBegin = "<?xml";
inline constexpr std::string_view kDrillJsonBegin = R"({"type":"chaos_report")";
inline constexpr std::string_view kBenchJsonBegin = R"({"type":"bench_report")";

/// Checks a file that a command writes at its end, so that the command fails before its work.
/// Accepts "".
/// @param begin  how an existing file has to begin that may be replaced: a mistyped name must not
///               destroy a spec or a key
/// @throws Error(usage): its directory does not exist or cannot be written to, or something else
///         has its name
void check_report_file(const std::filesystem::path& file, std::string_view begin);

} // namespace hadeploy::cli
