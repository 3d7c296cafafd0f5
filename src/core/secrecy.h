#pragma once

#include "core/error.h"
#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The same contents, secret wherever `model` is: what was read back of something that was made
/// from secrets. Where the two have not the same form all of it is secret.
Value as_secret_as(const Value& value, const Value& model);

/// What a message says of a value: a string in quotes (in_quotes()), all else as display() shows
/// it,
/// "(secret)" of what is secret or holds something that is. A text of a value gets into a message
/// in no other way: in the value it is known whether it may be shown, in the text it is not.
std::string quoted(const Value& value, std::size_t max = 80);
/// The same of a part of it, or of what was read in it.
std::string quoted(const Value& whole, std::string_view part, std::size_t max = 80);
/// The same without quotes: a number, an address that was calculated.
std::string redacted(const Value& whole, std::string text);

/// Of an attribute of a config, without quotes: its text or number.
std::string named(const Value& config, std::string_view attribute);

/// Takes known secrets out of texts that others wrote (what a command printed, say), in the forms
/// in which they turn up there: as they are, in JSON, quoted for or by a shell or by in_quotes(),
/// in base64 (alone or within something longer), line by line; numbers where they stand alone. What
/// is shorter than 4 characters stays: it would tear holes into everything, and the holes would
/// tell it.
class Redactor {
  public:
    /// All that is secret in `value` is taken out from now on.
    void add(const Value& value);
    [[nodiscard]] std::string operator()(std::string_view text) const;

  private:
    std::vector<std::string> forms_; ///< longest first, so that none hides a part of another
    std::vector<std::string> numbers_;
};

/// The paths below `name` ("var.pin") of what is secret and too short for a Redactor.
std::vector<std::string> short_secrets(const Value& value, const std::string& name);

/// An error whose texts are without what is secret in `value`, as far as a Redactor finds it.
Error without_secrets(Error error, const Value& value);

/// Whether a secret in `value` that is too short for a Redactor stands alone in the text: as a word
/// or a part of an address.
bool shows_short_secret(std::string_view text, const Value& value);
/// What was said of something with this config, without its secrets. Where a short one stands alone
/// nothing is left: a hole would tell it.
std::string without_secrets(std::string text, const Value& config);

} // namespace hadeploy
