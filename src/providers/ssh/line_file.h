#pragma once

#include "core/value.h"
#include "providers/ssh/ssh_type.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Shared by host.line and host.block, which manage a part of a text file.
namespace hadeploy::ssh {

/// A POSIX extended regular expression, as of `grep -E`.
class LinePattern {
  public:
    /// @throws Error(spec) with the reason if it is not one
    explicit LinePattern(const std::string& text);
    [[nodiscard]] bool matches(const std::string& line) const;

  private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;
};

/// The attributes `path`, `after`, `before` and `create`.
Schema file_part_attributes();
/// Reports `after` and `before` that are not patterns, or are both set.
void check_file_part(const Value& config, Diagnostics& diagnostics);

/// A probe that prints "text", a newline and the file; or "none" if it does not exist, and
/// "nowhere" if its directory does not exist.
std::string probe_text_file(std::string_view path);
/// The result of that probe.
struct TextFile {
    Observation failed;             ///< if it is not `exists` and not missing
    bool exists = false;            ///< whether the file was read
    std::string lacks = {};         ///< the missing directory
    std::vector<std::string> lines; ///< including empty ones
};
TextFile parse_text_file(const Value& config, const ProbeResult& result);

/// The functions of scripts/host_text_edit.sh for the file at `path`, which is created if `create`.
/// A new part is placed by the patterns `after` or `before` if they are not empty.
std::string text_edit(std::string_view path, std::string_view identity, bool create,
                      std::string_view after = "", std::string_view before = "");
/// The same with the attributes of `config`.
std::string text_edit(const Value& config, std::string_view identity);

} // namespace hadeploy::ssh
