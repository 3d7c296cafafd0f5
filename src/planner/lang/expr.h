#pragma once

#include "core/error.h"
#include "core/string_pool.h"
#include "core/value.h"
#include "planner/lang/eval_context.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

/// A value as written in the spec, compiled once: scalars, containers, and `${...}` within strings.
/// A large spec has very many of them, so a node holds only a value and its parts, stored
/// contiguously.
struct Expr {
    enum class Kind : std::uint8_t {
        literal,   ///< value
        text,      ///< parts, joined to one string
        list,      ///< parts
        map,       ///< a key, its value, the next key, ...
        reference, ///< name.PART.PART...: a root such as var, each, module, or a resource
        attribute, ///< parts[0].name, if it is not a reference
        index,     ///< parts[0][parts[1]]
        splat,     ///< parts[0][*]: for each element the value at the path parts[1], parts[2], ...;
                   ///< the last part can be another splat over that, with value true and its own
                   ///< parts[0] unused
        call,      ///< name(parts...)
        spread,    ///< parts[0]...: the last argument of a call, expanded into one argument for
                   ///< each item
        unary,     ///< name parts[0]
        binary,    ///< parts[0] name parts[1]
        condition, ///< parts[0] ? parts[1] : parts[2]
        each_list, ///< [for parts[0], parts[1] in parts[2] : parts[3] if parts[4]]
        each_map,  ///< {for parts[0], parts[1] in parts[2] : parts[3] => parts[4] if parts[5]}
        each_group ///< {for ... => parts[4]... if parts[5]}: the values of a key in a list
    };
    Kind kind = Kind::literal;
    Value value = {}; ///< the literal, or the name as a string; its place is that of the expression
    std::vector<Expr> parts = {}; ///< a missing `if` is left out

    [[nodiscard]] Loc loc() const { return value.loc(); }
    [[nodiscard]] const std::string& name() const { return value.as_string(); }
};

/// Compiles a tree of a spec: every string with `${` becomes an expression ("$${" is a literal
/// "${"), and so does every key of a map. A string that consists of one `${...}` keeps the type of
/// its value. Syntax errors are added to `diagnostics` with their place in `sources`, where the
/// arguments of sensitive() are hidden.
/// @param strings  shared by everything that is compiled together
ExprPtr compile(const Value& tree, Sources& sources, StringPool& strings, Diagnostics& diagnostics);

/// Whether a text contains an expression: a "${" that is not written "$${".
bool has_expression(std::string_view text);

/// Replaces "$${" by "${" in the strings and keys of a tree that cannot contain expressions. Adds
/// an error for each string with an expression.
/// @param where  "the default of a variable", for messages
/// @param hint   what to do instead
Value constant(const Value& tree, std::string_view where, std::string_view hint,
               Diagnostics& diagnostics);

/// Parses one string of a spec; compile() uses it for each string.
/// @throws Error(spec)
Expr parse_string(const Value& string, Sources& sources, StringPool& strings);

/// Whether the expression contains literals, and not only references to values elsewhere.
bool writes_literals(const Expr& expr);

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
    /// the result already accounts for. Using more of them keeps dependencies narrow:
    /// `var.hosts["node1"]` then depends only on the dependencies of node1.
    /// @throws Error(spec) for an unknown name
    virtual Value resolve(const std::string& name, const Path& path, Loc loc,
                          std::size_t& used) const = 0;
    /// The keys (with count: the indices) of the instances, if `name` and `path` lead to a module
    /// that has instances. A splat over them then evaluates only the parts of each that it needs.
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
