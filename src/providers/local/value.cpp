#include "providers/local/local_type.h"

namespace hadeploy::local {

namespace {
class Kept final : public KeptType {
  public:
    Kept() {
        name = "local.value";
        summary = "A value that is kept in the state.";
        doc =
            "It has no effect outside the state. It is a node in the graph: other resources can "
            "depend on it, be replaced with it (`replace_triggered_by`), and read the value as of "
            "the last apply. Destroy removes it from the state.";
        example = "release:\n"
                  "  type: local.value\n"
                  "  input: {image: \"${var.image}\", count: 3}\n";
        schema = {{.name = "input", .type = TypeKind::any, .doc = "The value."},
                  {.name = "triggers",
                   .type = TypeKind::any,
                   .doc = "Any value; the object is replaced when it changes.",
                   .replaces = true},
                  {.name = "output",
                   .type = TypeKind::any,
                   .doc = "The value of `input` as of the last apply.",
                   .computed = true,
                   .follows = {"input"}},
                  {.name = "id",
                   .type = TypeKind::string,
                   .doc = "A UUID that changes when the object is replaced.",
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
