#include "provider_api/type_text.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "provider_api/type_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr int kMaxTypeDepth = 16;
constexpr std::string_view kHint = "types: string, integer, number, boolean, bytes, duration, "
                                   "port, ipv4, cidr, mode, name, account, address, "
                                   "line, path, local_path, connection, any, list(T), set(T), "
                                   "map(T), object({name: T, other: optional(T, "
                                   "default)})";

/// Sets the place of a value within a type, and of all its parts, to the type's place.
Value placed(const Value& v, Loc loc) {
    if (v.is_list()) {
        Value::List items;
        for (const Value& item : v.as_list()) items.push_back(placed(item, loc));
        return Value::list(std::move(items)).at(loc);
    }
    if (v.is_map()) {
        Value::Map entries;
        for (const Entry& e : v.as_map()) entries.push_back({e.key, placed(e.value, loc), loc});
        return Value::map(std::move(entries)).at(loc);
    }
    return v.at(loc);
}

/// A recursive descent parser for types.
class TypeText {
  public:
    TypeText(std::string_view text, Loc loc) : text_(text), rest_(text), loc_(loc) {}

    Type whole() {
        Type out = type(0);
        expect_end();
        return out;
    }
    Attribute whole_field(const std::string& name) {
        Attribute out = field(name, 0);
        expect_end();
        return out;
    }

  private:
    Type type(int depth) {
        if (depth > kMaxTypeDepth)
            throw wrong(fmt::format("a type is nested at most {} levels deep", kMaxTypeDepth));
        const std::string_view name = word();
        if (name == "object") return object(depth);
        const auto kind = type_kind(name);
        if (!kind) throw unknown(name);
        const bool container =
            *kind == TypeKind::list || *kind == TypeKind::set || *kind == TypeKind::map;
        if (!container || !take('(')) return *kind;
        Type out(*kind);
        out.element = std::make_shared<const Type>(type(depth + 1));
        expect(')');
        return out;
    }

    /// After "object".
    Type object(int depth) {
        expect('(');
        expect('{');
        std::vector<Attribute> fields;
        while (!take('}')) {
            const std::string name(word());
            if (name.empty()) throw wrong("expected the name of a field, or \"}\"");
            expect(':');
            if (find_attribute(fields, name) != nullptr)
                throw wrong(fmt::format("duplicate field \"{}\"", name));
            fields.push_back(field(name, depth + 1));
            if (!take(',')) {
                expect('}');
                break;
            }
        }
        expect(')');
        return object_of(std::move(fields));
    }

    /// Parses the type of a field, or optional(type, default). An optional field without a default
    /// is null if it is not set, so that an expression can test for it.
    Attribute field(const std::string& name, int depth) {
        Attribute out{.name = name};
        const std::string_view before = rest_;
        if (word() != "optional") {
            rest_ = before;
            out.required = true;
            out.type = type(depth);
            return out;
        }
        expect('(');
        out.type = type(depth);
        out.default_value = take(',') ? default_value(out) : Value();
        expect(')');
        return out;
    }

    /// Parses the text up to the closing bracket of optional() as YAML.
    Value default_value(const Attribute& of) {
        std::size_t open = 0, n = 0;
        char quote = 0;
        for (; n < rest_.size(); ++n) {
            const char c = rest_[n];
            if (quote != 0)
                quote = c == quote ? 0 : quote;
            else if (c == '"' || c == '\'')
                quote = c;
            else if (c == '(' || c == '[' || c == '{')
                ++open;
            else if ((c == ')' || c == ']' || c == '}') && open-- == 0)
                break;
        }
        Sources sources;
        Diagnostics diagnostics;
        const Value read = read_yaml(
            sources, sources.add("default", std::string(rest_.substr(0, n))), diagnostics);
        rest_.remove_prefix(n);
        const Value out = placed(read, loc_);
        if (diagnostics.empty())
            (void)normalize(of, out, "the default of " + of.name, {}, diagnostics);
        if (diagnostics.empty()) return out;
        Error error = diagnostics.list().front();
        error.loc = loc_;
        throw error;
    }

    std::string_view word() {
        skip_blanks();
        std::size_t n = 0;
        while (n < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[n])) ||
                                    rest_[n] == '_' || rest_[n] == '-'))
            ++n;
        const std::string_view out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return out;
    }
    void skip_blanks() {
        while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())))
            rest_.remove_prefix(1);
    }
    bool take(char c) {
        skip_blanks();
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (take(c)) return;
        if (rest_.empty())
            throw wrong(fmt::format("\"{}\" is missing at the end", c))
                .with_hint("inside { } in YAML, quote a type that contains a comma");
        throw wrong(fmt::format("expected \"{}\" before {}", c, in_quotes(rest_, 20)));
    }
    void expect_end() {
        skip_blanks();
        if (!rest_.empty())
            throw wrong(fmt::format("unexpected {} after the type", in_quotes(rest_, 20)));
    }

    [[nodiscard]] Error wrong(const std::string& why) const {
        return Error(ErrorKind::spec,
                     fmt::format("{} is not a type: {}", in_quotes(text_, 60), why), loc_)
            .with_hint(std::string(kHint));
    }
    [[nodiscard]] Error unknown(std::string_view name) const {
        std::vector<std::string> known = type_words();
        known.insert(known.end(), {"object", "optional"});
        Error error(ErrorKind::spec,
                    name.empty() ? fmt::format("{} is not a type", in_quotes(text_, 60))
                                 : fmt::format("unknown type {}", in_quotes(name, 60)),
                    loc_);
        const auto close = did_you_mean(name, known);
        error.hint = close ? fmt::format("did you mean \"{}\"?", *close) : std::string(kHint);
        if (name == "optional") error.hint = "only a field of an object can be optional";
        if (name == "bool") error.hint = "the type is called boolean";
        return error;
    }

    std::string_view text_, rest_;
    Loc loc_;
};

Type of_yaml(const Value& written, int depth);

Attribute field_of_yaml(const Entry& e, int depth) {
    if (e.value.is_null())
        throw Error(ErrorKind::spec, fmt::format("the field {} has no type", in_quotes(e.key)),
                    e.loc)
            .with_hint("inside { } in YAML, quote a type that contains a comma");
    if (e.value.is_string()) return TypeText(e.value.as_string(), e.value.loc()).whole_field(e.key);
    return {.name = e.key, .type = of_yaml(e.value, depth), .required = true};
}

Type of_yaml(const Value& written, int depth) {
    if (depth > kMaxTypeDepth)
        throw Error(ErrorKind::spec,
                    fmt::format("a type is nested at most {} levels deep", kMaxTypeDepth),
                    written.loc());
    if (written.is_string()) return TypeText(written.as_string(), written.loc()).whole();
    if (written.is_list() && written.as_list().size() == 1)
        return list_of(of_yaml(written.as_list()[0], depth + 1));
    if (written.is_map() && written.as_map().size() == 1 && written.has("*"))
        return map_of(of_yaml(written["*"], depth + 1));
    if (!written.is_map())
        throw Error(ErrorKind::spec, fmt::format("a type is not {}", written.kind_name()),
                    written.loc())
            .with_hint(std::string(kHint));
    std::vector<Attribute> fields;
    for (const Entry& e : written.as_map()) fields.push_back(field_of_yaml(e, depth + 1));
    return object_of(std::move(fields));
}

} // namespace

Type parse_type(const Value& written) {
    return of_yaml(written, 0);
}

} // namespace hadeploy
