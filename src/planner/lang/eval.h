#pragma once

#include "planner/lang/eval_context.h"
#include "planner/lang/expr.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// Limits of an expression, so that no spec can exhaust the stack, memory or time.
inline constexpr int kMaxEvaluationDepth = 1000;
inline constexpr std::size_t kMaxEvaluationSteps = 10'000'000;
inline constexpr std::size_t kMaxValueWeight = 64u << 20; ///< see Value::weight()

/// Keys and indices that lead into a value.
using Path = std::vector<Value>;

/// Resolves the names in expressions, for one context.
class Names {
  public:
    explicit Names(EvalContext& context) : context_(context) {}
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;
    virtual ~Names() = default;
    /// The value at `path` below the root `name`; `used` receives the number of path elements that
    /// were followed to the result. Following more of them keeps dependencies narrow:
    /// `var.hosts["node1"]` then depends only on the dependencies of node1.
    /// @throws Error(spec) for an unknown name
    virtual Value resolve(const std::string& name, const Path& path, Loc loc,
                          std::size_t& used) const = 0;
    /// The keys (with count: the indices) of the instances, if `name` and `path` lead to a module
    /// that has instances. A splat over the instances then evaluates only the parts of each
    /// instance that it needs.
    virtual std::optional<Path> instances(const std::string& /*name*/, const Path& /*path*/) const {
        return std::nullopt;
    }
    [[nodiscard]] EvalContext& context() const { return context_; }

  private:
    EvalContext& context_;
};

/// Evaluates an expression. The result is unknown if it depends on unknown values, and secret if it
/// depends on secret ones, even while it is still unknown. Results carry the place of the
/// expression.
/// @throws Error(spec) with the place of the mistake
Value evaluate(const Expr& expr, const Names& names);
/// The part of the value at `path`, without evaluating the rest.
Value evaluate_at(const Expr& expr, const Path& path, const Names& names);

/// The value at `path` (from its element `from` on) below `value`. Everything within an unknown
/// value is unknown. `what` names the start in messages.
/// @throws Error(spec): no such attribute (with a suggestion), not a list, index out of range
Value follow(const Value& value, const Path& path, std::size_t from, Loc loc,
             const std::string& what);

} // namespace hadeploy
