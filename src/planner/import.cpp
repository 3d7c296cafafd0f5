#include "planner/import.h"

#include "core/text.h"

#include <fmt/format.h>

namespace hadeploy {

std::map<std::string, Import> read_imports(const Value& list, Problems& problems) {
    std::map<std::string, Import> out;
    if (list.is_null()) return out;
    for (const Value& one : list.is_list() ? list.as_list() : Value::List{list}) {
        const bool id = one["id"].is_null() || one["id"].is_string();
        if (!one.is_map() || !one["to"].is_string() || !id) {
            problems
                .add("import lists addresses under \"to\", each with an \"id\" if need be",
                     one.loc())
                .hint = "for example: import: [{to: 'node[\"a\"]', id: "
                        "1b4e28ba-2fa1-41d2-883f-0016d3cca427}]";
            continue;
        }
        for (const Entry& e : one.as_map())
            if (e.key != "to" && e.key != "id")
                problems.add(fmt::format("an import has no key {}", in_quotes(e.key)), e.loc).hint =
                    "it has: to, id";
        const auto [it, fresh] =
            out.emplace(one.text("to"), Import{one.text("id"), one["to"].loc()});
        if (!fresh)
            problems.add(fmt::format("{} is imported twice", in_quotes(it->first)), one["to"].loc())
                .with_note("first here", it->second.loc);
    }
    return out;
}

void check_imports(const Graph& graph, Problems& problems) {
    for (const auto& [address, import] : graph.spec().imports) {
        if (graph.find(address)) continue;
        Error& error =
            problems.add(fmt::format("import: the spec has no {}", in_quotes(address)), import.loc);
        std::vector<std::string> known;
        for (const Node& n : graph.nodes()) known.push_back(n.address);
        if (const auto close = did_you_mean(address, known))
            error.hint = fmt::format("did you mean {}?", *close);
    }
}

std::string new_identity(const Graph& graph, const World& world, const std::string& address) {
    const auto import = graph.spec().imports.find(address);
    if (import != graph.spec().imports.end() && !import->second.id.empty())
        return import->second.id;
    return identity_of(world.lineage, address, 1);
}

Decision decide_import(const ResourceType& type, const Value& config, const Observation& observed,
                       const Import& import) {
    const auto refusal = [&](std::string why, std::string hint) {
        return Error(ErrorKind::spec, "import: " + std::move(why), import.loc)
            .with_hint(std::move(hint));
    };
    if (observed.state == Observation::State::absent)
        throw refusal("there is nothing of this name to be imported",
                      "take the import out, and it is made anew");
    if (!observed.foreign.empty())
        throw refusal(import.id.empty() ? "what is there can't be taken over without its id"
                                        : "what is there has another id",
                      observed.foreign);
    Decision d = decide(type, config, nullptr, false, observed);
    if (d.action == Action::replace)
        throw refusal("it would be destroyed at once: " + d.reason,
                      "let the spec say what is there; change it once it is imported");
    if (d.action == Action::adopt)
        d.verb = "import";
    else
        d.reason = "imported";
    return d;
}

} // namespace hadeploy
