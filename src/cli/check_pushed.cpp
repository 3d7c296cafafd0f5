#include "cli/check_pushed.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "planner/plan/generations.h"
#include "planner/spec/address.h"
#include "provider_api/type_name.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

bool is_text(TypeKind kind) {
    using enum TypeKind;
    return kind == string || kind == ipv4 || kind == cidr || kind == mode || kind == name ||
           kind == account || kind == address || kind == line || kind == path || kind == local_path;
}

/// Whether a value has the form in which values of the type are recorded. Null and unknown values
/// always do.
bool fits(const Type& type, const Value& v) {
    using enum TypeKind;
    const auto element = [&](const Value& item) {
        return !type.element || fits(*type.element, item);
    };
    const auto field = [&](const Attribute& a) { return fits(a.type, v[a.name]); };
    if (v.is_null() || v.is_unknown() || type.kind == any) return true;
    if (is_text(type.kind)) return v.is_string();
    if (type.kind == boolean) return v.is_bool();
    if (type.kind == number) return v.is_number();
    if (type.kind == list || type.kind == set)
        return v.is_list() && std::all_of(v.as_list().begin(), v.as_list().end(), element);
    if (type.kind == map)
        return v.is_map() && std::all_of(v.as_map().begin(), v.as_map().end(),
                                         [&](const Entry& e) { return element(e.value); });
    if (type.kind == connection) return v.is_map();
    if (type.kind == object)
        return v.is_map() &&
               (!type.fields || std::all_of(type.fields->begin(), type.fields->end(), field));
    return v.is_integer(); // bytes, a duration, a port
}

std::string_view form_of(TypeKind kind) {
    using enum TypeKind;
    if (is_text(kind)) return "a string";
    if (kind == boolean) return "true or false";
    if (kind == number) return "a number";
    if (kind == list || kind == set) return "a list";
    return kind == map || kind == object || kind == connection ? "a map" : "an integer";
}

class PushedCheck {
  public:
    PushedCheck(const Registry& registry, std::string what)
        : registry_(registry), what_(std::move(what)) {}

    void row(const RecordedResource& row, std::size_t number) {
        const std::string where = fmt::format("resources[{}]", number);
        if (!is_resource(row.address))
            add(where + ".address", fmt::format("{} is not an address", in_quotes(row.address)),
                "for example web, web[\"a\"], module.cluster.web");
        for (const std::string& d : row.depends_on)
            if (!is_resource(d))
                add(where + ".depends_on", fmt::format("{} is not an address", in_quotes(d)),
                    "for example web, web[\"a\"], module.cluster.web");
        const ResourceType* type = registry_.type(row.type);
        if (type == nullptr || type->data)
            return add(where + ".type",
                       fmt::format("there is no resource type {}", in_quotes(row.type)),
                       hint_for(row.type));
        values(row.config, type->schema, where + ".config");
        values(row.attributes, type->schema, where + ".attributes");
    }

    Diagnostics diagnostics;

  private:
    /// Accepts addresses of older generations, such as `web#1`.
    static bool is_resource(const std::string& address) {
        return form_of_address(resource_address(address)) == AddressForm::resource;
    }

    std::string hint_for(const std::string& type) const {
        std::vector<std::string> names;
        for (const auto& t : registry_.types())
            if (!t->data) names.push_back(t->name);
        const auto meant = did_you_mean(type, names);
        return meant ? fmt::format("did you mean {}?", *meant) : "`hadeploy docs` lists the types";
    }

    void values(const Value& values, const Schema& schema, const std::string& where) {
        for (const Attribute& a : schema)
            if (!fits(a.type, values[a.name]))
                add(fmt::format("{}.{}", where, a.name),
                    fmt::format("must be {}: its type is `{}`", form_of(a.type.kind),
                                type_name(a.type)),
                    "sizes are recorded in bytes, durations in milliseconds; `hadeploy state pull` "
                    "shows the expected form");
    }

    void add(const std::string& place, const std::string& message, std::string hint) {
        diagnostics.add(Error(ErrorKind::state, fmt::format("{}: {}: {}", what_, place, message))
                            .with_hint(std::move(hint)));
    }

    const Registry& registry_;
    std::string what_;
};

} // namespace

void check_pushed(const state::Contents& pushed, const Registry& registry,
                  const std::string& what) {
    PushedCheck check(registry, what);
    for (std::size_t i = 0; i < pushed.rows.size(); ++i) check.row(pushed.rows[i], i);
    check.diagnostics.throw_if_any();
}

} // namespace hadeploy::cli
