#pragma once

#include "planner/graph/graph.h"

#include <string>
#include <string_view>

namespace hadeploy {

/// While it lives a local, a module's input or its output is evaluated, for the sake of those that
/// live already on this thread.
class ValueInProgress {
  public:
    /// @param kind  what stands before the name: "local.", "var.", of an output nothing
    /// @param way   to the part that is wanted; outlives this
    /// @throws Error(spec) with the circle, when this very value is being evaluated already
    ValueInProgress(const Scope& scope, std::string_view kind, const std::string& name,
                    const Path& way, Loc loc);
    ValueInProgress(const ValueInProgress&) = delete;
    ValueInProgress& operator=(const ValueInProgress&) = delete;
    ~ValueInProgress();

  private:
    [[nodiscard]] bool is_same(const ValueInProgress& other) const;
    [[nodiscard]] std::string address() const;
    void refuse_circle() const;

    const Scope& scope_;
    std::string_view kind_;
    const std::string& name_;
    const Path& way_;
    Loc loc_;
    const ValueInProgress* outer_;
    std::size_t depth_;
};

} // namespace hadeploy
