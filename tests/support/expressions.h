#pragma once

#include "core/value_json.h"
#include "planner/lang/eval.h"
#include "planner/lang/expr_parser.h"
#include "planner/yaml/yaml.h"

#include <string>

namespace hadeploy {

/// Resolves names in a map: `a.b` is the entry "b" of the entry "a".
class MapNames : public Names {
  public:
    MapNames(EvalContext& context, Value map) : Names(context), map_(std::move(map)) {}
    Value resolve(const std::string& name, const Path&, Loc loc, std::size_t& used) const override {
        used = 0;
        if (name == "path") return used = 1, Value(HADEPLOY_SOURCE_DIR "/tests/planner");
        return follow(map_, {Value(name)}, 0, loc, "the test");
    }

  private:
    Value map_;
};

/// The value of an expression with these names.
inline Value evaluated(const Expr& expr, const Value& names) {
    ExternalInputs inputs;
    EvalContext context(1'772'368'200, inputs);
    return evaluate(expr, MapNames(context, names));
}

/// Reads `text` as YAML and evaluates it: returns JSON with marks for secrets and unknown values,
/// or "line:column: message (hint)" of the first error.
inline std::string value_of(const std::string& text, const Value& names = Value::map({})) {
    Sources sources;
    Diagnostics diagnostics;
    try {
        const Value tree = read_yaml(sources, sources.add("test", text), diagnostics);
        StringPool strings;
        const ExprPtr expr = compile(tree, sources, strings, diagnostics);
        diagnostics.throw_if_any();
        return to_json(evaluated(*expr, names));
    } catch (const Error& errors) {
        const Error& e = errors;
        return sources.describe(e.loc).substr(5) + ": " + e.message +
               (e.hint.empty() ? "" : " (" + e.hint + ")");
    }
}

/// The same for the expression within `${...}`.
inline std::string eval(const std::string& expression, const Value& names = Value::map({})) {
    Sources sources;
    const Value text =
        Value("${" + expression + "}").at({1, 1, sources.add("test", "${" + expression + "}")});
    try {
        StringPool strings;
        return to_json(evaluated(parse_string(text, sources, strings), names));
    } catch (const Error& e) {
        return (e.loc.known() ? sources.describe(e.loc).substr(5) : "nowhere") + ": " + e.message +
               (e.hint.empty() ? "" : " (" + e.hint + ")");
    }
}

} // namespace hadeploy
