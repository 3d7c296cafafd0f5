#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// The text with control and invisible characters escaped: `\n`, `\x1B`, `\u{202E}`. With
/// `keep_lines` newlines are kept.
std::string printable(std::string_view text, bool keep_lines = false);

/// The width in columns of a printable text without colours.
std::size_t columns_of(std::string_view text);

/// The text shortened to `columns`, ending in "..." if it was cut.
std::string fit(std::string_view text, std::size_t columns);
/// The text padded with spaces to `columns`.
std::string pad(std::string text, std::size_t columns);

/// Paragraphs broken at spaces into lines of at most `columns` (0: no limit).
std::vector<std::string> wrap(std::string_view text, std::size_t columns);
std::vector<std::string> split_lines(std::string_view text);

/// "1 resource", "3 resources"; with an explicit plural "2 addresses".
std::string counted(std::size_t n, std::string_view noun, std::string_view plural = {});

/// Elapsed time in short form: "0.4s", "12s", "3m07s", "1h02m".
std::string show_elapsed(std::int64_t milliseconds);

} // namespace hadeploy::cli
