#pragma once

#include "providers/ssh/compose.h"

#include <fmt/format.h>
#include <optional>
#include <string>

/// Shared by the checks of a compose file.
namespace hadeploy::ssh::docker {

/// Reports problems with their place in the compose file, and evaluates values with the variables.
class ComposeReport {
  public:
    ComposeReport(const Compose& compose, const Value& variables, Loc place,
                  Diagnostics& diagnostics)
        : compose(compose), variables(variables), place_(place), diagnostics_(diagnostics) {}

    Error& problem(const YAML::Node& at, const std::string& text) const {
        const YAML::Mark mark = at.IsDefined() ? at.Mark() : YAML::Mark::null_mark();
        const std::string where = mark.line < 0 ? compose.shown + ": "
                                                : fmt::format("{}:{}:{}: ", compose.shown,
                                                              mark.line + 1, mark.column + 1);
        return diagnostics_.add(where + text, place_);
    }

    /// The text with variables replaced; nullopt if it is not known before apply, or if an error
    /// was already reported for it.
    [[nodiscard]] std::optional<std::string> text_of(const YAML::Node& node) const {
        bool whole = true;
        try {
            std::string text =
                substituted(node.Scalar(), variables,
                            [&](const std::string&, const std::string&) { whole = false; });
            for (const Entry& e : variables.is_map() ? variables.as_map() : Value::Map())
                if (e.value.contains_unknown() && node.Scalar().find(e.key) != std::string::npos)
                    whole = false;
            if (whole) return text;
        } catch (const Error&) {
        }
        return std::nullopt;
    }

    const Compose& compose;
    const Value& variables;

  private:
    Loc place_;
    Diagnostics& diagnostics_;
};

} // namespace hadeploy::ssh::docker
