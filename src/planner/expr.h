#pragma once

#include "core/error.h"
#include "core/value.h"

#include <memory>
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
        reference, ///< name: a root such as var, each, module, or a resource
        attribute, ///< parts[0].name
        index,     ///< parts[0][parts[1]]
        splat,     ///< parts[0][*]: of every element what parts[1], parts[2], ... lead to
        call,      ///< name(parts...)
    };
    Kind kind = Kind::literal;
    Loc loc = {};
    Value value = {};
    std::string name = {};
    std::vector<ExprPtr> parts = {};
    std::vector<std::pair<std::string, Loc>> keys = {};
};

/// Compiles a tree out of a spec: every string with `${` becomes an expression ("$${" is a literal
/// "${"). A string that is one `${...}` and nothing else keeps the type of its value.
/// Syntax errors are added to `problems` with their place.
ExprPtr compile(const Value& tree, Problems& problems);

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

/// The names of the built-in functions.
std::vector<std::string> function_names();

} // namespace hadeploy
