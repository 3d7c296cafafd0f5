#include "planner/spec/variables.h"

#include "core/did_you_mean.h"
#include "planner/yaml/scalar_place.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "provider_api/type_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Reads the block of a variable.
class Declaration {
  public:
    Declaration(Attribute& variable, const BaseDirectory& base, Diagnostics& diagnostics)
        : a_(variable), base_(base), diagnostics_(diagnostics) {}

    void read(const Value& body) {
        read_type(fixed(body["type"], "a type"));
        a_.doc = text(body["description"]);
        a_.secret = flag(body["secret"]);
        a_.min = limit("min", body["min"]);
        a_.max = limit("max", body["max"]);
        read_choices(fixed(body["one_of"], "one_of"));
        if (const Value* given = body.find("default")) read_default(*given);
    }

  private:
    /// Variables get their values before any expression can be evaluated.
    Value fixed(const Value& tree, std::string_view where) {
        return constant(tree, where,
                        "to compute a value from variables, use a local; to write a literal "
                        "\"${\", use \"$${\"",
                        diagnostics_);
    }

    void expected(std::string_view key, std::string_view what, const Value& got) {
        diagnostics_.add(fmt::format("{}: expected {}, got {}", key, what, got.kind_name()),
                         got.loc());
    }

    void read_type(const Value& type) {
        if (type.is_null() && !type.loc().known()) return; // the variable has no type
        try {
            a_.type = parse_type(type);
        } catch (Error& error) {
            diagnostics_.add(std::move(error));
        }
    }

    std::string text(const Value& description) {
        const Value text = fixed(description, "a description");
        if (text.is_string()) return text.as_string();
        if (!text.is_null()) expected("description", "a string", text);
        return {};
    }

    bool flag(const Value& secret) {
        if (secret.is_bool()) return secret.as_bool();
        if (!secret.is_null()) expected("secret", "a boolean", secret);
        return false;
    }

    /// A limit can use the units of the type of the variable: `min: 512 MiB`.
    std::optional<std::int64_t> limit(std::string_view key, const Value& written) {
        if (written.is_null()) return std::nullopt;
        if (written.is_integer()) return written.as_integer();
        const std::size_t before = diagnostics_.list().size();
        const Value given = fixed(written, key);
        if (diagnostics_.list().size() > before) return std::nullopt;
        const Attribute bare{.name = a_.name, .type = a_.type, .doc = {}};
        const Value v = normalize(bare, given, "the limit", base_, diagnostics_);
        if (v.is_integer()) return v.as_integer();
        if (diagnostics_.list().size() == before) expected(key, "an integer", written);
        return std::nullopt;
    }

    void read_choices(const Value& choices) {
        if (choices.is_list())
            for (const Value& v : choices.as_list()) a_.one_of.push_back(display(v));
        else if (!choices.is_null())
            expected("one_of", "a list", choices);
    }

    void read_default(const Value& written) {
        a_.required = false;
        const std::size_t before = diagnostics_.list().size();
        const Value given = fixed(written, "the default of a variable");
        a_.default_value = given;
        if (!given.is_null() && diagnostics_.list().size() == before)
            a_.default_value = normalize(a_, given, "var." + a_.name, base_, diagnostics_);
    }

    Attribute& a_;
    const BaseDirectory& base_;
    Diagnostics& diagnostics_;
};

} // namespace

void read_declaration(const Value& body, Attribute& variable, const BaseDirectory& base,
                      Diagnostics& diagnostics) {
    Declaration(variable, base, diagnostics).read(body);
}

namespace {
/// The error for an empty `--var` text whose variable is not a string.
Error nothing_given(const Variable& variable, std::uint16_t index) {
    const Attribute& a = variable.attribute;
    const TypeKind kind = a.type.kind;
    const bool list = kind == TypeKind::list || kind == TypeKind::set;
    const bool map = kind == TypeKind::map || kind == TypeKind::object;
    const std::string_view empty = list                    ? "an empty list is []"
                                   : map                   ? "an empty map is {}"
                                   : kind == TypeKind::any ? "an empty string is \"\", in quotes"
                                                           : "write a value";
    return Error(ErrorKind::spec, fmt::format("the value of the variable \"{}\" is empty", a.name),
                 {1, 1, index})
        .with_hint(fmt::format("{}{}", empty, a.required ? "" : "; omit it to use the default"));
}
} // namespace

namespace {
std::vector<std::string> declared_names(const Spec& spec) {
    std::vector<std::string> out;
    for (const Variable& v : spec.root.variables) out.push_back(v.attribute.name);
    return out;
}

/// Whether a key in a file of secrets may be a line of an unquoted value: it may if it does not
/// resemble any name that the spec declares.
bool may_be_value(const Spec& spec, const std::string& key) {
    return spec.root.variable(key) == nullptr && !did_you_mean(key, declared_names(spec));
}

void refuse_unknown_line(Spec& spec, const Entry& e, Diagnostics& diagnostics) {
    hide_scalars(spec.sources, Value::map({{e.key, Value(), e.loc}}));
    diagnostics.add("this line does not name a variable that the spec declares", e.loc).hint =
        fmt::format("its text is not shown, because it may be part of a secret; the spec declares: "
                    "{}",
                    fmt::join(declared_names(spec), ", "));
}

/// Hides the file's values for secret variables and for undeclared names, because an undeclared
/// name can be a misspelt secret variable. Hides the whole file if it cannot be parsed.
void hide_values(Spec& spec, std::uint16_t file, const Value& root, bool readable) {
    if (!readable) spec.sources.hide(file, 0, std::string::npos);
    if (!root.is_map()) return hide_scalars(spec.sources, root);
    for (const Entry& e : root.as_map()) {
        const Variable* meant = spec.root.variable(e.key);
        if (meant == nullptr || meant->attribute.secret) hide_scalars(spec.sources, e.value);
    }
}
} // namespace

VariableValues load_variable_file(const std::filesystem::path& file, const FileReader& read,
                                  Spec& spec) {
    Diagnostics diagnostics;
    const std::uint16_t index = spec.sources.add(file, read(file));
    const auto& variables = spec.root.variables;
    const bool secrets = std::any_of(variables.begin(), variables.end(),
                                     [](const Variable& v) { return v.attribute.secret; });
    const Value root = secrets ? read_secret_yaml(spec.sources, index, "the file", diagnostics)
                               : read_yaml(spec.sources, index, diagnostics);
    if (secrets) hide_values(spec, index, root, diagnostics.empty());
    VariableValues out;
    if (root.is_map()) {
        for (const Entry& e : root.as_map()) {
            if (secrets && may_be_value(spec, e.key))
                refuse_unknown_line(spec, e, diagnostics);
            else
                out[e.key] = e.value.loc().known() ? e.value : e.value.at(e.loc);
        }
    } else if (diagnostics.empty()) {
        diagnostics
            .add(fmt::format("a variable file is a map of values, not {}", root.kind_name()),
                 root.loc())
            .hint = "write each value on a line of its own: NAME: VALUE";
    }
    diagnostics.throw_if_any();
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
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
        throw nothing_given(variable, index);
    Diagnostics diagnostics;
    Value value = variable.attribute.secret
                      ? read_secret_yaml(sources, index, "the value", diagnostics)
                      : read_yaml(sources, index, diagnostics);
    diagnostics.throw_if_any();
    return value;
}

namespace {
/// The parts of an unknown value that follow from its type: the field names of an object.
Value unknown_of(const Type& type) {
    if (type.kind != TypeKind::object || !type.fields) return Value::unknown();
    Value::Map fields;
    for (const Attribute& field : *type.fields)
        fields.push_back({field.name, unknown_of(field.type), {}});
    return Value::map(std::move(fields));
}
} // namespace

namespace {
/// A name that does not resemble any declared name is not shown, because it may be a secret that
/// ends in "=", like base64.
void refuse_unknown_name(const std::string& name, Loc loc, const std::vector<std::string>& declared,
                         Diagnostics& diagnostics) {
    if (const auto close = did_you_mean(name, declared)) {
        diagnostics.add(fmt::format("the spec declares no variable \"{}\"", name), loc).hint =
            fmt::format("did you mean \"{}\"?", *close);
        return;
    }
    diagnostics.add("the spec declares no variable of this name", loc).hint = fmt::format(
        "the name is not shown, because it may be part of a secret; the spec declares {}",
        declared.empty() ? "no variables" : fmt::format("{}", fmt::join(declared, ", ")));
}
} // namespace

Value resolve_variables(const Spec& spec, const VariableValues& given,
                        std::vector<std::string>* missing) {
    Diagnostics diagnostics;
    const std::vector<std::string> names = declared_names(spec);
    for (const auto& [name, value] : given) {
        if (spec.root.variable(name) != nullptr) continue;
        refuse_unknown_name(name, value.loc(), names, diagnostics);
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
            diagnostics.add(fmt::format("variable \"{}\" has no value", a.name), v.loc).hint =
                fmt::format("set it with --var {}=..., in a --var-file, or as HADEPLOY_VAR_{}",
                            a.name, a.name);
            continue;
        }
        Value value = it == given.end() ? *a.default_value
                                        : normalize(a, it->second, "var." + a.name,
                                                    spec.base_directory(), diagnostics);
        if (a.secret) value = value.as_secret();
        values.push_back({a.name, std::move(value), v.loc});
    }
    diagnostics.throw_if_any();
    return Value::map(std::move(values));
}

} // namespace hadeploy
