#pragma once

#include "planner/spec/spec.h"

#include <string_view>

namespace hadeploy {

inline constexpr std::string_view kEscape = "write \"$${\" for the characters \"${\"";

/// Reads the elements that the sections of a spec have in common: names, maps, lists, rules.
/// Problems are added to the diagnostics; invalid entries are omitted from the result.
class SpecReader {
  public:
    SpecReader(Spec& spec, Diagnostics& diagnostics) : spec_(spec), diagnostics_(diagnostics) {}

    ExprPtr compiled(const Value& tree) {
        return compile(tree, spec_.sources, strings_, diagnostics_);
    }
    /// Reports keys of `map` that `owner` ("a spec") does not have.
    void unknown_keys(const Value& map, const std::vector<std::string>& known,
                      std::string_view owner);
    /// The entries of a section whose keys are names.
    std::vector<Entry> blocks(const Value& section, std::string_view what);
    bool is_map(const Value& value, const Entry& owner, std::string_view what);
    /// Reports `${...}` in a value that cannot contain expressions; `where` describes it ("a
    /// description"). Returns whether there was one.
    bool refuse_expressions(const Value& text, std::string_view where, std::string_view hint);
    bool refuse_expression_key(const Entry& e);
    /// Reads `[{check: "${...}", message: ...}]`, or a single such map.
    std::vector<Rule> load_rules(const Value& list, std::string_view what);
    std::vector<Dependency> load_dependencies(const Value& list);
    /// Reads a list of names, or a single name. Callers check them for expressions.
    std::vector<Dependency> load_names(const Value& list, const char* mistake);
    bool load_flag(const Entry& e);
    void load_lifecycle(const Entry& e, ResourceBlock& block);
    /// Returns nullopt if the text is not an address.
    std::optional<AddressPattern> load_pattern(const Value& text, std::string_view what);

    // sections with addresses
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

} // namespace hadeploy
