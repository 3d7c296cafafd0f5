#include "planner/graph/reference_hints.h"

#include "core/text.h"
#include "provider_api/bare_reference.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

using Steps = std::vector<std::string>;

std::string reference_text(const std::string& first, const Steps& steps, std::size_t from) {
    std::string out = "${" + first;
    for (std::size_t i = from; i < steps.size(); ++i) out += "." + steps[i];
    return out + "}";
}

/// `random_id.a.hex`, `random.id.a.hex`, `data.http.a.url`: a reference with the resource's type.
std::string with_type(const Module& module, const Registry& registry, Steps names) {
    if (names.front() == "resource") names.erase(names.begin());
    const bool data = !names.empty() && names.front() == "data";
    if (data) names.erase(names.begin());
    if (names.empty()) return {};
    std::string type = names.front();
    std::size_t taken = 1;
    if (const auto at = type.find('_'); registry.type(type) == nullptr && at != type.npos)
        type[at] = '.'; // random_id
    if (registry.type(type) == nullptr && names.size() > 1)
        type = names.front() + "." + names[1], taken = 2;
    if (registry.type(type) == nullptr) return {};
    constexpr std::string_view rule = "refer to a resource by its key, without its type: ";
    if (names.size() > taken) {
        const std::string name = (data ? "data." : "") + names[taken];
        if (module.resource(name) != nullptr)
            return std::string(rule) + reference_text(name, names, taken + 1);
    }
    return std::string(rule) + (data ? "${data.NAME.ATTRIBUTE}" : "${NAME.ATTRIBUTE}");
}

/// Names that other tools use, or that are sections of a spec.
std::string by_another_name(const Module& module, const Reference& r) {
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), r.name) != names.end();
    };
    if (is({"vars", "variable", "variables", "input", "inputs"}))
        return "a variable is " +
               reference_text("var", r.steps.empty() ? Steps{"NAME"} : r.steps, 0);
    if (is({"locals"}))
        return "a local is " +
               reference_text("local", r.steps.empty() ? Steps{"NAME"} : r.steps, 0);
    if (is({"modules"}))
        return "a module's output is " + (r.steps.size() > 1
                                              ? reference_text("module", r.steps, 0)
                                              : std::string("${module.NAME.OUTPUT}"));
    if (is({"secrets"}))
        return "a secret is " + (r.steps.size() > 1 ? reference_text("secret", r.steps, 0)
                                                    : std::string("${secret.NAME.KEY}"));
    if (is({"output", "outputs"}))
        return "a spec can't refer to its own outputs: repeat the output's expression; a module's "
               "output is ${module.NAME.OUTPUT}";
    if (is({"env"})) return environment_hint(r.steps.empty() ? "NAME" : r.steps[0]);
    if (is({"terraform", "tofu"}))
        return "a project is a directory, there are no workspaces: use a variable for the "
               "differences";
    if (!r.steps.empty()) return {};
    if (module.variable(r.name) != nullptr) return "a variable is ${var." + r.name + "}";
    if (module.local(r.name) != nullptr) return "a local is ${local." + r.name + "}";
    if (module.resource("data." + r.name) != nullptr)
        return "a data source is ${data." + r.name + "}";
    if (module.module(r.name) != nullptr) return "a module's output is ${module." + r.name + "}";
    return {};
}

} // namespace

std::string environment_hint(std::string_view name) {
    return fmt::format("environment variables cannot be read directly: declare a variable, set "
                       "{0}{1} in the environment, and use ${{var.{1}}}",
                       "HADEPLOY_VAR_", name);
}

std::string reference_hint(const Module& module, const Registry& registry, const Reference& r) {
    if (!r.key_of.empty() && r.steps.empty())
        return fmt::format("a key is written in quotes: {}[\"{}\"]", r.key_of, r.name);
    Steps names{r.name};
    names.insert(names.end(), r.steps.begin(), r.steps.end());
    if (std::string hint = with_type(module, registry, std::move(names)); !hint.empty())
        return hint;
    return by_another_name(module, r);
}

namespace {

/// Searches the values of a module for strings that would be references if they were in ${}.
class HintSearch {
  public:
    explicit HintSearch(const Graph& graph) : graph_(graph) { module(graph.spec().root); }
    std::vector<std::string> found;

  private:
    void module(const Module& m) {
        if (!done_.insert(&m).second) return;
        for (const ResourceBlock& b : m.resources)
            for (const Argument& a : b.attributes) walk(m, *a.value, &b);
        for (const Local& l : m.locals) walk(m, *l.value, nullptr);
        for (const Output& o : m.outputs) walk(m, *o.value, nullptr);
        for (const ModuleBlock& call : m.modules) {
            for (const auto& [name, value] : call.inputs) walk(m, *value, nullptr);
            module(*call.module);
        }
    }

    void walk(const Module& m, const Expr& expr, const ResourceBlock* block) {
        if (expr.kind == Expr::Kind::literal) return walk(m, expr.value, block);
        // a literal within an expression is intended
        if (expr.kind != Expr::Kind::list && expr.kind != Expr::Kind::map) return;
        const bool map = expr.kind == Expr::Kind::map;
        for (std::size_t i = map ? 1 : 0; i < expr.parts.size(); i += map ? 2 : 1)
            walk(m, expr.parts[i], block);
    }

    /// Searches a value without expressions.
    void walk(const Module& m, const Value& value, const ResourceBlock* block) {
        if (value.is_list())
            for (const Value& item : value.as_list()) walk(m, item, block);
        if (value.is_map())
            for (const Entry& e : value.as_map()) walk(m, e.value, block);
        if (value.is_string() && !value.secret()) look(m, value, block);
    }

    void look(const Module& m, const Value& value, const ResourceBlock* block) {
        const std::string& text = value.as_string();
        if (text.find('.') == text.npos || text.size() > kLongest) return;
        const Steps names = names_in_reference(text);
        if (names.size() < 2 || !is_there(m, names, block)) return;
        found.push_back(fmt::format("{}: {} is used as text; to refer to the value, write ${{{}}}",
                                    graph_.spec().sources.describe(value.loc()), in_quotes(text),
                                    text));
    }

    /// Of a resource, only computed attributes count, because `web.path` is probably a file name.
    bool is_there(const Module& m, const Steps& names, const ResourceBlock* block) const {
        const std::string &root = names[0], &name = names[1];
        if (root == "var") return m.variable(name) != nullptr;
        if (root == "local") return m.local(name) != nullptr;
        if (root == "data") return names.size() > 2 && m.resource("data." + name) != nullptr;
        if (root == "secret") return names.size() > 2 && graph_.spec().secret_files.contains(name);
        if (root == "each" && block != nullptr)
            return block->for_each != nullptr && (name == "key" || name == "value");
        if (root == "count" && block != nullptr) return block->count != nullptr && name == "index";
        if (root == "module") {
            const ModuleBlock* call = m.module(name);
            return call != nullptr && names.size() > 2 &&
                   call->module->output(names.back()) != nullptr;
        }
        const ResourceBlock* other = m.resource(root);
        const ResourceType* type = other == nullptr ? nullptr : graph_.registry().type(other->type);
        const Attribute* attribute = type == nullptr ? nullptr : find_attribute(type->schema, name);
        return attribute != nullptr && attribute->computed;
    }

    static constexpr std::size_t kLongest = 200;
    const Graph& graph_;
    std::set<const Module*> done_;
};

} // namespace

std::vector<std::string> bare_references(const Graph& graph) {
    constexpr std::size_t most = 10;
    std::vector<std::string> all = HintSearch(graph).found;
    if (all.size() <= most) return all;
    const std::size_t more = all.size() - most;
    all.resize(most);
    all.push_back(fmt::format("and {} more such strings", more));
    return all;
}

} // namespace hadeploy
