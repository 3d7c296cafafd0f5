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

/// The keys and indices that lead to a part of a value.
using Path = std::vector<Value>;

/// Resolves the names in expressions, for one scope.
class Names {
  public:
    explicit Names(EvalContext& context) : context_(context) {}
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;
    virtual ~Names() = default;
    /// The value at `path` below the root `name`. `used` receives the number of path elements that
    /// lead to the result; the caller follows the others. The more elements an implementation
    /// follows, the narrower the dependencies: `var.hosts["node1"]` can depend only on the
    /// dependencies of node1.
    /// @throws Error(spec) for an unknown name
    virtual Value resolve(const std::string& name, const Path& path, Loc loc,
                          std::size_t& used) const = 0;
    /// The keys (with count: the indices) of the instances, if `name` and `path` lead to a module
    /// that has instances. A splat over the instances then evaluates only those parts of each
    /// instance that the splat needs.
    virtual std::optional<Path> instances(const std::string& /*name*/, const Path& /*path*/) const {
        return std::nullopt;
    }
    [[nodiscard]] EvalContext& context() const { return context_; }

  private:
    EvalContext& context_;
};

/// Evaluates an expression. The result is unknown if it depends on unknown values, and secret if it
/// depends on secret values, even while it is still unknown. It has the location of the expression.
/// @throws Error(spec) with the location of the mistake
Value evaluate(const Expr& expr, const Names& names);
/// Evaluates only the part of the expression's value at `path`.
Value evaluate_at(const Expr& expr, const Path& path, const Names& names);

/// The value at `path` (from its element `from` on) below `value`. Everything within an unknown
/// value is unknown. `what` is the name of `value` in messages.
/// @throws Error(spec): no such attribute (with a suggestion), not a list, index out of range
Value follow(const Value& value, const Path& path, std::size_t from, Loc loc,
             const std::string& what);

} // namespace hadeploy
