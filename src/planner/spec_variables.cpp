#include "planner/spec.h"

#include "planner/scalar_place.h"
#include "planner/yaml.h"

#include <fmt/format.h>

namespace hadeploy {

VariableValues load_variable_file(const std::filesystem::path& file, const FileReader& read,
                                  Spec& spec) {
    Problems problems;
    const std::uint16_t index = spec.sources.add(file, read(file));
    const Value root = read_yaml(spec.sources, index, problems);
    for (const Variable& v : spec.root.variables) {
        if (!v.attribute.secret) continue;
        if (!problems.empty()) spec.sources.hide(index, 0, std::string::npos);
        hide_scalars(spec.sources, root[v.attribute.name]);
    }
    VariableValues out;
    if (root.is_map()) {
        for (const Entry& e : root.as_map())
            out[e.key] = e.value.loc().known() ? e.value : e.value.at(e.loc);
    } else if (problems.empty()) {
        problems.add(fmt::format("a variable file is a map of values, not {}", root.kind_name()),
                     root.loc());
    }
    problems.throw_if_any();
    return out;
}

Value parse_variable_text(const Variable& variable, const std::string& text,
                          const std::string& from, Sources& sources) {
    const TypeKind kind = variable.attribute.type.kind;
    const bool structured = kind == TypeKind::list || kind == TypeKind::set ||
                            kind == TypeKind::map || kind == TypeKind::object ||
                            kind == TypeKind::connection || kind == TypeKind::any;
    const bool scalar = kind == TypeKind::integer || kind == TypeKind::number ||
                        kind == TypeKind::boolean || kind == TypeKind::port;
    const std::uint16_t index = sources.add_given(from, text);
    if (variable.attribute.secret) sources.hide(index, 0, text.size());
    if (!structured && !scalar) return Value(text).at({1, 1, index});
    Problems problems;
    Value value = read_yaml(sources, index, problems);
    problems.throw_if_any();
    return value;
}

namespace {
/// What is known of a value by its type: the names of an object's fields.
Value unknown_of(const Type& type) {
    if (type.kind != TypeKind::object || !type.fields) return Value::unknown();
    Value::Map fields;
    for (const Attribute& field : *type.fields)
        fields.push_back({field.name, unknown_of(field.type), {}});
    return Value::map(std::move(fields));
}
} // namespace

Value resolve_variables(const Spec& spec, const VariableValues& given,
                        std::vector<std::string>* missing) {
    Problems problems;
    std::vector<std::string> names;
    for (const Variable& v : spec.root.variables) names.push_back(v.attribute.name);
    for (const auto& [name, value] : given) {
        if (spec.root.variable(name) != nullptr) continue;
        Error& error =
            problems.add(fmt::format("the spec declares no variable \"{}\"", name), value.loc());
        const auto close = did_you_mean(name, names);
        if (close)
            error.hint = fmt::format("did you mean \"{}\"?", *close);
        else if (!names.empty())
            error.hint = fmt::format("it declares: {}", fmt::join(names, ", "));
    }
    Value::Map values;
    for (const Variable& v : spec.root.variables) {
        const Attribute& a = v.attribute;
        const auto it = given.find(a.name);
        if (it == given.end() && a.required && missing != nullptr) {
            missing->push_back(a.name);
            const Value unknown = unknown_of(a.type);
            values.push_back({a.name, a.secret ? unknown.as_secret() : unknown, v.loc});
            continue;
        }
        if (it == given.end() && a.required) {
            problems.add(fmt::format("variable \"{}\" has no value", a.name), v.loc).hint =
                fmt::format("give it with --var {}=..., in a --var-file, or as HADEPLOY_VAR_{}",
                            a.name, a.name);
            continue;
        }
        Value value = it == given.end() ? *a.fallback
                                        : normalize(a, it->second, "var." + a.name,
                                                    spec.base_directory(), problems);
        if (a.secret) value = value.as_secret();
        values.push_back({a.name, std::move(value), v.loc});
    }
    problems.throw_if_any();
    return Value::map(std::move(values));
}

} // namespace hadeploy
