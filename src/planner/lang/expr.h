#pragma once

#include "core/error.h"
#include "core/string_pool.h"
#include "core/value.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

/// A value as written in the spec, compiled once: scalars, containers, and `${...}` within strings.
/// A large spec has very many nodes, so a node holds only a value and its parts, which are stored
/// contiguously.
struct Expr {
    enum class Kind : std::uint8_t {
        literal,   ///< value
        text,      ///< parts, joined into one string
        list,      ///< parts
        map,       ///< a key, its value, the next key, ...
        reference, ///< name.PART.PART...: a root such as var, each, module, or a resource
        attribute, ///< parts[0].name, if it is not a reference
        index,     ///< parts[0][parts[1]]
        splat, ///< parts[0][*]: for each element the value at the path parts[1], parts[2], ...; the
               ///< last part can be another splat over that value, with value true and its own
               ///< parts[0] unused
        call,  ///< name(parts...)
        spread,    ///< parts[0]...: the last argument of a call, expanded into one argument for
                   ///< each item
        unary,     ///< name parts[0]
        binary,    ///< parts[0] name parts[1]
        condition, ///< parts[0] ? parts[1] : parts[2]
        each_list, ///< [for parts[0], parts[1] in parts[2] : parts[3] if parts[4]]
        each_map,  ///< {for parts[0], parts[1] in parts[2] : parts[3] => parts[4] if parts[5]}
        each_group ///< {for ... => parts[4]... if parts[5]}: a list of all values of a key
    };
    Kind kind = Kind::literal;
    /// The literal, or the name as a string. Its location is the location of the expression.
    Value value = {};
    std::vector<Expr> parts = {}; ///< a missing `if` is left out

    [[nodiscard]] Loc loc() const { return value.loc(); }
    [[nodiscard]] const std::string& name() const { return value.as_string(); }
};

/// Compiles a tree of a spec. Every string with `${`, including the keys of maps, becomes an
/// expression ("$${" is a literal "${"). A string that consists of one `${...}` keeps the type of
/// its value. Syntax errors are added to `diagnostics` with their location in `sources`. The
/// arguments of sensitive() are hidden in `sources`.
/// @param strings  pool that is shared by everything that is compiled together
ExprPtr compile(const Value& tree, Sources& sources, StringPool& strings, Diagnostics& diagnostics);

/// Whether a text contains an expression, which is a "${" that is not part of "$${".
bool has_expression(std::string_view text);

/// Replaces "$${" by "${" in the strings and keys of a tree that cannot contain expressions. Adds
/// an error for each string with an expression.
/// @param where  "the default of a variable", for messages
/// @param hint   what to do instead
Value constant(const Value& tree, std::string_view where, std::string_view hint,
               Diagnostics& diagnostics);

/// Whether the expression contains literals, so that it does not only refer to values elsewhere.
bool writes_literals(const Expr& expr);
/// Whether an argument of sensitive() contains a secret: a literal, or a word that was meant to be
/// in quotes.
bool may_be_written_secret(const Expr& expr);

} // namespace hadeploy
