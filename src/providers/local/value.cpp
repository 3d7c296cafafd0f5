#include "providers/local/local_type.h"

namespace hadeploy::local {

namespace {
/// A value that is kept.
class Kept final : public KeptType {
  public:
    Kept() {
        name = "local.value";
        summary = "A value that is kept in the state.";
        doc =
            "It has no effect. It gives a value a place in the graph: others can depend on it, be "
            "replaced when it is (`replace_triggered_by`), and find out what it was in the last "
            "apply. Destroy forgets it.";
        example = "release:\n"
                  "  type: local.value\n"
                  "  input: {image: \"${var.image}\", count: 3}\n";
        schema = {{.name = "input", .type = TypeKind::any, .doc = "The value."},
                  {.name = "triggers",
                   .type = TypeKind::any,
                   .doc = "Anything; when it changes, a new one is made.",
                   .replaces = true},
                  {.name = "output",
                   .type = TypeKind::any,
                   .doc = "The value of `input`, as it was last applied.",
                   .computed = true,
                   .follows = {"input"}},
                  {.name = "id",
                   .type = TypeKind::string,
                   .doc = "A UUID; a new one when it is replaced.",
                   .computed = true,
                   .open = true}};
    }

    Value derive(const Value& config) const override {
        return Value::map({{"output", config["input"]}});
    }
    Value make(const Change& change, const ProviderContext&) const override {
        return Value::map({{"id", change.identity}, {"output", change.after["input"]}});
    }
};
} // namespace

std::unique_ptr<ResourceType> value_type() {
    return std::make_unique<Kept>();
}

} // namespace hadeploy::local
