#include "planner/spec/written_secrets.h"

#include "planner/yaml/scalar_place.h"

#include <algorithm>
#include <array>
#include <set>

namespace hadeploy {

namespace {

class Hiding {
  public:
    Hiding(Sources& sources, const Registry& registry) : sources_(sources), registry_(registry) {}

    void module(const Module& m) {
        if (!seen_.insert(&m).second) return;
        for (const Variable& v : m.variables)
            if (v.attribute.secret && v.attribute.default_value)
                hide_scalars(sources_, *v.attribute.default_value);
        for (const ResourceBlock& block : m.resources)
            if (const ResourceType* type = registry_.type(block.type))
                for (const Argument& a : block.attributes) named(type->schema, a.name, *a.value);
        for (const ModuleBlock& call : m.modules) {
            const Schema inputs = inputs_of(*call.module);
            for (const auto& [name, value] : call.inputs) named(inputs, name, *value);
            module(*call.module);
        }
    }

    void attribute(const Attribute& meant, const Expr& written) {
        if (meant.secret)
            literals(written);
        else
            parts(meant.type, written);
    }

  private:
    static Schema inputs_of(const Module& m) {
        Schema out;
        for (const Variable& v : m.variables) out.push_back(v.attribute);
        return out;
    }

    /// A name that the schema does not have can be a misspelt secret attribute: `pasword: ...`.
    void named(const Schema& schema, std::string_view name, const Expr& written) {
        const Attribute* meant = find_attribute(schema, name);
        const bool secrets =
            std::any_of(schema.begin(), schema.end(), [](const Attribute& a) { return a.secret; });
        if (meant != nullptr)
            attribute(*meant, written);
        else if (secrets)
            literals(written);
    }

    /// Fields can be secret even if the whole value is not.
    void parts(const Type& type, const Expr& written) {
        if (written.kind == Expr::Kind::list && type.element)
            for (const Expr& item : written.parts) parts(*type.element, item);
        if (written.kind != Expr::Kind::map) return;
        for (std::size_t i = 0; i + 1 < written.parts.size(); i += 2) {
            const Expr &key = written.parts[i], &value = written.parts[i + 1];
            if (type.element) parts(*type.element, value);
            if (!type.fields || key.kind != Expr::Kind::literal || !key.value.is_string()) continue;
            named(*type.fields, key.name(), value);
        }
    }

    void literals(const Expr& written) {
        if (written.kind == Expr::Kind::literal)
            hide_scalars(sources_, written.value);
        else if (written.kind == Expr::Kind::list)
            for (const Expr& item : written.parts) literals(item);
        else if (written.kind == Expr::Kind::map)
            for (std::size_t i = 1; i < written.parts.size(); i += 2) {
                const Expr &key = written.parts[i - 1], &value = written.parts[i];
                if (key.kind == Expr::Kind::literal && key.value.is_string())
                    hide_scalars(sources_, Value::map({{key.name(), Value(), key.loc()}}));
                literals(value);
            }
        else if (writes_literals(written)) // its end is not recorded
            hide_scalars(sources_, Value(true).at(written.loc()));
    }

    Sources& sources_;
    const Registry& registry_;
    std::set<const Module*> seen_;
};

} // namespace

void hide_written_secrets(Spec& spec, const Registry& registry) {
    Hiding hiding(spec.sources, registry);
    hiding.module(spec.root);
    for (const auto& [name, settings] : spec.providers)
        if (const Provider* provider = registry.provider(name))
            hiding.attribute({.type = object_of(provider->schema)}, *settings);
}

void hide_unread(Sources& sources, std::uint16_t file) {
    constexpr std::array<std::string_view, 6> signs{"secret",      "sensitive", "password",
                                                    "private_key", "token",     "PRIVATE KEY"};
    const std::string_view text = sources.files()[file].text;
    if (std::none_of(signs.begin(), signs.end(),
                     [&](std::string_view sign) { return text.find(sign) != text.npos; }))
        return;
    for (const std::size_t begin : sources.files()[file].lines) {
        const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
        const std::size_t key = line.find(": ");
        const std::size_t value = line.find_first_not_of(' ', key == line.npos ? 0 : key + 1);
        if (value != line.npos && !line.ends_with(':'))
            sources.hide(file, begin + value, begin + line.size());
    }
}

} // namespace hadeploy
