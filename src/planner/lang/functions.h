#pragma once

#include "planner/lang/expr.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Function;

/// One call as a function's body sees it: every argument has the type that the signature asks for.
struct Call {
    const Function& function;
    std::vector<Value> arguments;
    Loc loc;
    const Names& names;

    [[nodiscard]] std::size_t size() const { return arguments.size(); }
    const Value& operator[](std::size_t i) const { return arguments[i]; }
    const std::string& text(std::size_t i) const { return arguments[i].as_string(); }
    /// "upper(): message", at the call's place.
    [[nodiscard]] Error mistake(std::string message, std::string hint = {}) const;
    /// What a message says of an argument, or of what was read in it: quoted() and told() of
    /// core/secrecy.h.
    [[nodiscard]] std::string quoted(std::size_t i) const;
    [[nodiscard]] std::string quoted(std::size_t i, std::string_view part) const;
    [[nodiscard]] std::string redacted(std::size_t i) const;
    [[nodiscard]] std::string redacted(std::size_t i, std::string text) const;
    /// What somebody else says is wrong with an argument, in words that may hold parts of it.
    [[nodiscard]] Error passed_on(std::size_t i, const std::string& message,
                                  const std::string& hint = {}) const;
    /// For bodies that multiply: what they have made so far, before it takes all memory.
    /// @throws Error(spec) beyond kMaxValueWeight
    void check_size(std::size_t bytes) const;
    /// A local file named by an argument: relative to the file that the expression stands in.
    [[nodiscard]] std::filesystem::path file(std::size_t i) const;
};

/// A built-in function. Documentation, argument checks and one test of each come from this table.
struct Function {
    enum class Looks {
        at_shape,    ///< moves its arguments' elements about: those may be unknown
        at_contents, ///< needs to know them all
        for_itself,  ///< sees to what is unknown, and to what its result has of secrets
        lazily,      ///< is given its arguments unevaluated: see call_function()
    };
    std::string_view name;
    /// "text: string, width: integer?, items: list|map, more: any..."
    std::string_view parameters;
    std::string_view doc;
    std::string_view example; ///< an expression
    std::string_view result;  ///< what it gives, as JSON
    Value (*body)(const Call&) = nullptr;
    Looks looks = Looks::at_contents;
};

/// A group of functions under a heading of the reference.
struct FunctionGroup {
    std::string_view title;
    std::vector<Function> functions;
};

/// All of them, in the order of the reference.
const std::vector<FunctionGroup>& function_groups();

/// The value of a call expression.
/// @throws Error(spec): unknown function, wrong arguments, what the function itself refuses
Value call_function(const Expr& call, const Names& names);

/// A scalar as it stands within a text; the contents even of a secret.
std::string scalar_text(const Value& scalar);

// The groups, each in a file of its own.
FunctionGroup text_functions();
FunctionGroup collection_functions();
FunctionGroup set_functions();
FunctionGroup number_functions();
FunctionGroup encoding_functions();
FunctionGroup file_functions();
FunctionGroup network_functions();
FunctionGroup time_functions();
FunctionGroup conversion_functions();

} // namespace hadeploy
