// Evaluations share nothing but the note of external inputs.
#include "planner/lang/expr_parser.h"
#include "support/expressions.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// Whether the value of an expression depends on something outside of the spec.
bool looks_outside(const std::string& expression) {
    const TestSpec t(("name: t\noutputs: {o: \"${" + expression + "}\"}\n").c_str());
    return t.spec.external_inputs->any();
}

/// Names whose value is computed by another evaluation.
class Nested : public MapNames {
  public:
    Nested(EvalContext& context, const std::string& inner)
        : MapNames(context, Value::map({})), inner_(inner) {}
    Value resolve(const std::string&, const Path& path, Loc, std::size_t& used) const override {
        used = path.size();
        return eval(inner_); // as JSON
    }

  private:
    const std::string& inner_;
};

Value nested(const std::string& outer, const std::string& inner) {
    Sources sources;
    StringPool strings;
    ExternalInputs inputs;
    EvalContext context(0, inputs);
    const Value text = Value("${" + outer + "}").at({1, 1, sources.add("test", outer)});
    return evaluate(parse_string(text, sources, strings), Nested(context, inner));
}

} // namespace

TEST_CASE("external inputs are noted for the spec that depends on them") {
    CHECK(looks_outside("fileexists('/no/such.file')"));
    CHECK(looks_outside("plantimestamp()"));
    CHECK_FALSE(looks_outside("pathexpand('/etc')"));
    CHECK_FALSE(looks_outside("upper('a')"));
}

TEST_CASE("a relative path of a variable is an external input") {
    const auto text = [](const std::string& type) {
        return "name: t\nvariables: {p: {type: " + type + ", default: a}}\n";
    };
    CHECK(TestSpec(text("local_path").c_str()).spec.external_inputs->any());
    CHECK_FALSE(TestSpec(text("string").c_str()).spec.external_inputs->any());
}

TEST_CASE("an evaluation within another one has its own state") {
    // a template can't render another one, but here the other one has nothing to do with it
    CHECK(nested("templatestring('$${path.module}', {})", "templatestring('$${a}', {a: 1})") ==
          Value("\"1\""));
}

TEST_CASE("an evaluation can follow another one that failed") {
    ExternalInputs inputs;
    EvalContext context(0, inputs);
    Sources sources;
    StringPool strings;
    const auto value = [&](const std::string& expression) {
        const Value text =
            Value("${" + expression + "}").at({1, 1, sources.add("test", expression)});
        return evaluate(parse_string(text, sources, strings), MapNames(context, Value::map({})));
    };
    CHECK_THROWS_AS(value("templatestring('$${a.b}', {a: 1})"), Error);
    CHECK(context.depth == 0);
    CHECK(value("templatestring('$${a}', {a: 1})") == Value("1"));
}
