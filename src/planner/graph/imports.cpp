#include "planner/graph/imports.h"

#include "core/text.h"
#include "planner/graph/early.h"
#include "planner/graph/instances.h"
#include "planner/spec/address.h"
#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

Error import_error(const Import& import, ErrorKind kind, std::string why, std::string hint) {
    return Error(import.loc.known() ? ErrorKind::spec : kind, "import: " + std::move(why),
                 import.loc)
        .with_hint(std::move(hint));
}

namespace {

std::optional<Error> wrong_type(const ResourceType& type, const Import& import) {
    if (!type.import_id.empty() || (type.adopts && import.id.empty())) return std::nullopt;
    return import_error(import, ErrorKind::usage, fmt::format("a {} can't be imported", type.name),
                        type.adopts ? "no import is needed: an apply adopts the existing object"
                                    : "`hadeploy docs TYPE` shows whether a type can be imported");
}

/// Adds the import that an entry gives for one instance of its for_each.
void add_import(const ImportBlock& block, const Graph& graph, const Instance* instance,
                std::map<std::string, Import>& out, Diagnostics& diagnostics) {
    Import import{.id = {}, .loc = block.loc};
    if (block.id != nullptr) {
        const Value id = evaluate_early(*block.id, graph, graph.root(), instance, "import: the id");
        if (!id.is_string() && !id.is_null())
            throw Error(ErrorKind::spec,
                        fmt::format("import: the id is a string, not {}", id.kind_name()),
                        block.id->loc())
                .with_hint("use tostring() for a number");
        if (id.is_string()) import.id = id.as_string();
    }
    const std::string address = address_of(block.to, graph, graph.root(), instance, "import");
    const auto [it, fresh] = out.emplace(address, std::move(import));
    if (fresh) return;
    Error& error =
        diagnostics.add(fmt::format("{} is imported twice", in_quotes(address)), block.loc);
    if (it->second.loc != block.loc)
        error.with_note("first here", it->second.loc).with_hint("remove one of the two entries");
    else
        error.hint = "use each.key in the address: to: 'web[each.key]'";
}

void add_imports(const ImportBlock& block, const Graph& graph, std::map<std::string, Import>& out,
                 Diagnostics& diagnostics) {
    if (block.for_each == nullptr) return add_import(block, graph, nullptr, out, diagnostics);
    const Value over =
        evaluate_early(*block.for_each, graph, graph.root(), nullptr, "import: for_each");
    for (std::string& key : instance_keys(over, *block.for_each)) {
        const Instance instance{.key = std::move(key),
                                .over = block.for_each.get(),
                                .of_set = over.is_list(),
                                .values = over};
        add_import(block, graph, &instance, out, diagnostics);
    }
}

} // namespace

std::map<std::string, Import> evaluate_imports(const Graph& graph, Diagnostics& diagnostics) {
    std::map<std::string, Import> out;
    for (const ImportBlock& block : graph.spec().import_blocks) {
        try {
            add_imports(block, graph, out, diagnostics);
        } catch (Error& error) {
            diagnostics.add(std::move(error));
        }
    }
    return out;
}

void check_imports(const Graph& graph, Diagnostics& diagnostics) {
    for (const auto& [address, import] : graph.imports()) {
        if (const auto node = graph.find(address)) {
            if (auto error = wrong_type(*graph[*node].type, import)) {
                error->address = address;
                diagnostics.add(std::move(*error));
            }
            continue;
        }
        std::vector<std::string> known;
        for (const Node& n : graph.nodes()) known.push_back(n.address);
        Error error = unknown_address(
            {}, address, known,
            "write the resource's block first: the import uses its attributes to read the object");
        diagnostics.add(import_error(import, ErrorKind::usage,
                                     fmt::format("the spec has no {}", in_quotes(address)),
                                     std::move(error.hint)));
    }
}

std::string imported_id(const Graph& graph, const std::string& address) {
    const Import* import = graph.import_of(address);
    return import == nullptr ? "" : import->id;
}

} // namespace hadeploy
