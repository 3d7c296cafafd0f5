#include "planner/plan/decide.h"

#include "core/secrecy.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Whether two connections lead to the same machine. The connection attribute of a machine does not
/// name the machine's resource; in that case network addresses are compared.
bool same_place(const Value& a, const Value& b) {
    if (a.has("machine") && b.has("machine")) return a.text("machine") == b.text("machine");
    return a.text("address") == b.text("address") && a.integer("port", 22) == b.integer("port", 22);
}

bool maps_differ(const Type& element, const Value& a, const Value& b) {
    if (a.as_map().size() != b.as_map().size()) return true;
    for (const Entry& e : a.as_map()) {
        const Value* other = b.find(e.key);
        if (other == nullptr || differs(element, e.value, *other)) return true;
    }
    return false;
}

/// The desired and the current value of an attribute; nullopt if they are not compared.
struct Comparison {
    Value wanted, have;
};

std::optional<Comparison> compare(const Attribute& a, const Value& config,
                                  const RecordedResource* recorded, const Value& seen) {
    if (a.operational) return std::nullopt;
    const Value* wanted = config.find(a.name);
    const Value* observed = seen.find(a.name);
    if (a.computed && a.tracked) {
        if (recorded == nullptr || observed == nullptr) return std::nullopt;
        const Value* before = recorded->attributes.find(a.name);
        if (before == nullptr || before->is_null()) return std::nullopt;
        return Comparison{*before, *observed};
    }
    if (a.computed) {
        if (wanted == nullptr || observed == nullptr || wanted->contains_unknown())
            return std::nullopt;
        return Comparison{*wanted, *observed};
    }
    const bool unset = wanted == nullptr || wanted->is_null();
    if (observed != nullptr) {
        if (unset) return std::nullopt; // not managed
        return Comparison{*wanted, *observed};
    }
    if (recorded == nullptr) return std::nullopt;
    return Comparison{unset ? Value() : *wanted, recorded->config[a.name]};
}

/// Whether the spec still has the value that was applied. A computed tracked attribute keeps its
/// applied value regardless of the spec.
bool wanted_before(const Attribute& a, const Value& wanted, const RecordedResource* recorded) {
    if (recorded == nullptr || wanted.contains_unknown()) return false;
    return (a.computed && a.tracked) || recorded->config[a.name] == wanted;
}

/// The wanted value with the parts that the provider has chosen and the spec leaves out: they stay,
/// so a plan must not show them as removed.
Value with_chosen_parts(const Type& type, const Value& wanted, const Value& have) {
    if (type.kind != TypeKind::object || !type.fields || !wanted.is_map() || !have.is_map())
        return wanted;
    Value out = wanted;
    for (const Attribute& field : *type.fields) {
        const Value &given = wanted[field.name], &chosen = have[field.name];
        if (given.is_null() && field.filled && !chosen.is_null())
            out = out.with(field.name, chosen);
        else if (given.is_map())
            out = out.with(field.name, with_chosen_parts(field.type, given, chosen));
    }
    return out;
}

std::vector<AttributeChange> changes_of(const ResourceType& type, const Value& config,
                                        const RecordedResource* recorded, const Value& seen) {
    std::vector<AttributeChange> out;
    for (const Attribute& a : type.schema) {
        const auto c = compare(a, config, recorded, seen);
        if (!c || !differs(a, c->wanted, c->have)) continue;
        const Value have = as_secret_as(c->have, c->wanted); // the config may have lost secrets
        const Value after = with_chosen_parts(a.type, c->wanted, have);
        out.push_back({a.name, a.secret ? have.as_secret() : have,
                       a.secret ? after.as_secret() : after, a.replaces,
                       wanted_before(a, c->wanted, recorded)});
    }
    return out;
}

std::string verb_of(const ResourceType& type, const std::vector<AttributeChange>& changes) {
    std::string verb;
    for (const AttributeChange& c : changes) {
        const Attribute* a = find_attribute(type.schema, c.name);
        if (a == nullptr || a->verb.empty()) return {};
        if (verb.empty()) verb = a->verb;
    }
    return verb;
}

std::string changed_names(const std::vector<AttributeChange>& changes, bool replacing_only) {
    std::string out;
    for (const AttributeChange& c : changes) {
        if (replacing_only && !c.replaces) continue;
        if (!out.empty()) out += ", ";
        out += c.name;
    }
    return out;
}

} // namespace

bool differs(const Attribute& attribute, const Value& wanted, const Value& have) {
    if (attribute.filled && wanted.is_null()) return false;
    return differs(attribute.type, wanted, have);
}

bool differs(const Type& type, const Value& a, const Value& b) {
    if (type.kind == TypeKind::connection && a.is_map() && b.is_map()) return !same_place(a, b);
    if (type.kind == TypeKind::map && type.element && a.is_map() && b.is_map())
        return maps_differ(*type.element, a, b);
    if (type.kind == TypeKind::object && type.fields && a.is_map() && b.is_map())
        return std::any_of(type.fields->begin(), type.fields->end(), [&](const Attribute& f) {
            return !f.operational && differs(f, a[f.name], b[f.name]);
        });
    if (type.kind == TypeKind::list && type.element && a.is_list() && b.is_list()) {
        if (a.as_list().size() != b.as_list().size()) return true;
        for (std::size_t i = 0; i < a.as_list().size(); ++i)
            if (differs(*type.element, a.as_list()[i], b.as_list()[i])) return true;
        return false;
    }
    if (a == b) return false;
    if (type.kind == TypeKind::local_path && a.is_string() && b.is_string())
        return real_place(a.as_string()) != real_place(b.as_string());
    return true;
}

Error data_error(const std::string& address, const Observation& observed) {
    if (observed.error) return *observed.error;
    return {ErrorKind::failed, fmt::format("the object that {} reads does not exist", address)};
}

namespace {

bool was_changed(const Attribute& a, const Value& was, const Value& attempted) {
    const Value& names = attempted[kChangedNames];
    if (!names.is_list()) return differs(a, attempted[a.name], was); // by an older hadeploy
    return std::any_of(names.as_list().begin(), names.as_list().end(),
                       [&](const Value& name) { return name.as_string() == a.name; });
}

/// The attributes that an interrupted change may have changed and that cannot be read. All of them
/// are applied again.
std::vector<AttributeChange> unverified_changes(const ResourceType& type, const Value& config,
                                                const RecordedResource& recorded,
                                                const Interruption& interruption,
                                                const Value& seen) {
    std::vector<AttributeChange> out;
    for (const Attribute& a : type.schema) {
        if (a.computed || a.operational || a.replaces || seen.has(a.name)) continue;
        const Value& was = recorded.config[a.name];
        const Value& wanted = config[a.name];
        const bool touched = interruption.action == ChangeKind::remove
                                 ? !was.is_null()
                                 : was_changed(a, was, interruption.config);
        if (!touched) continue;
        out.push_back({a.name, a.secret ? was.as_secret() : was,
                       a.secret ? wanted.as_secret() : wanted, false, false});
    }
    return out;
}

Decision replacement(std::vector<AttributeChange> changes) {
    Decision out{
        Action::replace, {}, changed_names(changes, true) + " can't be changed in place", {}};
    out.if_differs = std::all_of(changes.begin(), changes.end(), [](const AttributeChange& c) {
        return !c.replaces || c.after.contains_unknown();
    });
    if (out.if_differs)
        out.reason = changed_names(changes, true) +
                     " can't be changed in place; whether it differs is known only after apply";
    out.changes = std::move(changes);
    return out;
}

/// Decides on an existing object whose creation was interrupted.
Decision resume_creation(const ResourceType& type, const Value& config,
                         const RecordedResource* recorded) {
    std::vector<AttributeChange> changes; // the spec can describe a different object now
    if (recorded != nullptr) changes = decide_unread(type, config, *recorded).changes;
    if (changes.empty())
        return {Action::create, {}, "an earlier run did not finish creating it", {}};
    return {Action::replace,
            std::move(changes),
            "an earlier run began to create a different object",
            {}};
}

} // namespace

namespace {
/// Why a recorded object is absent. An object that is identified by what it contains (the id of an
/// image) is looked for with its new identity.
std::string why_absent(const ResourceType& type, const Value& config,
                       const RecordedResource& recorded) {
    std::string names;
    for (const Attribute& a : type.schema) {
        const Value &now = config[a.name], &before = recorded.attributes[a.name];
        if (!a.computed || !a.replaces || now.is_null() || now.is_unknown() || before.is_null())
            continue;
        if (differs(a, now, before)) names += (names.empty() ? "" : ", ") + a.name;
    }
    return names.empty() ? "it is gone" : fmt::format("its content changed ({})", names);
}
} // namespace

Decision decide_unread(const ResourceType& type, const Value& config,
                       const RecordedResource& recorded) {
    if (recorded.tainted) return {Action::replace, {}, "it is tainted", {}};
    std::vector<AttributeChange> changes = changes_of(type, config, &recorded, {});
    std::erase_if(changes, [](const AttributeChange& c) { return !c.replaces; });
    return changes.empty() ? Decision{} : replacement(std::move(changes));
}

Decision decide(const ResourceType& type, const Value& config, const RecordedResource* recorded,
                const Interruption& interruption, const Observation& observed) {
    const bool unfinished = interruption.action == ChangeKind::create;
    if (observed.state == Observation::State::failed) {
        if (observed.error) throw *observed.error;
        throw Error(ErrorKind::failed, "could not be read");
    }
    if (observed.state == Observation::State::absent) {
        if (recorded != nullptr && !unfinished)
            return {Action::create, {}, why_absent(type, config, *recorded), {}};
        return {Action::create, {}, unfinished ? "an earlier run did not create it" : "", {}};
    }
    if (!observed.foreign.empty())
        throw Error(ErrorKind::conflict,
                    fmt::format("an object of this name exists and belongs to somebody else: {}",
                                observed.foreign))
            .with_hint("choose a different name, or remove the object yourself; hadeploy never "
                       "changes objects that it did not create");
    if (unfinished) return resume_creation(type, config, recorded);
    if (recorded != nullptr && recorded->tainted) return {Action::replace, {}, "it is tainted", {}};

    std::vector<AttributeChange> changes = changes_of(type, config, recorded, observed.attributes);
    const bool replaces = std::any_of(changes.begin(), changes.end(),
                                      [](const AttributeChange& c) { return c.replaces; });
    if (replaces) return replacement(std::move(changes));
    if (recorded != nullptr && !observed.replace_reason.empty())
        return {Action::replace, std::move(changes), observed.replace_reason, {}};
    if (recorded != nullptr && interruption.action) {
        std::vector<AttributeChange> more =
            unverified_changes(type, config, *recorded, interruption, observed.attributes);
        const bool any = !more.empty();
        if ((any || observed.assumed) && interruption.action == ChangeKind::remove)
            return {Action::create, {}, "an earlier run began to remove it", {}};
        for (AttributeChange& c : more)
            if (std::none_of(changes.begin(), changes.end(),
                             [&](const AttributeChange& other) { return other.name == c.name; }))
                changes.push_back(std::move(c));
        if (any)
            return {Action::update,
                    std::move(changes),
                    "an earlier run did not finish changing it",
                    {}};
    }
    if (!changes.empty()) {
        std::string verb = verb_of(type, changes);
        const bool drift = std::all_of(changes.begin(), changes.end(),
                                       [](const AttributeChange& c) { return c.drift; });
        const char* reason = recorded == nullptr ? "it exists, but is not recorded: it is adopted"
                             : drift && verb.empty() ? "something else changed it"
                                                     : "";
        return {Action::update, std::move(changes), reason, std::move(verb)};
    }
    if (recorded == nullptr) return {Action::adopt, {}, "it exists and matches the spec", {}};
    return {std::nullopt, {}, {}, {}};
}

bool add_open_options(Step& step) {
    for (const Attribute& a : step.type->schema)
        if (a.operational && step.after[a.name].contains_unknown())
            step.changes.push_back({a.name, step.before[a.name], step.after[a.name]});
    return !step.changes.empty();
}

bool says_the_same(const ResourceType& type, Value before, Value now) {
    for (const Attribute& a : type.schema) {
        if (!a.computed || !now[a.name].contains_unknown()) continue;
        before = before.without(a.name);
        now = now.without(a.name);
    }
    return before == now;
}

std::string read_later_reason(const std::optional<Observation>& seen) {
    const std::string then = ", and repaired if it differs";
    if (!seen) return "read after the machine has started" + then;
    const std::string why = seen->error ? seen->error->message : "not readable";
    return fmt::format("{}: read once that is fixed{}", why, then);
}

bool may_turn_out_the_same(const Step& step) {
    if (step.if_differs) return true;
    return step.action == Action::update &&
           std::all_of(step.changes.begin(), step.changes.end(),
                       [](const AttributeChange& c) { return c.after.contains_unknown(); });
}

} // namespace hadeploy
