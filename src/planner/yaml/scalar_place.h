#pragma once

#include "core/loc.h"
#include "core/value.h"

#include <string_view>

namespace hadeploy {

/// Tells where in a file the characters of a YAML scalar were written. Between the two lie quotes,
/// escapes, folded lines and indentation.
class ScalarPlaces {
  public:
    /// `text` is the scalar's value, `start` its place as read_yaml() gives it.
    ScalarPlaces(const Sources& sources, std::string_view text, Loc start);

    /// The place of the character at `offset` of the value; the scalar's own where it can't be
    /// told. Fast for offsets that rise from call to call.
    Loc at(std::size_t offset);

  private:
    void rewind();
    bool advance();
    bool line_break();
    bool escape();
    [[nodiscard]] char raw(std::size_t ahead = 0) const;

    const Sources& sources_;
    std::string_view raw_; ///< the file
    std::string_view text_;
    Loc start_;
    std::size_t first_; ///< where in the file the scalar begins
    char quote_ = 0;
    std::size_t from_ = 0, to_ = 0; ///< the same character in the file, and in the value
};

/// Where the quote that opens before `begin` is closed; npos: nowhere.
std::size_t closing_quote(std::string_view text, std::size_t begin);

/// Hides the sources of all scalars of a tree, keys among them: what was written for something
/// secret. More than the scalar is hidden where its end can't be told from its form.
void hide_scalars(Sources& sources, const Value& tree);

} // namespace hadeploy
