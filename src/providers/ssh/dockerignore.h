#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh::docker {

/// The patterns of a .dockerignore, with the rules of Docker: the last one that matches a path or
/// a directory above it decides, and `!` makes an exception.
class IgnoredFiles {
  public:
    explicit IgnoredFiles(std::string_view text);
    /// @param path  relative to the context: "src/main.c"
    [[nodiscard]] bool ignores(std::string_view path) const;
    /// Whether something in an ignored directory may not be ignored.
    [[nodiscard]] bool has_exceptions() const { return has_exceptions_; }

  private:
    struct Pattern {
        std::string text;
        bool exception = false;
    };
    std::vector<Pattern> patterns_;
    bool has_exceptions_ = false;
};

} // namespace hadeploy::ssh::docker
