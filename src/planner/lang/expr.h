#pragma once

#include "core/error.h"
#include "core/string_pool.h"
#include "core/value.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

/// A value as the spec writes it, compiled once: scalars, containers, and `${...}` within strings.
/// A large spec has very many: so a node is a value with parts, which stand side by side, and no
/// more.
struct Expr {
    enum class Kind : std::uint8_t {
        literal,   ///< value
        text,      ///< parts, joined to one string
        list,      ///< parts
        map,       ///< a key, its value, the next key, ...
        reference, ///< name.PART.PART...: a root such as var, each, module, or a resource
        attribute, ///< parts[0].name, where that is no reference
        index,     ///< parts[0][parts[1]]
        splat,     ///< parts[0][*]: of every element what parts[1], parts[2], ... lead to; the last
                   ///< one may be a splat over that: its value is true, its own parts[0] unused
        call,      ///< name(parts...)
        spread,    ///< parts[0]...: the last argument of a call, as so many as it has items
        unary,     ///< name parts[0]
        binary,    ///< parts[0] name parts[1]
        condition, ///< parts[0] ? parts[1] : parts[2]
        each_list, ///< [for parts[0], parts[1] in parts[2] : parts[3] if parts[4]]
        each_map,  ///< {for parts[0], parts[1] in parts[2] : parts[3] => parts[4] if parts[5]}
        each_group ///< {for ... => parts[4]... if parts[5]}: the values of a key in a list
    };
    Kind kind = Kind::literal;
    Value value = {}; ///< the literal, or the name as a string; its place is the expression's
    std::vector<Expr> parts = {}; ///< an `if` that is missing is left out

    [[nodiscard]] Loc loc() const { return value.loc(); }
    [[nodiscard]] const std::string& name() const { return value.as_string(); }
};

/// Compiles a tree out of a spec: every string with `${` becomes an expression ("$${" is a literal
/// "${"), and so does every key of a map. A string that is one `${...}` and nothing else keeps the
/// type of its value. Syntax errors are added to `problems` with their place in `sources`, where
/// the arguments of sensitive() are hidden.
/// @param strings  of all that is compiled together
ExprPtr compile(const Value& tree, Sources& sources, StringPool& strings, Diagnostics& diagnostics);

/// Whether a text has an expression in it: a "${" that is not written "$${".
bool has_expression(std::string_view text);

/// A tree in which no expression can be used, with "$${" replaced by "${" in strings and keys. Adds
/// an error for each string with an expression.
/// @param where  "the default of a variable", for messages
/// @param hint   what to do instead
Value constant(const Value& tree, std::string_view where, std::string_view hint,
               Diagnostics& diagnostics);

/// Parses one string of a spec: what compile() does with each.
/// @throws Error(spec)
Expr parse_string(const Value& string, Sources& sources, StringPool& strings);

/// Whether something in the expression is written out, and does not only name what is elsewhere.
bool writes_literals(const Expr& expr);

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
    /// When the plan is made, in seconds since 1970 in UTC: what plantimestamp() gives.
    [[nodiscard]] virtual std::int64_t plan_time() const { return 0; }
};

/// The value of an expression. What depends on unknown values is unknown, what depends on secret
/// ones is secret: also what is not known yet, as soon as it may. Results carry the place of the
/// expression.
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
