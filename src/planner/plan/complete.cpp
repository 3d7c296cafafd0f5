// Configs made whole: by what is known of the resources, and by which machines they name.
#include "planner/plan/plan.h"
#include "planner/plan/seen.h"

namespace hadeploy {

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
/// What was known of a map, in the shape that the config gives it by now: an output that is new in
/// a command's `returns` was never told.
Value reshaped(const Value& shape, const Value& known) {
    Value::Map out = shape.as_map();
    for (Entry& e : out)
        if (const Value* before = known.find(e.key);
            before != nullptr && e.value.contains_unknown())
            e.value = *before;
    const Value map = Value::map(std::move(out));
    return shape.secret() || known.secret() ? map.as_secret() : map;
}
} // namespace

Value complete(const ResourceType& type, const Value& config, const Value& known) {
    Value::Map computed;
    for (const Attribute& a : type.schema) {
        if (!a.computed) continue;
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
