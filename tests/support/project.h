#pragma once

#include "planner/graph/computed.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "support/fake_world.h"

#include <fmt/format.h>
#include <map>
#include <memory>
#include <string>

namespace hadeploy {

/// A spec and its modules from texts.
struct TestSpec {
    using Files = std::map<std::string, std::string>;
    explicit TestSpec(Files texts, VariableValues given = {}, Value secrets = Value::map({}))
        : files(std::move(texts)) {
        fake::add_to(registry, world);
        const FileReader read = [this](const std::filesystem::path& p) {
            const auto it = files.find(p.string());
            if (it == files.end()) throw Error(ErrorKind::spec, "no file " + p.string());
            return it->second;
        };
        load_spec("hadeploy.yaml", read, spec);
        spec.secrets = std::move(secrets);
        graph = std::make_unique<Graph>(spec, registry, resolve_variables(spec, given));
        for (const auto& provider : registry.providers()) settings[provider->name] = Value::map({});
    }
    explicit TestSpec(const char* text) : TestSpec(Files{{"hadeploy.yaml", text}}) {}

    std::map<std::string, std::string> files;
    fake::World world;
    Registry registry;
    Spec spec;
    std::unique_ptr<Graph> graph;
    ProviderSettings settings;
};

/// The errors of loading and expanding a spec, one "place: message" per line.
inline std::string errors_of(const TestSpec::Files& files) {
    fake::World world;
    Registry registry;
    fake::add_to(registry, world);
    Spec spec;
    std::string out;
    try {
        load_spec(
            "hadeploy.yaml",
            [&](const std::filesystem::path& p) {
                const auto it = files.find(p.string());
                if (it == files.end()) throw Error(ErrorKind::spec, "no file " + p.string());
                return it->second;
            },
            spec);
        const Graph graph(spec, registry, resolve_variables(spec, {}));
        Diagnostics diagnostics;
        const Graph::Values none = [](NodeId) { return Value::unknown(); };
        for (const NodeId id : graph.order()) (void)graph.config(id, none, diagnostics);
        diagnostics.throw_if_any();
    } catch (const Error& errors) {
        for (const Error& e : errors.all()) {
            out += spec.sources.describe(e.loc) + ": " + e.message;
            if (!e.hint.empty()) out += " (" + e.hint + ")";
            out += "\n";
            for (const Note& n : e.notes)
                out += "  " + spec.sources.describe(n.loc) + ": " + n.text + "\n";
        }
    }
    return out;
}

inline std::string errors_of(const std::string& text) {
    return errors_of(TestSpec::Files{{"hadeploy.yaml", text}});
}

/// A plan's steps in order: "create a; update b (value)".
inline std::string summary(const Plan& plan) {
    std::string out;
    for (const Step& s : plan.steps) {
        if (s.first_half) continue;
        if (!out.empty()) out += "; ";
        out += fmt::format("{} {}", s.verb.empty() ? action_name(s.action) : s.verb, s.address);
        std::string names;
        for (const AttributeChange& c : s.changes) names += (names.empty() ? "" : ",") + c.name;
        if (!names.empty()) out += fmt::format(" ({})", names);
    }
    return out;
}

/// The value with a text in place of everything unknown.
inline Value made_known(const Value& value) {
    if (value.is_unknown()) return "key";
    if (!value.is_map()) return value;
    Value out = Value::map({});
    for (const Entry& e : value.as_map()) out = out.with(e.key, made_known(e.value));
    return out;
}

/// Completes a record: the host keys of machines, and through which machine an object is reached.
inline void make_machines_known(const Step& step, Value& config, Value& seen) {
    if (seen["connection"].is_map()) seen = seen.with("connection", made_known(seen["connection"]));
    seen = with_machine(*step.type, step.address, seen);
    for (const char* through : {"host", "peers"})
        if (config[through].is_map()) config = config.with(through, made_known(config[through]));
}

/// The prior state after an apply of the spec: all resources recorded and observed as desired.
inline PriorState as_applied(const char* text) {
    const TestSpec t(text);
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    const Plan plan = make_plan(*t.graph, prior, t.settings);
    for (const Step& s : plan.steps) {
        Value seen = plan.values[*s.node];
        for (const Attribute& a : s.type->schema)
            if (seen[a.name].is_unknown()) seen = seen.with(a.name, "token-of-" + s.address);
        if (s.after["value"].is_unknown())
            seen = seen.with("value", "token-of-a").with("shout", "token-of-a!");
        std::vector<std::string> deps;
        for (const NodeId d : (*t.graph)[*s.node].deps) deps.push_back((*t.graph)[d].address);
        Value config = s.after;
        if (s.after["value"].is_unknown()) config = config.with("value", "token-of-a");
        make_machines_known(s, config, seen);
        prior.recorded[s.address] = {s.address, s.type->name, 1, s.identity, config, seen, deps};
        prior.observed[s.address] = Observation::present(seen);
    }
    Diagnostics ignored;
    prior.outputs = t.graph->outputs(
        [&](NodeId id) { return prior.recorded.at((*t.graph)[id].address).attributes; }, ignored);
    return prior;
}

/// The prior state after something else changed an attribute of a resource.
inline PriorState drifted(PriorState prior, const std::string& address, std::string_view attribute,
                          Value value) {
    Observation& o = prior.observed.at(address);
    o.attributes = o.attributes.with(attribute, std::move(value));
    return prior;
}

} // namespace hadeploy
