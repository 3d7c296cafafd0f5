#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy {

/// A place in a source file. Lines and columns count from 1; line 0 means "nowhere".
/// Columns count bytes and stop at 65535, which is beyond any line a person reads.
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

/// The texts a spec was read from: the root spec, its modules, variable files. A Loc is only an
/// index into it, so that every Value can afford to carry one.
class Sources {
  public:
    struct File {
        std::filesystem::path path; ///< as the user would write it, for messages
        std::string text;
        std::vector<std::size_t> lines; ///< where each line begins
        /// Offsets of what is hidden, from and to.
        std::vector<std::pair<std::size_t, std::size_t>> hidden = {};
        bool given = false; ///< in no file: an option's value, say, which `path` names
    };
    /// A source line as it may be shown.
    struct Line {
        std::string text;       ///< "(secret)" in the place of what is hidden
        std::size_t column = 0; ///< in it, of the place that was asked for; from 1
    };

    /// Keeps the text and returns its index for Loc::file.
    std::uint16_t add(std::filesystem::path path, std::string text);
    /// The same of a text that is in no file; `name` is what messages say in the place of a path.
    std::uint16_t add_given(std::string name, std::string text);

    [[nodiscard]] const std::vector<File>& files() const { return files_; }
    /// The path that belongs to a Loc; empty when the Loc is unknown.
    [[nodiscard]] std::filesystem::path path(Loc loc) const;
    /// Where the Loc is in its file's text; npos when it is unknown or beyond the text.
    [[nodiscard]] std::size_t offset(Loc loc) const;
    /// The Loc of an offset in a file's text.
    [[nodiscard]] Loc at(std::uint16_t file, std::size_t offset) const;
    /// The Loc's line without its line end; empty when the Loc is unknown.
    [[nodiscard]] Line line(Loc loc) const;
    /// What stands between these offsets of a file was written as a secret: no line shows it.
    void hide(std::uint16_t file, std::size_t begin, std::size_t end);
    /// "spec.yaml:12:5", or "" when the Loc is unknown.
    [[nodiscard]] std::string describe(Loc loc) const;

  private:
    std::vector<File> files_;
};

} // namespace hadeploy
