#pragma once

#include "core/loc.h"
#include "core/value.h"

#include <string_view>

namespace hadeploy {

/// Maps the characters of a YAML scalar's value to their locations in the file. The value and the
/// file differ by quotes, escapes, folded lines and indentation.
class ScalarPlaces {
  public:
    /// `text` is the scalar's value, `start` its location as set by read_yaml().
    ScalarPlaces(const Sources& sources, std::string_view text, Loc start);

    /// The location of the character at `offset` of the value; the location of the scalar if the
    /// location of the character cannot be determined. Fast for ascending offsets.
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
    std::size_t first_; ///< offset of the scalar in the file
    char quote_ = 0;
    std::size_t from_ = 0, to_ = 0; ///< current offset in the file and in the value
};

/// The end of the quoted text that begins before `begin`: the offset of the closing quote, or npos.
std::size_t closing_quote(std::string_view text, std::size_t begin);

/// Hides the sources of all scalars of a secret tree, including keys. Hides more than the scalar if
/// the end of the scalar cannot be determined from its form.
void hide_scalars(Sources& sources, const Value& tree);

} // namespace hadeploy
