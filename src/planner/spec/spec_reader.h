#pragma once

#include "planner/spec/spec.h"

#include <string_view>

namespace hadeploy {

inline constexpr std::string_view kEscape = "\"$${\" stands for the characters \"${\"";

/// What the sections of a spec have in common: the form of names, maps, lists, rules. Mistakes go
/// to `problems`; what is wrong is left out of the result.
class SpecReader {
  public:
    SpecReader(Spec& spec, Diagnostics& diagnostics) : spec_(spec), diagnostics_(diagnostics) {}

    ExprPtr compiled(const Value& tree) {
        return compile(tree, spec_.sources, strings_, diagnostics_);
    }
    /// Reports the keys of `map` that `owner` ("a spec") does not have.
    void unknown_keys(const Value& map, const std::vector<std::string>& known,
                      std::string_view owner);
    /// The entries of a section of names.
    std::vector<Entry> blocks(const Value& section, std::string_view what);
    bool is_map(const Value& value, const Entry& owner, std::string_view what);
    /// Reports `${...}` where `where` ("a description") takes none, and tells whether there is any.
    bool refuse_expressions(const Value& text, std::string_view where, std::string_view hint);
    bool refuse_expression_key(const Entry& e);
    /// `[{check: "${...}", message: ...}]`, or one such map.
    std::vector<Rule> load_rules(const Value& list, std::string_view what);
    std::vector<Dependency> load_dependencies(const Value& list);
    /// A list of names, or one. Whether they are expressions is for the caller to see.
    std::vector<Dependency> load_names(const Value& list, const char* mistake);
    bool load_flag(const Entry& e);
    void load_lifecycle(const Entry& e, ResourceBlock& block);
    /// Nothing when the text has not the form of an address.
    std::optional<AddressPattern> load_pattern(const Value& text, std::string_view what);

    // sections of addresses
    void load_removed(const Value& list);
    void load_moves(const Value& list);
    void load_imports(const Value& list);

  protected:
    Spec& spec_;
    Diagnostics& diagnostics_;

  private:
    bool check_name(const Entry& e);
    void load_triggers(const Value& list, const ResourceBlock& block, Lifecycle& lifecycle);
    bool check_address(const Value& text, std::string_view what);

    StringPool strings_;
};

/// Checks what can be said of moves and of `removed:` without values: addresses that come twice,
/// circles, moves to what the spec does not have. Puts the moves of a chain in order.
void check_spec_addresses(Spec& spec, Diagnostics& diagnostics);

} // namespace hadeploy
