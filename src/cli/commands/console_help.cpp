#include "cli/commands/console_help.h"

#include "cli/render/text.h"
#include "core/did_you_mean.h"
#include "planner/lang/functions.h"
#include "provider_api/schema.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kHelpColumns = 80;
constexpr std::size_t kMostNames = 30; ///< listed of each kind

template<class Blocks, class NameOf>
std::string listed(std::string_view what, const Blocks& blocks, NameOf name_of) {
    std::vector<std::string> names;
    for (const auto& b : blocks)
        if (std::string name = name_of(b); !name.empty()) names.push_back(std::move(name));
    if (names.empty()) return {};
    const std::size_t more = names.size() > kMostNames ? names.size() - kMostNames : 0;
    names.resize(names.size() - more);
    std::string text = fmt::format("  {}: {}", what, fmt::join(names, ", "));
    if (more > 0) text += fmt::format(", and {} more", more);
    std::string out;
    for (const std::string& line : wrap(text, kHelpColumns)) out += line + "\n";
    return out;
}

/// All names as written in expressions, without attributes.
std::vector<std::string> all_names(const Module& module, const Spec& spec) {
    std::vector<std::string> out;
    for (const ResourceBlock& b : module.resources) out.push_back(b.name);
    for (const Variable& v : module.variables) out.push_back("var." + v.attribute.name);
    for (const Local& l : module.locals) out.push_back("local." + l.name);
    for (const ModuleBlock& m : module.modules) out.push_back("module." + m.name);
    for (const auto& [name, file] : spec.secret_files) out.push_back("secret." + name);
    return out;
}

/// Adds the members of a complete name: attributes of a resource, outputs of a module.
void add_members(const Graph& graph, const std::string& begun, std::vector<std::string>& out) {
    const auto dot = begun.rfind('.');
    if (dot == begun.npos) return;
    const std::string owner = begun.substr(0, dot);
    const Module& module = graph.spec().root;
    if (const ResourceBlock* block = module.resource(owner))
        if (const ResourceType* type = graph.registry().type(block->type))
            for (const Attribute& a : type->schema) out.push_back(owner + "." + a.name);
    if (!owner.starts_with("module.")) return;
    if (const ModuleBlock* call = module.module(owner.substr(7)))
        for (const Output& o : call->module->outputs) out.push_back(owner + "." + o.name);
}
} // namespace

std::string console_help(const Graph& graph) {
    const Module& module = graph.spec().root;
    std::string out =
        "Expressions are evaluated as in the spec, with the values of the state:\n"
        "  1 + 2, join(\", \", [\"a\", \"b\"]), [for n in range(3) : n * 2], a string "
        "with ${...}\n\n";
    const std::string names =
        listed("resources", module.resources,
               [](const ResourceBlock& b) { return b.data ? std::string() : b.name; }) +
        listed("data", module.resources,
               [](const ResourceBlock& b) { return b.data ? b.name : std::string(); }) +
        listed("variables", module.variables,
               [](const Variable& v) { return "var." + v.attribute.name; }) +
        listed("locals", module.locals, [](const Local& l) { return "local." + l.name; }) +
        listed("modules", module.modules, [](const ModuleBlock& m) { return "module." + m.name; });
    if (!names.empty()) out += "Names:\n" + names + "\n";
    return out + "help NAME explains a function; `hadeploy docs functions` lists them.\n"
                 "Tab completes a word, Up and Down recall earlier lines, Ctrl-R searches them,\n"
                 "Ctrl-C clears the line, exit or Ctrl-D ends the console.\n";
}

std::string function_help(const std::string& name) {
    std::vector<std::string> known;
    for (const FunctionGroup& group : function_groups())
        for (const Function& f : group.functions) {
            known.emplace_back(f.name);
            if (f.name != name) continue;
            std::string out = fmt::format("{}({})\n", f.name, f.parameters);
            for (const std::string& line : wrap(f.doc, kHelpColumns)) out += "  " + line + "\n";
            return out + fmt::format("  {} gives {}\n", f.example, f.result);
        }
    Error error(ErrorKind::usage, fmt::format("there is no function {}()", name));
    const auto close = did_you_mean(name, known);
    throw std::move(error).with_hint(close ? fmt::format("did you mean {}()?", *close)
                                           : "`hadeploy docs functions` lists them");
}

std::vector<std::string> console_words(const Graph& graph, const std::string& begun) {
    std::vector<std::string> all = all_names(graph.spec().root, graph.spec());
    add_members(graph, begun, all);
    for (const FunctionGroup& group : function_groups())
        for (const Function& f : group.functions) all.push_back(std::string(f.name) + "(");
    std::erase_if(all, [&](const std::string& word) { return !word.starts_with(begun); });
    std::sort(all.begin(), all.end());
    return all;
}

} // namespace hadeploy::cli
