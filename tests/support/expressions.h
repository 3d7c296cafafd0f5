#pragma once

#include "planner/lang/expr.h"
#include "planner/yaml/yaml.h"

#include <string>

namespace hadeploy {

/// Names out of one map: `a.b` is what the map has for "a", and of that "b".
class MapNames : public Names {
  public:
    explicit MapNames(Value map) : map_(std::move(map)) {}
    Value resolve(const std::string& name, const Path&, Loc loc, std::size_t& used) const override {
        used = 0;
        if (name == "path") return used = 1, Value(HADEPLOY_SOURCE_DIR "/tests/planner");
        return follow(map_, {Value(name)}, 0, loc, "the test");
    }

    [[nodiscard]] std::int64_t plan_time() const override { return 1'772'368'200; }

  private:
    Value map_;
};

/// The value of `text` read as YAML and evaluated: as JSON with its secrets and unknowns marked, or
/// "line:column: message (hint)" of the first error.
inline std::string value_of(const std::string& text, const Value& names = Value::map({})) {
    Sources sources;
    Diagnostics diagnostics;
    try {
        const Value tree = read_yaml(sources, sources.add("test", text), diagnostics);
        StringPool strings;
        const ExprPtr expr = compile(tree, sources, strings, diagnostics);
        diagnostics.throw_if_any();
        return to_json(evaluate(*expr, MapNames(names)));
    } catch (const Error& errors) {
        const Error& e = errors;
        return sources.describe(e.loc).substr(5) + ": " + e.message +
               (e.hint.empty() ? "" : " (" + e.hint + ")");
    }
}

/// Of what stands within `${...}`.
inline std::string eval(const std::string& expression, const Value& names = Value::map({})) {
    Sources sources;
    const Value text =
        Value("${" + expression + "}").at({1, 1, sources.add("test", "${" + expression + "}")});
    try {
        StringPool strings;
        return to_json(evaluate(parse_string(text, sources, strings), MapNames(names)));
    } catch (const Error& e) {
        return (e.loc.known() ? sources.describe(e.loc).substr(5) : "nowhere") + ": " + e.message +
               (e.hint.empty() ? "" : " (" + e.hint + ")");
    }
}

} // namespace hadeploy
