#include "provider_api/normalize.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "core/value_json.h"
#include "provider_api/bare_reference.h"
#include "provider_api/lifecycle_keys.h"
#include "provider_api/scalar.h"
#include "provider_api/type_name.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// The path of a value within its owner (`ports[0].target`), and whether the value is secret.
struct Place {
    static constexpr const char* kHidden = "(secret)";
    std::string path = {};
    Loc loc = {};
    bool secret = false;

    [[nodiscard]] Place field(const std::string& name, const Value& value) const {
        return below(path.empty() ? name : path + "." + name, value);
    }
    [[nodiscard]] Place item(std::size_t index, const Value& value) const {
        return below(fmt::format("{}[{}]", path, index), value);
    }
    [[nodiscard]] Place key(std::string_view name, const Value& value) const {
        return below(fmt::format("{}[{}]", path, secret ? kHidden : in_quotes(name)), value);
    }

  private:
    [[nodiscard]] Place below(std::string name, const Value& value) const {
        return {std::move(name), value.loc().known() ? value.loc() : loc, secret || value.secret()};
    }
};

std::vector<std::string> names_to_write(const Schema& schema) {
    std::vector<std::string> names;
    for (const Attribute& a : schema)
        if (!a.computed) names.push_back(a.name);
    return names;
}

std::string join(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

/// Sorts a set's elements and removes duplicates. Keeps all unknown elements, as they may differ.
void sort_set(Value::List& items) {
    std::stable_sort(items.begin(), items.end(), [](const Value& a, const Value& b) {
        if (a.is_number() && b.is_number()) return a.as_number() < b.as_number();
        return to_json(a) < to_json(b);
    });
    items.erase(std::unique(items.begin(), items.end()), items.end());
}

class Normalizer {
  public:
    Normalizer(std::string_view owner, const BaseDirectory& base, Diagnostics& diagnostics)
        : owner_(owner), base_(base), diagnostics_(diagnostics) {}

    /// Normalizes a map by a schema. Its keys lose their Loc, so that a key with a Loc comes from
    /// the spec and a key without one from a resource.
    Value fields(const Schema& schema, const Value& config, const Place& place, bool drop_foreign);
    Value attribute(const Attribute& attribute, const Value& value, const Place& place);

  private:
    Error& problem(const Place& place, const std::string& message) {
        std::string text = owner_.empty() ? "" : std::string(owner_) + ": ";
        if (!place.path.empty()) text += place.path + ": ";
        return diagnostics_.add(text + message, place.loc);
    }
    Value typed(const Type& type, const Value& value, const Place& place);
    Value contents(const Type& type, const Value& value, const Place& place);
    Value items(const Type& type, const Value& value, const Place& place);
    Value entries(const Type& type, const Value& value, const Place& place);
    Value connection(const Value& value, const Place& place);
    Value scalar(TypeKind kind, const Value& value, const Place& place);
    Value local_path(const Value& checked, const Place& place);
    void wrong_kind(const Type& type, const Value& value, const Place& place);
    void unknown_key(const Schema& schema, const Entry& entry, const Place& place);
    void check_limits(const Attribute& attribute, const Value& value, const Place& place);
    void check_choice(const Attribute& attribute, const Value& value, const Place& place);

    std::string_view owner_;
    const BaseDirectory& base_;
    Diagnostics& diagnostics_;
};

Value Normalizer::fields(const Schema& schema, const Value& config, const Place& place,
                         bool drop_foreign) {
    if (config.is_unknown()) return config;
    if (!config.is_map() && !config.is_null()) {
        wrong_kind(Type(TypeKind::map), config, place);
        return config;
    }
    if (config.is_map())
        for (const Entry& entry : config.as_map()) {
            const bool dropped = drop_foreign && !entry.loc.known();
            if (find_attribute(schema, entry.key) == nullptr && !dropped)
                unknown_key(schema, entry, place);
        }
    Value::Map out;
    for (const Attribute& a : schema) {
        const Value& given = config[a.name];
        const Place at = place.field(a.name, given);
        if (a.computed && !given.is_null() && !drop_foreign) {
            problem(at, "cannot be set: it is a computed attribute").hint =
                "remove the key: hadeploy sets this attribute";
            continue;
        }
        if (a.required && given.is_null()) {
            const std::string type = type_name(a.type);
            problem({place.path, at.loc, place.secret},
                    fmt::format("missing \"{}\" ({})", a.name, type))
                .with_hint(a.doc);
            continue;
        }
        Value value = attribute(a, given, at);
        if (!value.is_null() || a.default_value) out.push_back({a.name, std::move(value)});
    }
    return Value::map(std::move(out));
}

void Normalizer::unknown_key(const Schema& schema, const Entry& entry, const Place& place) {
    const Place at{place.path, entry.loc.known() ? entry.loc : place.loc, place.secret};
    const std::vector<std::string> known = names_to_write(schema);
    // next to secrets, a key that resembles no valid key may itself be a secret
    const bool secrets =
        std::any_of(schema.begin(), schema.end(), [](const Attribute& a) { return a.secret; });
    const bool hidden = at.secret || (secrets && !did_you_mean(entry.key, known));
    Error& error =
        problem(at, hidden ? "unknown key" : fmt::format("unknown key {}", in_quotes(entry.key)));
    if (hidden)
        error.with_hint(fmt::format("known keys: {}", join(known)));
    else if (const std::string other = lifecycle_key_hint(entry.key, false);
             place.path.empty() && !other.empty())
        error.with_hint(other);
    else if (const auto meant = did_you_mean(entry.key, known))
        error.with_hint(fmt::format("did you mean \"{}\"?", *meant));
    else if (known.empty())
        error.with_hint("no keys are allowed here");
    else
        error.with_hint(fmt::format("known keys: {}", join(known)));
}

Value Normalizer::attribute(const Attribute& a, const Value& value, const Place& place) {
    const Value& given = value.is_null() && a.default_value ? *a.default_value : value;
    if (given.is_null()) return given;
    const std::size_t diagnostics = diagnostics_.list().size();
    const Place at{place.path, place.loc, place.secret || a.secret};
    Value out = typed(a.type, given, at);
    if (diagnostics_.list().size() == diagnostics) {
        check_limits(a, out, at);
        check_choice(a, out, at);
    }
    return a.secret ? out.as_secret() : out;
}

Value Normalizer::typed(const Type& type, const Value& value, const Place& place) {
    if (value.is_unknown() || type.kind == TypeKind::any) return value;
    Value out = contents(type, value, place).at(value.loc());
    if (!value.secret()) return out;
    if (out.is_string()) out = out.with_secret_parts(value.secret_parts());
    return out.as_secret();
}

Value Normalizer::contents(const Type& type, const Value& value, const Place& place) {
    switch (type.kind) {
    case TypeKind::list:
    case TypeKind::set: return items(type, value, place);
    case TypeKind::map: return entries(type, value, place);
    case TypeKind::connection: return connection(value, place);
    case TypeKind::object:
        if (value.is_map()) return fields(*type.fields, value, place, true);
        wrong_kind(type, value, place);
        return value;
    default: return scalar(type.kind, value, place);
    }
}

Value Normalizer::items(const Type& type, const Value& value, const Place& place) {
    if (!value.is_list()) {
        wrong_kind(type, value, place);
        return value;
    }
    if (!type.element) return value;
    Value::List out;
    out.reserve(value.as_list().size());
    for (const Value& item : value.as_list()) {
        const Place at = place.item(out.size(), item);
        if (item.is_null())
            problem(at, fmt::format("expected {}, got nothing", scalar::noun(type.element->kind)));
        out.push_back(item.is_null() ? item : typed(*type.element, item, at));
    }
    if (type.kind == TypeKind::set) sort_set(out);
    return Value::list(std::move(out));
}

Value Normalizer::entries(const Type& type, const Value& value, const Place& place) {
    if (!value.is_map()) {
        wrong_kind(type, value, place);
        return value;
    }
    if (!type.element) return value;
    Value::Map out;
    out.reserve(value.as_map().size());
    for (const Entry& entry : value.as_map()) {
        const Place at = place.key(entry.key, entry.value);
        if (entry.value.is_null() && type.element->kind != TypeKind::any)
            problem(at, fmt::format("expected {}, got nothing", scalar::noun(type.element->kind)));
        out.push_back({entry.key,
                       entry.value.is_null() ? entry.value : typed(*type.element, entry.value, at),
                       entry.loc});
    }
    return Value::map(std::move(out));
}

Value Normalizer::connection(const Value& value, const Place& place) {
    if (!value.is_map()) {
        wrong_kind(TypeKind::connection, value, place);
        return value;
    }
    if (!value.has("address") && value["connection"].is_map()) {
        problem(place, "expected a connection, got a whole machine")
            .with_hint("use its attribute: ${...connection}");
        return value;
    }
    return fields(connection_fields(), value, place, true);
}

Value Normalizer::scalar(TypeKind kind, const Value& value, const Place& place) {
    try {
        const Value out = scalar::canonical(kind, value);
        return kind == TypeKind::local_path ? local_path(out.at(value.loc()), place) : out;
    } catch (const scalar::Mismatch& mismatch) {
        // A secret must not appear in a message, even if it is invalid.
        const std::string message =
            place.secret ? fmt::format("expected {} (the value is secret)", scalar::noun(kind))
                         : mismatch.message;
        Error& error = problem(place, message);
        if (!place.secret) error.hint = mismatch.hint;
        if (!place.secret && error.hint.empty()) error.hint = bare_reference_hint(value);
        return value;
    }
}

Value Normalizer::local_path(const Value& checked, const Place& place) {
    const std::filesystem::path path = checked.as_string();
    if (path.string().starts_with("~"))
        throw scalar::Mismatch{
            fmt::format("{} begins with ~, which is not expanded", in_quotes(path.string())),
            "write an absolute path, or one relative to the directory of the spec or module"};
    const bool written = checked.loc().known(); // a schema's default has no place
    const std::filesystem::path base = base_ ? base_(place.loc, written) : "";
    return without_last_slash(base / path);
}

void Normalizer::wrong_kind(const Type& type, const Value& value, const Place& place) {
    const std::string was = place.secret ? std::string(value.kind_name()) : scalar::got(value);
    Error& error = problem(place, fmt::format("expected {}, got {}", scalar::noun(type.kind), was));
    if (const std::string hint = bare_reference_hint(value); !place.secret && !hint.empty())
        error.with_hint(hint);
    else if ((type.kind == TypeKind::list || type.kind == TypeKind::set) && !value.is_map())
        error.with_hint("write a list as [a, b], or with one item per line after \"- \"");
}

void Normalizer::check_limits(const Attribute& a, const Value& value, const Place& place) {
    if (!a.min && !a.max) return;
    const bool sized = value.is_list() || value.is_map();
    if (!sized && !value.is_number()) return;
    const double n = value.is_list()  ? static_cast<double>(value.as_list().size())
                     : value.is_map() ? static_cast<double>(value.as_map().size())
                                      : value.as_number();
    const auto show = [&](std::int64_t limit) {
        if (a.type.kind == TypeKind::bytes) return show_bytes(limit);
        if (a.type.kind == TypeKind::duration) return show_duration(limit);
        return std::to_string(limit) + (sized ? limit == 1 ? " entry" : " entries" : "");
    };
    const std::string was = place.secret         ? "the value"
                            : value.is_integer() ? show(value.as_integer())
                            : sized              ? show(static_cast<std::int64_t>(n))
                                                 : display(value);
    const std::string_view be = sized && n != 1 && !place.secret ? "are" : "is";
    if (a.min && n < static_cast<double>(*a.min))
        problem(place, fmt::format("{} {} below the minimum of {}", was, be, show(*a.min)));
    if (a.max && n > static_cast<double>(*a.max))
        problem(place, fmt::format("{} {} above the maximum of {}", was, be, show(*a.max)));
}

void Normalizer::check_choice(const Attribute& a, const Value& value, const Place& place) {
    if (a.one_of.empty()) return;
    if (value.is_list()) {
        for (std::size_t i = 0; i < value.as_list().size(); ++i)
            check_choice(a, value.as_list()[i], place.item(i, value.as_list()[i]));
        return;
    }
    if (!value.is_string()) return;
    const std::string& text = value.as_string();
    if (std::find(a.one_of.begin(), a.one_of.end(), text) != a.one_of.end()) return;
    Error& error =
        problem(place, fmt::format("{} is not one of: {}",
                                   place.secret ? "the value" : in_quotes(text), join(a.one_of)));
    if (const auto meant = did_you_mean(text, a.one_of); meant && !place.secret)
        error.with_hint(fmt::format("did you mean \"{}\"?", *meant));
}

} // namespace

Value normalize(const Schema& schema, const Value& config, std::string_view what, Loc owner,
                const BaseDirectory& base, Diagnostics& diagnostics) {
    Normalizer normalizer(what, base, diagnostics);
    const Place place{"", owner, config.secret()};
    return normalizer.fields(schema, config, place, false).at(config.loc());
}

Value normalize(const Attribute& attribute, const Value& value, std::string_view what,
                const BaseDirectory& base, Diagnostics& diagnostics) {
    Normalizer normalizer("", base, diagnostics);
    const Place place{std::string(what), value.loc(), value.secret()};
    if (attribute.required && value.is_null()) {
        diagnostics.add(
            fmt::format("{}: expected {}, got nothing", what, scalar::noun(attribute.type.kind)),
            value.loc());
        return value;
    }
    return normalizer.attribute(attribute, value, place);
}

std::string without_last_slash(const std::filesystem::path& path) {
    std::string out = path.lexically_normal().string();
    if (out.size() > 1 && out.ends_with('/')) out.pop_back();
    return out;
}

std::string real_place(const std::filesystem::path& path) {
    const std::filesystem::path normal = without_last_slash(path);
    std::filesystem::path missing = normal.filename();
    for (auto parent = normal.parent_path();; parent = parent.parent_path()) {
        std::error_code none;
        if (const auto real = std::filesystem::canonical(parent, none); !none)
            return (real / missing).string();
        if (!parent.has_relative_path()) return normal.string();
        missing = parent.filename() / missing;
    }
}

} // namespace hadeploy
