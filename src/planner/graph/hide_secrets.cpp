#include "planner/graph/hide_secrets.h"

#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {
bool leads_to_hosts(const Type& type) {
    return type.kind == TypeKind::connection || (type.element && leads_to_hosts(*type.element));
}

/// Whether connections contain secrets other than passwords. Passwords only give access to the
/// host, and are not part of the objects on it.
bool reveals_secret(const Value& connections) {
    if (connections.is_list())
        return std::any_of(connections.as_list().begin(), connections.as_list().end(),
                           reveals_secret);
    if (!connections.is_map()) return false;
    return std::any_of(connections.as_map().begin(), connections.as_map().end(),
                       [](const Entry& e) {
                           const Attribute* field = find_attribute(connection_fields(), e.key);
                           if (field != nullptr && field->secret) return false;
                           return e.value.secret() || reveals_secret(e.value);
                       });
}

/// Whether the config contains secrets that derived values could reveal.
bool may_be_revealed(const ResourceType& type, const Value& config) {
    if (!config.contains_secret()) return false;
    if (config.secret() || !config.is_map()) return true;
    for (const Entry& e : config.as_map()) {
        const Attribute* a = find_attribute(type.schema, e.key);
        const bool hosts = a != nullptr && leads_to_hosts(a->type) && !e.value.secret();
        if (hosts ? reveals_secret(e.value) : e.value.contains_secret()) return true;
    }
    return false;
}
} // namespace

Value with_secrecy(const ResourceType& type, const Attribute& a, Value value, const Value& config) {
    if (a.secret) return value.as_secret();
    // the schema of a machine marks all secret parts
    if (!a.computed || a.open || type.machine || !may_be_revealed(type, config)) return value;
    if (a.follows.empty()) return value.as_secret();
    for (const std::string& name : a.follows) value = as_secret_as(value, config[name]);
    return value;
}

Value hide_secrets(const ResourceType& type, const Value& attributes, const Value& config) {
    const bool by_config = config.contains_secret();
    const bool by_schema = std::any_of(type.schema.begin(), type.schema.end(),
                                       [](const Attribute& a) { return a.secret; });
    if ((!by_config && !by_schema) || !attributes.is_map()) return attributes;
    Value::Map entries = attributes.as_map();
    for (Entry& e : entries) {
        const Attribute* a = find_attribute(type.schema, e.key);
        if (a != nullptr) e.value = with_secrecy(type, *a, std::move(e.value), config);
        e.value = as_secret_as(e.value, config[e.key]);
    }
    return Value::map(std::move(entries));
}

Error hide_secrets(Error error, const Value& config) {
    error = without_secrets(std::move(error), config);
    bool shows =
        shows_short_secret(error.message, config) || shows_short_secret(error.hint, config);
    for (const Note& note : error.notes) shows = shows || shows_short_secret(note.text, config);
    if (!shows) return error;
    error.message = "the error is not shown: it contains a secret of fewer than 4 characters";
    error.hint = "make the secret longer, or use nonsensitive(...) if it can be shown";
    error.notes.clear();
    return error;
}

Error hide_secrets(Error error, const ResourceType& type, const Value& config) {
    error = hide_secrets(std::move(error), config);
    for (const Attribute& a : type.schema)
        if (a.type.kind == TypeKind::local_path && config[a.name].secret()) {
            error.message = fmt::format("it failed because of its `{}`, which is secret", a.name);
            error.hint = "the details are not shown, because they contain the path; use "
                         "nonsensitive(...) if it can be shown";
            error.notes.clear();
        }
    return error;
}

void hide_secrets(Observation& seen, const ReadRequest& request) {
    HeapOptional<Error>& error = seen.error;
    for (std::string* text : {&seen.foreign, &seen.replace_reason}) {
        *text = without_secrets(std::move(*text), request.config);
        if (request.recorded != nullptr)
            *text = without_secrets(std::move(*text), request.recorded->attributes);
    }
    seen.attributes = hide_secrets(*request.type, seen.attributes, request.config);
    if (error) error = hide_secrets(std::move(*error), *request.type, request.config);
    if (request.recorded == nullptr) return;
    seen.attributes = hide_secrets(*request.type, seen.attributes, request.recorded->config);
    if (error) error = hide_secrets(std::move(*error), *request.type, request.recorded->attributes);
}

std::string shown_key(const Endpoint& endpoint) {
    return without_secrets(endpoint.key, endpoint.config);
}

} // namespace hadeploy
