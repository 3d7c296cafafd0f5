#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

/// The diagnostic log (`--log-level`, `--log-file`, HADEPLOY_LOG), separate from the output of
/// commands: provider calls, SSH commands, HTTP requests and steps, with their durations. It is off
/// by default. Any thread may write to it.
namespace hadeploy::log {

enum class Level { trace, debug, info, warn, error };

/// @return nullopt if the name is not a level
std::optional<Level> parse_level(std::string_view name);

/// Starts the log.
/// @param least  the lowest level that is written
/// @param file   appended to, and created with mode 0600; empty: standard error
/// @throws Error(failed) when the file cannot be opened or is not a regular file
void start(Level least, const std::filesystem::path& file);

/// Sets a function that removes secrets from every line from now on.
void set_redactor(std::function<std::string(std::string_view)> redactor);

/// Removes secrets from a text. Callers that shorten a text call this function first, because a
/// part of a secret would not be found.
[[nodiscard]] std::string redacted(std::string_view text);

[[nodiscard]] bool enabled(Level level);

struct Field {
    std::string_view name;
    std::string value;
};

/// Writes one line: `2026-11-30T12:00:00.000Z debug read endpoint="ssh ops@10.77.0.11" ms="12"`.
/// Omits fields without a value. Callers that build costly fields check enabled() first.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

} // namespace hadeploy::log
