#include "cli/docs/docs_rows.h"

#include "cli/render/value_text.h"
#include "provider_api/type_name.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
/// Without fields, which are listed in their own rows.
std::string short_type(const Type& type) {
    if (type.kind == TypeKind::object) return "object";
    if (!type.element) return type_name(type);
    const std::string_view container = type.kind == TypeKind::list  ? "list"
                                       : type.kind == TypeKind::set ? "set"
                                                                    : "map";
    return fmt::format("{}({})", container, short_type(*type.element));
}

std::string limits(const Attribute& a) {
    const bool counts_items = a.type.kind == TypeKind::list || a.type.kind == TypeKind::set ||
                              a.type.kind == TypeKind::map;
    const auto show = [&](std::int64_t n) {
        return counts_items ? fmt::format("{} item{}", n, n == 1 ? "" : "s")
                            : value_text(&a.type, Value(n));
    };
    if (a.min && a.max) return fmt::format("{} to {}", show(*a.min), show(*a.max));
    if (a.min) return fmt::format("at least {}", show(*a.min));
    return a.max ? fmt::format("at most {}", show(*a.max)) : std::string();
}

std::string facts_of(const Attribute& a) {
    std::vector<std::string> facts;
    if (a.required) facts.emplace_back("required");
    if (a.default_value && !a.default_value->is_null())
        facts.push_back("default " + value_text(&a.type, *a.default_value));
    if (a.filled) facts.emplace_back("chosen by the provider if not set");
    if (!a.one_of.empty()) facts.push_back(fmt::format("one of {}", fmt::join(a.one_of, ", ")));
    if (const std::string text = limits(a); !text.empty()) facts.push_back(text);
    if (a.replaces) facts.emplace_back("a change forces replacement");
    if (a.secret) facts.emplace_back("secret");
    if (a.open) facts.emplace_back("not secret");
    if (!a.follows.empty())
        facts.push_back(fmt::format("as secret as {}", fmt::join(a.follows, " and ")));
    if (a.tracked) facts.emplace_back("differences are drift");
    return fmt::format("{}", fmt::join(facts, "; "));
}

void add_rows(const Schema& schema, const std::string& prefix, bool computed,
              std::vector<DocRow>& out) {
    for (const Attribute& a : schema) {
        const std::string name = prefix + a.name;
        out.push_back({name, short_type(a.type), facts_of(a), a.doc, computed || a.computed});
        std::string path = name;
        const Type* type = &a.type;
        for (; type->element; type = type->element.get())
            path += type->kind == TypeKind::map ? ".*" : "[]";
        if (type->kind == TypeKind::object && type->fields)
            add_rows(*type->fields, path + ".", computed || a.computed, out);
    }
}
} // namespace

std::vector<DocRow> doc_rows(const Schema& schema) {
    std::vector<DocRow> out;
    add_rows(schema, "", false, out);
    return out;
}

std::string import_text(const ResourceType& type) {
    return fmt::format("`hadeploy import ADDRESS ID` imports an existing object; the ID is {}.",
                       type.import_id);
}

} // namespace hadeploy::cli
