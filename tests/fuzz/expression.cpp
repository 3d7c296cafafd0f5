// Parses and evaluates any text as an expression over values of all kinds. An input without "${" is
// wrapped in one.
#include "fuzz.h"

#include "core/value_json.h"
#include "planner/lang/eval.h"
#include "planner/lang/expr_parser.h"

using namespace hadeploy;
using namespace hadeploy::fuzz;

namespace {

constexpr const char* kSecret = "canary-7f3a";

/// Names with one value of each kind.
class AllKinds : public Names {
  public:
    using Names::Names;
    Value resolve(const std::string& name, const Path& path, Loc loc,
                  std::size_t& used) const override {
        used = 0;
        if (name == "path") { // base of relative paths
            used = path.empty() ? 0 : 1;
            return ".";
        }
        return follow(all_, {Value(name)}, 0, loc, "the fuzzer");
    }

  private:
    Value all_ = Value::map(
        {{"n", 7},
         {"f", 2.5},
         {"t", "some text"},
         {"b", true},
         {"nothing", Value()},
         {"unknown", Value::unknown()},
         {"secret", Value(kSecret).as_secret()},
         {"list", Value::list({1, "two", 3.0, Value::list({4, Value()}), Value::unknown()})},
         {"names", Value::list({"node1", "node2", "node3"})},
         {"map", Value::map({{"a", 1},
                             {"b", Value::map({{"c", "deep"}})},
                             {"s", Value(kSecret).as_secret()},
                             {"u", Value::unknown()}})}});
};

/// Checks that a value encoded as JSON or YAML is decoded to itself, if it can be encoded.
void check_round_trip(const Value& value, const char* way) {
    if (value.contains_unknown() || value.contains_secret()) return;
    Sources sources;
    const std::string expression = std::string("${") + way + "}";
    const Value text = Value(expression).at({1, 1, sources.add("round trip", expression)});
    class One : public Names {
      public:
        One(EvalContext& context, const Value& value) : Names(context), value_(value) {}
        Value resolve(const std::string&, const Path&, Loc, std::size_t& used) const override {
            return used = 0, value_;
        }

      private:
        const Value& value_;
    };
    try {
        StringPool strings;
        ExternalInputs inputs;
        EvalContext context(0, inputs);
        const Value back = evaluate(parse_string(text, sources, strings), One(context, value));
        require(to_json(back) == to_json(value), way);
    } catch (const Error&) { // not UTF-8, too many levels, or too long a key
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text(Input(data, size).rest());
    if (text.find("${") == std::string::npos) text = "${" + text + "}";
    Sources sources;
    const Value string = Value(text).at({1, 1, sources.add("input", text)});
    try {
        StringPool strings;
        ExternalInputs inputs;
        EvalContext context(0, inputs);
        const Value value = evaluate(parse_string(string, sources, strings), AllKinds(context));
        const bool spelled = text.find("canary") != text.npos || text.find("7f3a") != text.npos ||
                             text.find("nonsensitive") != text.npos;
        require(spelled || to_public_json(value).find(kSecret) == std::string::npos,
                "a value computed from a secret is secret");
        check_round_trip(value, "jsondecode(jsonencode(v))");
        check_round_trip(value, "yamldecode(yamlencode(v))");
    } catch (const Error&) { // reported errors are fine
    }
    return 0;
}
