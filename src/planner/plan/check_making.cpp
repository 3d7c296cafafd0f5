#include "planner/plan/check_making.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "planner/spec/address.h"
#include "planner/spec/references.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {
/// Whether the paths are literals or come from variables of the user, so that no resource can be
/// known to create them.
bool names_fixed_files(const Node& node) {
    if (!node.block->depends_on.empty()) return false;
    const bool root = node.scope->call == nullptr; // the inputs of a module can come from resources
    for (const Argument& a : node.block->attributes) {
        const Attribute* attribute = find_attribute(node.type->schema, a.name);
        if (attribute == nullptr || attribute->type.kind != TypeKind::local_path) continue;
        for (const Reference& r : references_in(*a.value))
            if (r.name != "path" && !(r.name == "var" && root)) return false;
    }
    return true;
}

/// Adds the location and the address of the resource to an error.
Error placed(Error error, const Node& node) {
    error.address = node.address;
    if (!error.loc.known()) error.loc = node.block->loc;
    return error;
}
} // namespace

void check_making(const Node& node, const Value& config, Diagnostics& diagnostics) {
    if (!names_fixed_files(node)) return;
    Diagnostics found;
    node.type->check_making(config, found);
    for (const Error& error : found.list()) diagnostics.add(placed(error, node));
}

std::optional<Lacking> lacking_of(NodeId node, const ResourceType& type, const Value& config,
                                  const Observation& seen) {
    const std::vector<std::string> claims = type.claims(config);
    if (seen.lacks.empty() || claims.empty()) return std::nullopt;
    const std::size_t end = claims.front().find(seen.lacks + "/");
    if (end == std::string::npos) return std::nullopt;
    // The directory is a part of the path, so no search for the secret finds it.
    const bool is_secret =
        std::any_of(type.schema.begin(), type.schema.end(), [&](const Attribute& a) {
            return (a.type.kind == TypeKind::path || a.type.kind == TypeKind::local_path) &&
                   config[a.name].secret();
        });
    return Lacking{node, is_secret ? "" : in_quotes(seen.lacks, 4096),
                   claims.front().substr(0, end + seen.lacks.size())};
}

void warn_of_lacking(const std::vector<Lacking>& lacking, const Graph& graph, Plan& plan) {
    if (lacking.empty()) return;
    std::set<std::string> made;
    for (const Step& step : plan.steps)
        if (step.node)
            for (std::string& claim : step.type->claims(step.after)) made.insert(std::move(claim));
    for (const Lacking& l : lacking) {
        if (made.contains(l.claim)) continue;
        Error warning(ErrorKind::spec, fmt::format("there is no directory {}, and no resource that "
                                                   "is applied before this one creates it",
                                                   l.what.empty() ? "at its path" : l.what));
        warning.with_hint(
            "manage the directory too, or name the resource that creates it in `depends_on`");
        plan.warnings.push_back(placed(std::move(warning), graph[l.node]));
    }
}

void add_warnings(const Node& node, const Value& config, std::vector<Error>& warnings) {
    const std::vector<std::string>& silenced = node.lifecycle().silenced;
    for (const Warning& warning : node.type->warnings) {
        if (std::find(silenced.begin(), silenced.end(), warning.name) != silenced.end()) continue;
        Diagnostics found;
        warning.find(config, found);
        if (found.empty()) continue;
        for (const Error& error : found.list())
            warnings.push_back(placed(without_secrets(error, config), node));
        warnings.back().with_note(
            fmt::format("`lifecycle: {{silence: [{}]}}` turns this warning off", warning.name));
    }
}

void add_remark(const Node& node, const Value& config, const Value& observed,
                std::vector<std::string>& notices) {
    const std::string remark = without_secrets(node.type->remark(config, observed), config);
    if (!remark.empty()) notices.push_back(fmt::format("{}: {}", node.address, remark));
}

void check_new_place(const PriorState& prior, const Node& node, const Value& config,
                     std::vector<Error>& warnings, Diagnostics& diagnostics) {
    const auto seen = prior.observed.find(new_place_address(node.address));
    if (seen == prior.observed.end()) return;
    if (seen->second.error && seen->second.error->kind == ErrorKind::conflict)
        diagnostics.add(placed(*seen->second.error, node));
    if (seen->second.state != Observation::State::present) return;
    const std::string what = without_secrets(node.type->claims(config).front(), config);
    Error warning(ErrorKind::spec,
                  fmt::format("{} exists, but is not recorded: the replacement adopts it", what));
    warning.with_hint("differences from the spec are overwritten; move the object away to keep it");
    warnings.push_back(placed(std::move(warning), node));
}

} // namespace hadeploy
