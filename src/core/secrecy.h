#pragma once

#include "core/error.h"
#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// Marks `value` as secret wherever `model` is secret. It is for values that were read back from an
/// object that was created from secrets. Where the structures differ, the whole part is marked as
/// secret.
Value as_secret_as(const Value& value, const Value& model);

/// Returns `made`, which was computed from `sources`. The strings in the result have the secrets of
/// the sources as secret_parts(). A Redactor then also finds, for example, the password in
/// "user:password".
Value made_from(const Value& made, const Value::List& sources);

/// Formats a value for a message: a string by in_quotes(), other values by display(), and
/// "(secret)" if the value is or contains a secret. Use it for every value in a message, because
/// only the value knows whether it is secret.
std::string quoted(const Value& value, std::size_t max = 80);
/// quoted() for a part of a value, or for text that was parsed from it.
std::string quoted(const Value& whole, std::string_view part, std::size_t max = 80);
/// Like quoted(), but without quotes: for example for a number or a computed address.
std::string redacted(const Value& whole, std::string text);

/// The string or number in an attribute of a config, without quotes; "(secret)" if it is secret.
std::string named(const Value& config, std::string_view attribute);

/// Redacts known secrets in texts of external origin, for example a command's output. Finds a
/// secret in these forms: unchanged, in JSON, quoted for a shell, by a shell or by in_quotes(), in
/// base64 (alone or within a longer text), each of its lines, and a number as a separate word. Does
/// not redact secrets of fewer than 4 characters: they occur everywhere by chance, and the gaps
/// would reveal them.
class Redactor {
  public:
    /// Redacts all secrets in `value` from now on.
    void add(const Value& value);
    [[nodiscard]] std::string operator()(std::string_view text) const;

  private:
    std::vector<std::string> forms_; ///< longest first, so that no form splits a longer one
    std::vector<std::string> numbers_;
};

/// The paths below `name` ("var.pin") of secrets that are too short for a Redactor.
std::vector<std::string> short_secrets(const Value& value, const std::string& name);

/// Redacts the secrets of `value` in an error's message, hint and notes, as a Redactor does.
Error without_secrets(Error error, const Value& value);

/// Whether the text contains, as a separate word or part of an address, a secret of `value` that is
/// too short for a Redactor.
bool shows_short_secret(std::string_view text, const Value& value);
/// Redacts the secrets of `config` in a text about its object. Returns only "(secret)" if
/// shows_short_secret(), as a gap in the text would reveal a short secret.
std::string without_secrets(std::string text, const Value& config);

} // namespace hadeploy
