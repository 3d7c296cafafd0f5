#include "planner/spec/written_secrets.h"

#include "core/did_you_mean.h"
#include "planner/lang/expr_parser.h"
#include "planner/spec/unread_secrets.h"
#include "planner/yaml/scalar_place.h"

#include <algorithm>
#include <map>
#include <set>

namespace hadeploy {

namespace {

bool has_secrets(const Schema& schema) {
    return std::any_of(schema.begin(), schema.end(), [](const Attribute& a) { return a.secret; });
}

/// Whether an attribute, or a part of it, is secret.
bool has_secrets_below(const Schema& schema);

bool has_secrets_below(const Type& type) {
    if (type.kind == TypeKind::connection) return has_secrets(connection_fields());
    return (type.fields && has_secrets_below(*type.fields)) ||
           (type.element && has_secrets_below(*type.element));
}

bool has_secrets_below(const Schema& schema) {
    return std::any_of(schema.begin(), schema.end(),
                       [](const Attribute& a) { return a.secret || has_secrets_below(a.type); });
}

std::vector<std::string> attribute_names(const Schema& schema) {
    std::vector<std::string> out;
    for (const Attribute& a : schema) out.push_back(a.name);
    return out;
}

/// Whether a flag is true, or may have been meant to be true.
bool may_be_set(const Value* flag) {
    return flag != nullptr && !(flag->is_bool() && !flag->as_bool());
}

/// Walks the YAML trees of a spec's files. They contain everything that errors can show, including
/// parts that are missing in the spec because of a mistake in them.
class Hiding {
  public:
    Hiding(Spec& spec, const Registry& registry) : spec_(spec), registry_(registry) {
        for (const auto& type : registry.types()) add_names(type->schema);
        for (const auto& provider : registry.providers()) add_names(provider->schema);
        add_names(connection_fields());
    }

    void file(const WrittenFile& f) {
        if (!f.whole) {
            // Not a name like `content`, which is secret in one type and common in others: that
            // type is named after what it keeps, which is a sign of its own.
            std::vector<std::string> names;
            std::set_difference(secret_names_.begin(), secret_names_.end(), other_names_.begin(),
                                other_names_.end(), std::back_inserter(names));
            hide_unread(spec_.sources, f.index, names);
        }
        if (f.tree.is_null()) return;
        if (!f.tree.is_map()) return by_names(f.tree);
        directory_ = spec_.sources.files()[f.index].path.parent_path();
        for (const Entry& e : f.tree.as_map()) section(e);
    }

  private:
    void add_names(const Schema& schema) {
        for (const Attribute& a : schema) (a.secret ? secret_names_ : other_names_).insert(a.name);
    }

    void section(const Entry& e) {
        const auto each = [&](auto hide_block) {
            if (!e.value.is_map()) return hide(e.value);
            for (const Entry& block : e.value.as_map()) hide_block(block);
        };
        static const std::set<std::string> open{"name",   "description", "locals",  "secrets",
                                                "chaos",  "moved",       "removed", "import",
                                                "checks", "apply"};
        if (e.key == "variables") return each([&](const Entry& b) { variable(b.value); });
        if (e.key == "providers") return each([&](const Entry& b) { provider(b); });
        if (e.key == "resources" || e.key == "data")
            return each([&](const Entry& b) { resource(b.value); });
        if (e.key == "modules") return each([&](const Entry& b) { call(b.value); });
        if (e.key == "outputs") return each([&](const Entry& b) { output(b.value); });
        if (open.contains(e.key)) return;
        if (e.key == "state") return state(e.value);
        e.value.is_map() ? by_names(e.value) : hide(e.value);
    }

    /// A literal password and a URL that contains a password are not valid, but errors show their
    /// line.
    void state(const Value& section) {
        const Value& url = section.is_map() ? section["url"] : section;
        const std::string text = url.is_string() ? url.as_string() : "";
        const std::string user = text.substr(0, text.rfind('@'));
        if (text.find("password=") != text.npos ||
            (user.size() < text.size() && user.find(':', user.find("://") + 1) != user.npos))
            hide(url);
        if (section.is_map()) by_names(section);
    }

    void variable(const Value& block) {
        if (!block.is_map()) return hide(block);
        static const std::vector<std::string> known{"type",   "default", "min",         "max",
                                                    "one_of", "secret",  "description", "validate"};
        if (may_be_secret(block, known)) hide_entry(block, known, "default");
    }

    void output(const Value& block) {
        static const std::vector<std::string> known{"value", "secret", "description",
                                                    "preconditions"};
        if (block.is_map() && block.has("secret") && may_be_secret(block, known))
            hide_entry(block, known, "value");
    }

    /// A key that the block does not have can be a misspelt `secret`.
    static bool may_be_secret(const Value& block, const std::vector<std::string>& known) {
        const auto& entries = block.as_map();
        return may_be_set(block.find("secret")) ||
               std::any_of(entries.begin(), entries.end(), [&](const Entry& e) {
                   return std::find(known.begin(), known.end(), e.key) == known.end();
               });
    }

    /// Hides the secret entry, and entries that may have been meant to be it.
    void hide_entry(const Value& block, const std::vector<std::string>& known,
                    const std::string& secret) {
        for (const Entry& e : block.as_map()) {
            const bool is_known = std::find(known.begin(), known.end(), e.key) != known.end();
            const std::string meant =
                is_known ? e.key : did_you_mean(e.key, known).value_or(secret);
            if (!is_known) hide_key(e, known);
            if (meant == secret) hide(e.value);
        }
    }

    void provider(const Entry& e) {
        const Provider* known = registry_.provider(e.key);
        known != nullptr ? fields(known->schema, e.value) : hide(e.value);
    }

    void resource(const Value& block) {
        if (!block.is_map()) return hide(block);
        const ResourceType* type = registry_.type(block.text("type"));
        if (type == nullptr) return by_names(block);
        if (const Schema& schema = schema_of(*type); !schema.empty()) fields(schema, block);
    }

    /// The attributes of a resource of this type; empty if none of them can be secret.
    const Schema& schema_of(const ResourceType& type) {
        const auto [entry, added] = schemas_.try_emplace(&type);
        Schema& schema = entry->second;
        if (!added || !has_secrets_below(type.schema)) return schema;
        schema = type.schema;
        for (const char* name : {"type", "for_each", "count", "depends_on", "serial", "lifecycle"})
            schema.push_back({.name = name});
        return schema;
    }

    /// Hides the inputs of a module whose file was not read, because they may be secret.
    void call(const Value& block) {
        if (!block.is_map()) return hide(block);
        const std::filesystem::path source = block.text("source");
        const auto read =
            spec_.written.find((directory_ / source).lexically_normal() / kModuleFile);
        for (const Entry& e : block.as_map()) {
            if (e.key == "source" || e.key == "for_each" || e.key == "count" ||
                e.key == "depends_on")
                continue;
            if (e.key != "with" || read == spec_.written.end() || !read->second.tree.is_map())
                hide(e.value);
            else
                fields(inputs_of(read->second.tree["variables"]), e.value);
        }
    }

    static Schema inputs_of(const Value& variables) {
        Schema out;
        if (!variables.is_map()) return out;
        for (const Entry& e : variables.as_map())
            out.push_back({.name = e.key, .secret = may_be_set(e.value.find("secret"))});
        return out;
    }

    /// Hides entries that the schema does not have, because they can be a misspelt secret, or a
    /// secret itself.
    void fields(const Schema& schema, const Value& block) {
        const bool secrets = has_secrets(schema);
        if (!block.is_map()) {
            if (secrets) hide(block);
            return;
        }
        for (const Entry& e : block.as_map()) {
            if (const Attribute* meant = find_attribute(schema, e.key)) {
                meant->secret ? hide(e.value) : parts(meant->type, e.value);
            } else if (secrets) {
                hide_key(e, attribute_names(schema));
                hide(e.value);
            }
        }
    }

    /// Fields can be secret even if the whole value is not.
    void parts(const Type& type, const Value& value) {
        if (type.kind == TypeKind::connection && value.is_map())
            return fields(connection_fields(), value);
        if (type.fields && value.is_map()) return fields(*type.fields, value);
        if (!type.element) return;
        if (value.is_list())
            for (const Value& item : value.as_list()) parts(*type.element, item);
        if (value.is_map())
            for (const Entry& e : value.as_map()) parts(*type.element, e.value);
    }

    /// For a block without a known schema: hides attributes that are secret in any schema, and
    /// attributes that no schema has.
    void by_names(const Value& tree) {
        if (tree.is_list())
            for (const Value& item : tree.as_list()) by_names(item);
        if (!tree.is_map()) return;
        for (const Entry& e : tree.as_map()) {
            static const std::set<std::string> general{"type",       "for_each", "count",
                                                       "depends_on", "serial",   "lifecycle"};
            if (secret_names_.contains(e.key))
                hide(e.value);
            else if (e.value.is_map() || e.value.is_list())
                by_names(e.value);
            else if (!other_names_.contains(e.key) && !general.contains(e.key))
                hide(e.value);
        }
    }

    /// Hides a key that does not resemble any known key, because it may be a secret.
    void hide_key(const Entry& e, const std::vector<std::string>& known) {
        if (!did_you_mean(e.key, known))
            hide_scalars(spec_.sources, Value::map({Entry{e.key, Value(), e.loc}}));
    }

    /// Hides all literals. An expression without literals only refers to values elsewhere.
    void hide(const Value& tree) {
        if (tree.is_null()) return; // it has the location of its key
        if (tree.is_list())
            for (const Value& item : tree.as_list()) hide(item);
        else if (tree.is_map())
            for (const Entry& e : tree.as_map()) {
                hide_scalars(spec_.sources, Value::map({Entry{e.key, Value(), e.loc}}));
                hide(e.value);
            }
        else if (!tree.is_string() || tree.as_string().empty() || has_literals(tree))
            hide_scalars(spec_.sources, tree);
    }

    bool has_literals(const Value& text) {
        try {
            StringPool strings;
            return writes_literals(parse_string(text, spec_.sources, strings));
        } catch (const Error&) { // the error was reported when the expression was compiled
            return true;
        }
    }

    Spec& spec_;
    const Registry& registry_;
    std::filesystem::path directory_;
    std::set<std::string> secret_names_, other_names_;
    std::map<const ResourceType*, Schema> schemas_;
};

} // namespace

void hide_written_secrets(Spec& spec, const Registry& registry) {
    Hiding hiding(spec, registry);
    for (const auto& [path, file] : spec.written) hiding.file(file);
    spec.written.clear();
}

} // namespace hadeploy
