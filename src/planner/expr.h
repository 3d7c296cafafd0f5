#pragma once

#include "core/error.h"
#include "core/value.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

/// A value as the spec writes it, compiled once: scalars, containers, and `${...}` within strings.
struct Expr {
    enum class Kind {
        literal,   ///< value
        text,      ///< parts, joined to one string
        list,      ///< parts
        map,       ///< parts under keys
        pairs,     ///< a map whose keys are expressions too: key, value, key, value, ...
        reference, ///< name.keys...: a root such as var, each, module, or a resource
        attribute, ///< parts[0].name, where that is no reference
        index,     ///< parts[0][parts[1]]
        splat,     ///< parts[0][*]: of every element what parts[1], parts[2], ... lead to
        call,      ///< name(parts...); with a key: the last part is a list of arguments
        unary,     ///< name parts[0]
        binary,    ///< parts[0] name parts[1]
        condition, ///< parts[0] ? parts[1] : parts[2]
        each_list, ///< [for keys[0], keys[1] in parts[0] : parts[1] if parts[2]]
        each_map,  ///< {for ... : parts[3] => parts[1] if parts[2]}; name "...": values are grouped
    };
    Kind kind = Kind::literal;
    Loc loc = {};
    Value value = {};
    std::string name = {};
    std::vector<ExprPtr> parts = {}; ///< an optional one that is missing is nullptr
    std::vector<std::pair<std::string, Loc>> keys = {};
};

/// Compiles a tree out of a spec: every string with `${` becomes an expression ("$${" is a literal
/// "${"). A string that is one `${...}` and nothing else keeps the type of its value.
/// Syntax errors are added to `problems` with their place in `sources`.
ExprPtr compile(const Value& tree, const Sources& sources, Problems& problems);

/// Parses one string of a spec: what compile() does with each.
/// @throws Error(spec)
ExprPtr parse_string(const Value& string, const Sources& sources);

/// What an expression may cost, so that no spec makes the program run out of stack, memory or time.
inline constexpr int kMaxEvaluationDepth = 1000;
inline constexpr std::size_t kMaxEvaluationSteps = 10'000'000;
inline constexpr std::size_t kMaxValueWeight = 64u << 20; ///< see Value::weight()

/// One key or index of a way into a value.
using Path = std::vector<Value>;

/// Where expressions get their names from.
class Names {
  public:
    virtual ~Names() = default;
    /// The value found by following `path` from the root `name`; `used` tells how many elements of
    /// the path the answer already took into account. Taking more of them keeps dependencies
    /// narrow: of `var.hosts["node1"]` only what node1 needs.
    /// @throws Error(spec) for an unknown name
    virtual Value resolve(const std::string& name, const Path& path, Loc loc,
                          std::size_t& used) const = 0;
    /// The keys (of count: the indices) of its instances, where `name` and `path` lead to a module
    /// that has some: a splat over it then takes no more of each than it needs.
    virtual std::optional<Path> instances(const std::string& /*name*/, const Path& /*path*/) const {
        return std::nullopt;
    }
};

/// The value of an expression. What depends on unknown values is unknown, what depends on secret
/// ones is secret. Results carry the place of the expression.
/// @throws Error(spec) with the place of what is wrong
Value evaluate(const Expr& expr, const Names& names);
/// The part of it that `path` leads to, without evaluating the rest.
Value evaluate_at(const Expr& expr, const Path& path, const Names& names);

/// The value below `value` that `path` (from its element `from` on) leads to. Inside of an unknown
/// everything is unknown. `what` names the start in messages.
/// @throws Error(spec): no such attribute (did you mean), not a list, index out of range
Value follow(const Value& value, const Path& path, std::size_t from, Loc loc,
             const std::string& what);

} // namespace hadeploy
