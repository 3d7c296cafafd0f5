#include "planner/import.h"

#include "core/text.h"
#include "planner/address.h"

#include <algorithm>
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
        if (one.text("id").find("${") != std::string::npos)
            problems.add("an import's id is written out: it can't be an expression",
                         one["id"].loc());
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

namespace {

/// An import that the command line asks for has no place: it is not the spec that is wrong.
Error refusal(const Import& import, ErrorKind kind, std::string why, std::string hint) {
    return Error(import.loc.known() ? ErrorKind::spec : kind, "import: " + std::move(why),
                 import.loc)
        .with_hint(std::move(hint));
}

std::optional<Error> wrong_type(const ResourceType& type, const Import& import) {
    if (!type.import_id.empty() || (type.adopts && import.id.empty())) return std::nullopt;
    return refusal(import, ErrorKind::usage, fmt::format("a {} can't be imported", type.name),
                   type.adopts ? "nor need it be: an apply takes over what is there"
                               : "`hadeploy docs TYPE` tells of each type whether it can be");
}

} // namespace

void check_imports(const Graph& graph, Problems& problems) {
    for (const auto& [address, import] : graph.spec().imports) {
        if (const auto node = graph.find(address)) {
            if (auto error = wrong_type(*graph[*node].type, import)) {
                error->address = address;
                problems.add(std::move(*error));
            }
            continue;
        }
        std::vector<std::string> known;
        for (const Node& n : graph.nodes()) known.push_back(n.address);
        Error error = unknown_address({}, address, known,
                                      "write its block first: what is imported is read by that");
        problems.add(refusal(import, ErrorKind::usage,
                             fmt::format("the spec has no {}", in_quotes(address)),
                             std::move(error.hint)));
    }
}

std::string imported_id(const Graph& graph, const std::string& address) {
    const auto import = graph.spec().imports.find(address);
    return import == graph.spec().imports.end() ? "" : import->second.id;
}

Decision decide_import(const ResourceType& type, const Value& config, const Observation& observed,
                       const Import& import) {
    const auto refuse = [&](std::string why, std::string hint) {
        throw refusal(import, ErrorKind::failed, std::move(why), std::move(hint));
    };
    const std::string what_id =
        type.import_id.empty() ? "" : fmt::format("the ID is {}", type.import_id);
    if (observed.state == Observation::State::absent)
        refuse(import.id.empty() ? fmt::format("there is no {} of this name", type.name)
                                 : fmt::format("there is no {} {}", type.name, import.id),
               !what_id.empty() ? what_id : "take the import out, and it is made anew");
    if (!observed.foreign.empty())
        refuse(import.id.empty()
                   ? "what is there can't be taken over without its ID: " + observed.foreign
                   : fmt::format("what is there by that name is not {}: {}", import.id,
                                 observed.foreign),
               what_id);
    Decision d = decide(type, config, nullptr, {}, observed);
    if (d.action == Action::replace)
        refuse("it would be destroyed at once: " + d.reason,
               "let the spec say what is there; change it once it is imported");
    if (d.action == Action::adopt)
        d.verb = "import";
    else
        d.reason = "imported";
    return d;
}

Error import_too_early(const Import& import) {
    return refusal(import, ErrorKind::failed, "it can't be read yet",
                   "import it in another run, once what it rests on is made, and up");
}

Recorded imported(const std::string& address, const Plan& plan, const Graph& graph) {
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [&](const Step& s) { return s.address == address; });
    const ResourceType& type = *step->type;
    for (const Attribute& a : type.schema)
        if (!a.computed && step->after[a.name].contains_unknown()) {
            Error error(ErrorKind::failed,
                        fmt::format("{} is not known before what it refers to is made", a.name),
                        step->after[a.name].loc());
            error.address = address;
            throw std::move(error).with_hint("apply that first: --target names it");
        }
    const Value attributes = complete(type, step->after.with_all(step->before), {});
    return {address,
            type.name,
            step->generation,
            step->identity,
            step->after,
            with_machine(type, address, attributes),
            graph.dependencies(*step->node)};
}

} // namespace hadeploy
