#pragma once

#include "providers/ssh/compose.h"

#include <fmt/format.h>
#include <optional>
#include <string>

/// What the checks of a compose file share.
namespace hadeploy::ssh::docker {

/// Tells problems by their place in the compose file, and values as they are with the variables.
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

    /// Nothing where it is not known before apply, or has been reported.
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

/// What is written as text may not be what YAML makes of it; keys may be there twice; a $ may begin
/// no variable, or one without a value.
void check_texts(const ComposeReport& report);
/// What one key demands of another: networks that are used have to be defined.
void check_rules(const ComposeReport& report);
/// What a swarm ignores; these are warnings.
void check_ignored(const ComposeReport& report);

} // namespace hadeploy::ssh::docker
