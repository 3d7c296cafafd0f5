#include "provider_api/type_name.h"

#include "core/value_json.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy {

namespace {

struct TypeName {
    TypeKind kind;
    std::string_view name;
};

/// The types that are written as a single word.
constexpr std::array kTypeNames{
    TypeName{TypeKind::any, "any"},
    TypeName{TypeKind::string, "string"},
    TypeName{TypeKind::integer, "integer"},
    TypeName{TypeKind::number, "number"},
    TypeName{TypeKind::boolean, "boolean"},
    TypeName{TypeKind::bytes, "bytes"},
    TypeName{TypeKind::duration, "duration"},
    TypeName{TypeKind::port, "port"},
    TypeName{TypeKind::ipv4, "ipv4"},
    TypeName{TypeKind::cidr, "cidr"},
    TypeName{TypeKind::mode, "mode"},
    TypeName{TypeKind::name, "name"},
    TypeName{TypeKind::account, "account"},
    TypeName{TypeKind::address, "address"},
    TypeName{TypeKind::line, "line"},
    TypeName{TypeKind::path, "path"},
    TypeName{TypeKind::local_path, "local_path"},
    TypeName{TypeKind::connection, "connection"},
    TypeName{TypeKind::list, "list"},
    TypeName{TypeKind::set, "set"},
    TypeName{TypeKind::map, "map"},
};

std::string_view name_of(TypeKind kind) {
    return std::find_if(kTypeNames.begin(), kTypeNames.end(),
                        [&](const TypeName& t) { return t.kind == kind; })
        ->name;
}

} // namespace

std::optional<TypeKind> type_kind(std::string_view word) {
    for (const TypeName& t : kTypeNames)
        if (t.name == word) return t.kind;
    return std::nullopt;
}

std::vector<std::string> type_words() {
    std::vector<std::string> out;
    for (const TypeName& t : kTypeNames) out.emplace_back(t.name);
    return out;
}

std::string type_name(const Type& type) {
    if (type.kind != TypeKind::object) {
        const std::string name(name_of(type.kind));
        return type.element ? name + "(" + type_name(*type.element) + ")" : name;
    }
    std::string fields;
    if (type.fields)
        for (const Attribute& field : *type.fields) {
            std::string text = type_name(field.type);
            if (!field.required && field.default_value && !field.default_value->is_null())
                text = fmt::format("optional({}, {})", text, to_public_json(*field.default_value));
            else if (!field.required)
                text = "optional(" + text + ")";
            fields += (fields.empty() ? "" : ", ") + field.name + ": " + text;
        }
    return "object({" + fields + "})";
}

} // namespace hadeploy
