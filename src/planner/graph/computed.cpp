#include "planner/graph/computed.h"

#include "planner/graph/hide_secrets.h"

namespace hadeploy {

Value with_derived(const ResourceType& type, Value config) {
    const Value given = config;
    const Value derived = type.derive(given);
    for (const Entry& e : derived.as_map()) {
        const Attribute* a = find_attribute(type.schema, e.key);
        config =
            config.with(e.key, a != nullptr ? with_secrecy(type, *a, e.value, given) : e.value);
    }
    return config;
}

std::set<std::string> known_after_apply(const ResourceType& type, const Value& config,
                                        const Value& recorded) {
    Value filled = config;
    bool open = false;
    for (const Attribute& a : type.schema) {
        if (a.computed || !config[a.name].contains_unknown()) continue;
        filled = filled.with(a.name, recorded[a.name]);
        open = true;
    }
    std::set<std::string> out;
    if (!open) return out;
    const Value derived = type.derive(filled);
    for (const Entry& e : derived.as_map())
        if (!e.value.contains_unknown() && config[e.key].contains_unknown()) out.insert(e.key);
    return out;
}

std::set<std::string> machines_in(const Value& config) {
    std::set<std::string> out;
    struct Walk {
        std::set<std::string>& out;
        void operator()(const Value& v) const {
            if (v.is_list()) {
                for (const Value& item : v.as_list()) (*this)(item);
            } else if (v.is_map()) {
                if (v.has("machine") && v.has("address"))
                    out.insert(v.text("machine"));
                else
                    for (const Entry& e : v.as_map()) (*this)(e.value);
            }
        }
    };
    Walk{out}(config);
    return out;
}

namespace {
/// The known values of a map in the current shape of the config: an entry that was added to a
/// command's `returns` since then has no known value.
Value reshaped(const Value& shape, const Value& known) {
    Value::Map out = shape.as_map();
    for (Entry& e : out)
        if (const Value* before = known.find(e.key);
            before != nullptr && e.value.contains_unknown())
            e.value = *before;
    const Value map = Value::map(std::move(out));
    return shape.secret() || known.secret() ? map.as_secret() : map;
}

/// A value of a config, with the parts that the provider fills in.
Value filled_in(const Attribute& a, const Value& value, const Value& known) {
    if (value.is_null() && a.filled) return known.is_null() ? Value::unknown() : known;
    if (a.type.kind != TypeKind::object || !a.type.fields || !value.is_map()) return value;
    Value out = value;
    for (const Attribute& field : *a.type.fields) {
        const Value& given = value[field.name];
        Value all = filled_in(field, given, known[field.name]);
        if (!all.is_same(given) && !all.is_null()) out = out.with(field.name, std::move(all));
    }
    return out;
}
} // namespace

Value complete(const ResourceType& type, const Value& config, const Value& known) {
    Value::Map computed;
    for (const Attribute& a : type.schema) {
        if (!a.computed) {
            const Value& given = config[a.name];
            Value all = filled_in(a, given, known[a.name]);
            if (!all.is_same(given) && !all.is_null()) computed.push_back({a.name, std::move(all)});
            continue;
        }
        const Value* value = config.find(a.name);
        if (value != nullptr && !value->contains_unknown()) continue;
        const Value* before = known.find(a.name);
        const bool shaped = a.type.kind != TypeKind::connection && value != nullptr &&
                            value->is_map() && before != nullptr && before->is_map();
        Value out = shaped              ? reshaped(*value, *before)
                    : before != nullptr ? *before
                    : value != nullptr  ? *value
                                        : Value::unknown();
        if (out.contains_unknown()) out = with_secrecy(type, a, std::move(out), config);
        computed.push_back({a.name, std::move(out)});
    }
    return config.with_all(Value::map(std::move(computed)));
}

Value with_machine(const ResourceType& type, const std::string& address, Value attributes) {
    if (!type.machine || !attributes["connection"].is_map()) return attributes;
    return attributes.with("connection", attributes["connection"].with("machine", address));
}

} // namespace hadeploy
