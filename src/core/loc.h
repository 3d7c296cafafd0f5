#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy {

/// A location in a source file. Lines and columns count from 1; line 0 means "unknown". Columns
/// count bytes, up to 65535.
struct Loc {
    std::uint32_t line = 0;
    std::uint16_t column = 0;
    std::uint16_t file = 0; ///< index into Sources

    [[nodiscard]] bool known() const { return line != 0; }
    friend bool operator==(const Loc&, const Loc&) = default;
    friend auto operator<=>(const Loc& a, const Loc& b) {
        if (a.file != b.file) return a.file <=> b.file;
        if (a.line != b.line) return a.line <=> b.line;
        return a.column <=> b.column;
    }
};

/// The texts that a spec was read from: the root spec, its modules and variable files. A Loc refers
/// to a text by its index, which keeps every Value small.
class Sources {
  public:
    struct File {
        std::filesystem::path path; ///< path as shown in messages
        std::string text;
        std::vector<std::size_t> lines; ///< offset of each line
        /// Half-open ranges of offsets that hold secrets.
        std::vector<std::pair<std::size_t, std::size_t>> hidden = {};
        bool given = false; ///< not a file, but for example the value of the option named by `path`
    };
    /// A source line for display.
    struct Line {
        std::string text;       ///< the line, with "(secret)" instead of hidden ranges
        std::size_t column = 0; ///< column of the requested location in `text`, from 1
    };

    /// Adds a text and returns its index for Loc::file.
    std::uint16_t add(std::filesystem::path path, std::string text);
    /// Adds a text that is not from a file; messages show `name` instead of a path.
    std::uint16_t add_given(std::string name, std::string text);

    [[nodiscard]] const std::vector<File>& files() const { return files_; }
    /// The path of a Loc's file; empty when the Loc is unknown.
    [[nodiscard]] std::filesystem::path path(Loc loc) const;
    /// The Loc's offset in its file's text; npos when it is unknown or beyond the text.
    [[nodiscard]] std::size_t offset(Loc loc) const;
    /// The Loc of an offset in a file's text.
    [[nodiscard]] Loc at(std::uint16_t file, std::size_t offset) const;
    /// The Loc's line without its newline; empty when the Loc is unknown.
    [[nodiscard]] Line line(Loc loc) const;
    /// Makes line() hide the secret between these offsets of a file.
    void hide(std::uint16_t file, std::size_t begin, std::size_t end);
    /// "spec.yaml:12:5", or "" when the Loc is unknown.
    [[nodiscard]] std::string describe(Loc loc) const;

  private:
    std::vector<File> files_;
};

} // namespace hadeploy
