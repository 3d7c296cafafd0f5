#pragma once

#include "planner/graph/names.h"

#include <string>
#include <string_view>

namespace hadeploy {

/// Marks a local, a module's input or an output as being evaluated, for the lifetime of this
/// object. The values that an evaluation has in progress form a stack, which shows cycles.
class ValueInProgress {
  public:
    /// @param kind  the prefix of the name: "local.", "var.", or "" for an output
    /// @param way   path to the part that is evaluated; must outlive this object
    /// @throws Error(spec) with the cycle, if this value is already being evaluated
    ValueInProgress(GraphContext& context, const Scope& scope, std::string_view kind,
                    const std::string& name, const Path& way, Loc loc);
    ValueInProgress(const ValueInProgress&) = delete;
    ValueInProgress& operator=(const ValueInProgress&) = delete;
    ~ValueInProgress();

  private:
    [[nodiscard]] bool is_same(const ValueInProgress& other) const;
    [[nodiscard]] std::string address() const;
    void refuse_circle() const;

    GraphContext& context_;
    const Scope& scope_;
    std::string_view kind_;
    const std::string& name_;
    const Path& way_;
    Loc loc_;
    const ValueInProgress* outer_;
    std::size_t depth_;
};

} // namespace hadeploy
