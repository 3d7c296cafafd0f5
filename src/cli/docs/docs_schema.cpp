#include "cli/docs/docs_schema.h"

#include "chaos/settings.h"
#include "core/value_json.h"
#include "planner/spec/spec.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
using Json = nlohmann::json;

Json reference() {
    return {{"$ref", "#/definitions/reference"}};
}

/// Accepts the given form or a `${...}` expression.
Json or_reference(Json form) {
    return {{"anyOf", Json::array({std::move(form), reference()})}};
}

Json fields_schema(const Schema& schema, Json properties);

Json with_text(Json schema, std::string_view text) {
    schema["description"] = text;
    return schema;
}

Json number_schema(std::string_view kind, const Attribute* a) {
    Json out{{"type", kind}};
    if (a != nullptr && a->min) out["minimum"] = *a->min;
    if (a != nullptr && a->max) out["maximum"] = *a->max;
    return or_reference(std::move(out));
}

Json string_schema(const Attribute* a) {
    Json out{{"type", "string"}};
    if (a == nullptr || a->one_of.empty()) return out;
    out["enum"] = a->one_of;
    return or_reference(std::move(out));
}

/// Keys inside a value can be expressions.
Json with_key_expressions(Json object) {
    object["patternProperties"] = {{"\\$\\{", Json::object()}};
    return object;
}

/// A connection may contain another connection (`jump_host`), to any depth; the inner one is
/// described only as a connection without fields.
Json connection_schema() {
    Schema fields = connection_fields();
    Json inner = Json::object();
    for (const Attribute& a : fields)
        if (a.type.kind == TypeKind::connection)
            inner[a.name] = with_text(or_reference({{"type", "object"}}), a.doc);
    std::erase_if(fields, [](const Attribute& a) { return a.type.kind == TypeKind::connection; });
    return fields_schema(fields, std::move(inner));
}

/// @param a  the attribute of this type, for its limits; nullptr for elements
Json type_schema(const Type& type, const Attribute* a) {
    switch (type.kind) {
    case TypeKind::any: return Json::object();
    case TypeKind::integer: return number_schema("integer", a);
    case TypeKind::number: return number_schema("number", a);
    case TypeKind::boolean: return or_reference({{"type", "boolean"}});
    case TypeKind::port:
        return or_reference({{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}});
    case TypeKind::bytes:
    case TypeKind::duration: return {{"type", {"integer", "string"}}};
    case TypeKind::connection: return or_reference(connection_schema());
    case TypeKind::list:
    case TypeKind::set: {
        Json out{{"type", "array"},
                 {"items", type.element ? type_schema(*type.element, nullptr) : Json::object()}};
        if (a != nullptr && a->min) out["minItems"] = *a->min;
        if (a != nullptr && a->max) out["maxItems"] = *a->max;
        return or_reference(std::move(out));
    }
    case TypeKind::map: {
        Json out{{"type", "object"},
                 {"additionalProperties",
                  type.element ? type_schema(*type.element, nullptr) : Json::object()}};
        if (a != nullptr && a->min) out["minProperties"] = *a->min;
        if (a != nullptr && a->max) out["maxProperties"] = *a->max;
        return or_reference(std::move(out));
    }
    case TypeKind::object:
        return or_reference(type.fields ? with_key_expressions(fields_schema(*type.fields, {}))
                                        : Json{{"type", "object"}});
    default: return string_schema(a);
    }
}

/// An object with these attributes in addition to `properties`. Computed attributes are omitted.
Json fields_schema(const Schema& schema, Json properties) {
    Json required = Json::array();
    for (const Attribute& a : schema) {
        if (a.computed) continue;
        Json property = type_schema(a.type, &a);
        property["description"] = a.doc;
        if (a.default_value && !a.default_value->is_null())
            property["default"] = Json::parse(
                to_public_json(a.secret ? a.default_value->as_secret() : *a.default_value));
        properties[a.name] = std::move(property);
        if (a.required) required.push_back(a.name);
    }
    Json out{
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) out["required"] = std::move(required);
    return out;
}

Json dependencies() {
    return with_text({{"type", {"array", "string"}}, {"items", {{"type", "string"}}}},
                     "Resources, or module.NAME, that are completed before this one.");
}

/// Keys that every resource accepts in addition to the attributes of its type.
Json common_properties(const ResourceType& type) {
    Json out{{"type", {{"const", type.name}, {"description", type.summary}}},
             {"for_each", with_text({{"type", {"array", "object", "string"}}},
                                    "A map or a list of names; one instance is created for each.")},
             {"count", with_text({{"type", {"integer", "string"}}}, "Number of instances.")},
             {"depends_on", dependencies()},
             {"lifecycle",
              {{"$ref", type.data ? "#/definitions/data_lifecycle" : "#/definitions/lifecycle"}}}};
    if (!type.data)
        out["serial"] = with_text({{"type", "boolean"}}, "Change the instances one at a time.");
    return out;
}

/// Schema of one block under `resources:` or `data:`.
Json block_schema(const Registry& registry, bool data) {
    Json names = Json::array(), cases = Json::array();
    for (const auto& type : registry.types()) {
        if (type->data != data) continue;
        names.push_back(type->name);
        const Json condition{{"required", {"type"}},
                             {"properties", {{"type", {{"const", type->name}}}}}};
        cases.push_back({{"if", condition}, {"then", {{"$ref", "#/definitions/" + type->name}}}});
    }
    return {{"type", "object"},
            {"required", {"type"}},
            {"properties",
             {{"type", with_text({{"enum", names}},
                                 data ? "The type of data source." : "The resource type.")}}},
            {"allOf", std::move(cases)}};
}

Json map_by_name(Json each, std::string_view text) {
    return with_text(
        {{"type", "object"},
         {"propertyNames",
          {{"pattern", "^[A-Za-z][A-Za-z0-9_-]{0,62}$"}, {"not", {{"enum", kReservedNames}}}}},
         {"additionalProperties", std::move(each)}},
        text);
}

Json rules(std::string_view text) {
    return with_text({{"type", "array"},
                      {"items",
                       {{"type", "object"},
                        {"additionalProperties", false},
                        {"required", {"check", "message"}},
                        {"properties",
                         {{"check", with_text(reference(), "Condition that has to be true.")},
                          {"message", with_text({{"type", "string"}},
                                                "Message shown if the condition is false.")}}}}}},
                     text);
}

Json variable_schema() {
    const Json text{{"type", "string"}};
    return {
        {"type", {"object", "null"}},
        {"additionalProperties", false},
        {"properties",
         {{"type", with_text({{"type", {"string", "object", "array"}}},
                             "string, integer, bytes, list(T), object({name: T}), ...")},
          {"default", Json::object()},
          {"min", {{"type", {"integer", "string"}}}},
          {"max", {{"type", {"integer", "string"}}}},
          {"one_of", {{"type", "array"}}},
          {"secret", with_text({{"type", "boolean"}}, "The value is hidden in plans and logs.")},
          {"validate", rules("Validation rules.")},
          {"description", text}}}};
}

Json module_call_schema() {
    return {
        {"type", "object"},
        {"additionalProperties", false},
        {"required", {"source"}},
        {"properties",
         {{"source",
           with_text({{"type", "string"}}, "Directory of the module, relative to this file.")},
          {"for_each", with_text({{"type", {"array", "object", "string"}}},
                                 "A map or a list of names; one instance is created for each.")},
          {"count", with_text({{"type", {"integer", "string"}}}, "Number of instances.")},
          {"with", with_text({{"type", "object"}}, "Values of the module's variables.")},
          {"depends_on", dependencies()}}}};
}

Json providers_schema(const Registry& registry) {
    Json properties = Json::object();
    for (const auto& provider : registry.providers()) {
        Json settings = with_text(fields_schema(provider->schema, Json::object()), provider->doc);
        settings["type"] = {"object", "null"};
        properties[provider->name] = std::move(settings);
    }
    return {
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

Json lifecycle_schema() {
    const Json names{{"type", {"array", "string"}}, {"items", {{"type", "string"}}}};
    const auto flag = [](std::string_view text) {
        return with_text(or_reference({{"type", "boolean"}}), text);
    };
    return {
        {"type", "object"},
        {"additionalProperties", false},
        {"properties",
         {{"prevent_destroy", flag("Refuse plans that destroy or replace the object.")},
          {"keep_on_destroy", flag("Keep the object when the resource is removed.")},
          {"create_before_destroy",
           flag("Create the replacement before the old object is removed.")},
          {"ignore_changes",
           with_text(names,
                     "Attributes, or parts of them, whose differences are ignored; or all.")},
          {"silence", with_text(names, "Warnings of the type that are not shown.")},
          {"replace_triggered_by",
           with_text(
               names,
               "Replace the resource when one of these changes: web, web[each.key], module.m.")},
          {"preconditions",
           rules("Conditions that are checked before the object is created or changed.")},
          {"postconditions", rules("Conditions on the created object: ${self.name}.")}}}};
}

Json data_lifecycle_schema() {
    return {
        {"type", "object"},
        {"additionalProperties", false},
        {"properties",
         {{"preconditions", rules("Conditions that are checked before the data source is read.")},
          {"postconditions", rules("Conditions on the data that was read: ${self.name}.")}}}};
}

/// A map with the key `value`, or any other value, which can also be a map.
Json output_schema() {
    return {
        {"if", {{"type", "object"}, {"required", {"value"}}}},
        {"then",
         {{"additionalProperties", false},
          {"properties",
           {{"value", Json::object()},
            {"secret", with_text({{"type", "boolean"}},
                                 "Only `output --raw --show-secrets` prints the value.")},
            {"description", {{"type", "string"}}},
            {"preconditions", rules("Conditions that are checked before the value is used.")}}}}}};
}

Json checks_schema() {
    const Json list = rules("Conditions that cause a warning if they are false.");
    return map_by_name({{"anyOf", Json::array({list, list["items"]})}},
                       "Conditions that cause a warning if they are false.");
}

Json definitions(const Registry& registry) {
    Json out{
        {"reference",
         {{"type", "string"}, {"pattern", "\\$\\{"}, {"description", "An expression: ${...}"}}},
        {"lifecycle", lifecycle_schema()},
        {"data_lifecycle", data_lifecycle_schema()},
        {"data", block_schema(registry, true)},
        {"resource", block_schema(registry, false)}};
    for (const auto& type : registry.types())
        out[type->name] =
            with_text(fields_schema(type->schema, common_properties(*type)), type->summary);
    return out;
}
} // namespace

nlohmann::json spec_schema(const Registry& registry, bool module_file) {
    Json properties{
        {"description", {{"type", "string"}}},
        {"variables", map_by_name(variable_schema(), "Input variables.")},
        {"locals", map_by_name(Json::object(), "Named values.")},
        {"data", map_by_name({{"$ref", "#/definitions/data"}}, "Data sources.")},
        {"resources", map_by_name({{"$ref", "#/definitions/resource"}}, "Resources to manage.")},
        {"modules", map_by_name(module_call_schema(), "Calls of modules.")},
        {"outputs", map_by_name(output_schema(), "Output values.")},
        {"checks", checks_schema()}};
    Json out{
        {"$schema", "http://json-schema.org/draft-07/schema#"},
        {"title", module_file ? "hadeploy module" : "hadeploy spec"},
        {"type", "object"},
        {"patternProperties", {{"^x-", with_text(Json::object(), "Ignored; can hold anchors.")}}},
        {"additionalProperties", false}};
    if (!module_file) {
        properties["name"] = with_text({{"type", "string"}}, "Name of the project.");
        properties["secrets"] =
            map_by_name({{"type", "string"}}, "Files of secrets, encrypted with "
                                              "`hadeploy vault encrypt`.");
        properties["providers"] = with_text(providers_schema(registry), "Provider settings.");
        properties["moved"] = with_text(
            {{"type", "array"},
             {"items",
              {{"type", "object"},
               {"additionalProperties", false},
               {"required", {"from", "to"}},
               {"properties", {{"from", {{"type", "string"}}}, {"to", {{"type", "string"}}}}}}}},
            "Address changes of existing resources.");
        properties["removed"] =
            with_text({{"type", {"array", "string"}}, {"items", {{"type", "string"}}}},
                      "Addresses to remove from the state without destroying the objects.");
        const Json text{{"type", "string"}};
        properties["import"] =
            with_text({{"type", "array"},
                       {"items",
                        {{"type", "object"},
                         {"additionalProperties", false},
                         {"required", {"to"}},
                         {"properties",
                          {{"to", with_text(text, "web, web[each.key]")},
                           {"id", text},
                           {"for_each", {{"type", {"array", "object", "string"}}}}}}}}},
                      "Existing objects to import.");
        properties["state"] =
            with_text({{"type", {"string", "object"}},
                       {"additionalProperties", false},
                       {"required", {"url"}},
                       {"properties",
                        {{"url", with_text(text, "postgresql://USER@HOST/DATABASE?schema=NAME")},
                         {"password", with_text(text, "${secret.FILE.KEY}")}}}},
                      "The database for the state.");
        properties["apply"] =
            with_text({{"type", "object"},
                       {"additionalProperties", false},
                       {"properties",
                        {{"saved_plans_only",
                          with_text({{"type", "boolean"}},
                                    "Refuse everything that would be applied without a saved "
                                    "plan.")}}}},
                      "How plans may be applied.");
        properties["chaos"] =
            with_text(or_reference(fields_schema(chaos::settings_schema(), Json::object())),
                      "Settings of failure drills.");
        out["required"] = {"name"};
    }
    out["properties"] = std::move(properties);
    out["definitions"] = definitions(registry);
    return out;
}

} // namespace hadeploy::cli
