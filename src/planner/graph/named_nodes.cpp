#include "planner/graph/named_nodes.h"

#include "core/did_you_mean.h"
#include "planner/graph/early.h"
#include "planner/spec/address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <utility>

namespace hadeploy {

namespace {
constexpr std::string_view kTriggers = "replace_triggered_by";
const std::set<std::string> kValues{"var", "local", "each", "count", "path", "secret", "env"};

/// All instances, or the one with the given key.
template<class Id, class InstanceOf>
void add_instances(const std::vector<Id>& all, const Value& key, const AddressPattern& pattern,
                   std::vector<Id>& out, InstanceOf instance_of) {
    if (key.is_null()) return void(out.insert(out.end(), all.begin(), all.end()));
    const bool several = !all.empty() && instance_of(all.front()) != nullptr;
    const auto it =
        several ? find_instance(all, key,
                                [&](const Id& id) -> const Instance& { return *instance_of(id); })
                : all.end();
    if (it == all.end())
        throw Error(
            ErrorKind::spec,
            fmt::format("{}: {}: there is no instance {}", kTriggers, pattern.text, display(key)),
            pattern.loc)
            .with_hint(several || all.empty()
                           ? "name an instance that the spec has"
                           : "it has neither for_each nor count: name it without a key");
    out.push_back(*it);
}
} // namespace

std::vector<NodeId> NamedNodes::dependencies(const std::vector<Dependency>& dependencies,
                                             const Scope& scope) const {
    std::vector<NodeId> out;
    for (const Dependency& d : dependencies) {
        if (const ResourceBlock* block = scope.module->resource(d.name)) {
            const auto& ids = resources_.instances(scope, *block);
            out.insert(out.end(), ids.begin(), ids.end());
        } else if (const ModuleBlock* call = d.name.starts_with("module.")
                                                 ? scope.module->module(d.name.substr(7))
                                                 : nullptr) {
            for (const Scope* inside : resources_.instances(scope, *call)) add_all(*inside, out);
        } else {
            refuse_name(scope, d.name, d.name, "depends_on", d.loc);
        }
    }
    return out;
}

void NamedNodes::add_triggers(const AddressPattern& pattern, const Scope& scope,
                              const Instance* instance, std::vector<NodeId>& out) const {
    if (pattern.leads_within)
        return refuse_name(scope, pattern.text, pattern.parts.front().name, kTriggers, pattern.loc);
    std::vector<const Scope*> scopes{&scope};
    const auto key_of = [&](const AddressPattern::Part& part) {
        try {
            return evaluate_early(*part.key, graph_, scope, instance, kTriggers);
        } catch (Error& error) {
            error.loc = pattern.loc; // locations within patterns are unknown
            throw;
        }
    };
    try {
        for (const AddressPattern::Part& part : pattern.parts) {
            const Value key = part.key ? key_of(part) : Value();
            std::vector<const Scope*> inside;
            for (const Scope* s : scopes) {
                if (const ResourceBlock* block = s->module->resource(part.name)) {
                    add_instances(resources_.instances(*s, *block), key, pattern, out,
                                  [&](NodeId id) { return resources_.node(id).instance.get(); });
                } else if (const ModuleBlock* call = part.name.starts_with("module.")
                                                         ? s->module->module(part.name.substr(7))
                                                         : nullptr) {
                    add_instances(resources_.instances(*s, *call), key, pattern, inside,
                                  [&](const Scope* in) {
                                      const bool one = !call->for_each && !call->count;
                                      return one ? nullptr : &in->instance;
                                  });
                } else {
                    return refuse_name(*s, pattern.text, part.name, kTriggers, pattern.loc);
                }
            }
            scopes = std::move(inside);
        }
    } catch (Error& error) {
        diagnostics_.add(std::move(error));
        return;
    }
    for (const Scope* s : scopes) add_all(*s, out);
}

void NamedNodes::add_all(const Scope& inside, std::vector<NodeId>& out) const {
    for (const ResourceBlock& block : inside.module->resources) {
        const std::vector<NodeId>& ids = resources_.instances(inside, block);
        out.insert(out.end(), ids.begin(), ids.end());
    }
    for (const ModuleBlock& call : inside.module->modules)
        for (const Scope* inner : resources_.instances(inside, call)) add_all(*inner, out);
}

void NamedNodes::refuse_name(const Scope& scope, const std::string& text, const std::string& name,
                             std::string_view key, Loc loc) const {
    std::vector<std::string> known;
    for (const ResourceBlock& b : scope.module->resources) known.push_back(b.name);
    for (const ModuleBlock& m : scope.module->modules) known.push_back("module." + m.name);
    Error& error =
        diagnostics_.add(fmt::format("{}: nothing here is called \"{}\"", key, text), loc);
    for (const std::string& other : known)
        if (within(name, other))
            error.hint = fmt::format("it takes whole resources and modules: \"{}\"", other);
    if (key == kTriggers && (!error.hint.empty() || kValues.contains(name)))
        error.hint = "it takes resources, instances and modules; to react to a single value, put "
                     "the value in a local.value, and name that resource";
    if (!error.hint.empty()) return;
    const auto close = did_you_mean(name, known);
    error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                       : fmt::format("there are: {}", fmt::join(known, ", "));
}

} // namespace hadeploy
