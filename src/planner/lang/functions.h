#pragma once

#include "planner/lang/eval.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Function;

/// A call, for the body of a function: every argument has the type that the signature requires.
struct Call {
    const Function& function;
    std::vector<Value> arguments;
    Loc loc;
    const Names& names;

    [[nodiscard]] std::size_t size() const { return arguments.size(); }
    const Value& operator[](std::size_t i) const { return arguments[i]; }
    const std::string& text(std::size_t i) const { return arguments[i].as_string(); }
    /// The error "upper(): message" at the location of the call.
    [[nodiscard]] Error mistake(std::string message, std::string hint = {}) const;
    /// An argument, or a part of it, for a message: see quoted() and redacted() in core/secrecy.h.
    [[nodiscard]] std::string quoted(std::size_t i) const;
    [[nodiscard]] std::string quoted(std::size_t i, std::string_view part) const;
    [[nodiscard]] std::string redacted(std::size_t i) const;
    [[nodiscard]] std::string redacted(std::size_t i, std::string text) const;
    /// The error for a problem that other code reported about an argument. `message` can contain
    /// parts of the argument.
    [[nodiscard]] Error passed_on(std::size_t i, const std::string& message,
                                  const std::string& hint = {}) const;
    /// Limits the size of a result. Functions whose result can be much larger than their arguments
    /// call it with the size so far, before memory runs out.
    /// @throws Error(spec) beyond kMaxValueWeight
    void check_size(std::size_t bytes) const;
    /// The path of a local file that an argument names, relative to the directory of the file that
    /// contains the expression.
    [[nodiscard]] std::filesystem::path file(std::size_t i) const;
};

/// A built-in function. The reference, the checks of arguments and one test of each function are
/// generated from these entries.
struct Function {
    enum class Looks {
        at_shape,    ///< only rearranges the elements of its arguments, so these can be unknown
        at_contents, ///< needs all values to be known
        for_itself,  ///< handles unknown values and the secrecy of its result itself
        lazily,      ///< receives its arguments unevaluated: see call_function()
    };
    std::string_view name;
    /// "text: string, width: integer?, items: list|map, more: any..."
    std::string_view parameters;
    std::string_view doc;
    std::string_view example; ///< an expression
    std::string_view result;  ///< its value, as JSON
    Value (*body)(const Call&) = nullptr;
    Looks looks = Looks::at_contents;
};

/// A group of functions under a heading of the reference.
struct FunctionGroup {
    std::string_view title;
    std::vector<Function> functions;
};

/// All functions, in the order of the reference.
const std::vector<FunctionGroup>& function_groups();

/// The value of a call expression.
/// @throws Error(spec): unknown function, wrong arguments, errors of the function itself
Value call_function(const Expr& call, const Names& names);

/// A scalar as text, even if it is secret.
std::string scalar_text(const Value& scalar);

// Each group is in a file of its own.
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
