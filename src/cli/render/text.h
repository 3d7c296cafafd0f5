#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// The text with everything that a terminal would act on spelled as an escape: `\n`, `\x1B`,
/// `\u{202E}`. With `keep_lines` line ends stay.
std::string printable(std::string_view text, bool keep_lines = false);

/// Columns that a printable text without colours takes on a terminal.
std::size_t columns_of(std::string_view text);

/// The text cut to `columns`, with "..." at its end where something is missing.
std::string fit(std::string_view text, std::size_t columns);
/// The text filled up with spaces to `columns`.
std::string pad(std::string text, std::size_t columns);

/// Paragraphs broken at spaces into lines of at most `columns` (0: no limit).
std::vector<std::string> wrap(std::string_view text, std::size_t columns);
std::vector<std::string> split_lines(std::string_view text);

/// "1 resource", "3 resources"; "2 addresses" where the plural has more than an s.
std::string counted(std::size_t n, std::string_view noun, std::string_view plural = {});

/// Elapsed time in few characters, for what is going on: "0.4s", "12s", "3m07s", "1h02m".
std::string show_elapsed(std::int64_t milliseconds);

} // namespace hadeploy::cli
