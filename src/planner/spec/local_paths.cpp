#include "planner/spec/local_paths.h"

#include <functional>

namespace hadeploy {

namespace {

/// Changes all local paths that a schema finds in a value. Values without local paths are shared.
class Paths {
  public:
    explicit Paths(std::function<std::string(const std::string&)> change)
        : change_(std::move(change)) {}

    [[nodiscard]] Value fields(const Schema& schema, const Value& config) const {
        return entries(config, [&](const std::string& name) -> const Type* {
            const Attribute* a = find_attribute(schema, name);
            return a == nullptr ? nullptr : &a->type;
        });
    }

  private:
    [[nodiscard]] Value typed(const Type& type, const Value& v) const {
        switch (type.kind) {
        case TypeKind::local_path: return v.is_string() ? text(v) : v;
        case TypeKind::connection: return fields(connection_fields(), v);
        case TypeKind::object: return type.fields ? fields(*type.fields, v) : v;
        case TypeKind::list:
        case TypeKind::set: return type.element ? items(*type.element, v) : v;
        case TypeKind::map:
            return type.element ? entries(v, [&](const std::string&) { return type.element.get(); })
                                : v;
        default: return v;
        }
    }

    [[nodiscard]] Value text(const Value& v) const {
        const std::string changed = change_(v.as_string());
        return changed == v.as_string() ? v : as(v, Value(changed));
    }

    template<class TypeOf>
    [[nodiscard]] Value entries(const Value& v, const TypeOf& type_of) const {
        Value out = v;
        if (!v.is_map()) return out;
        for (const Entry& e : v.as_map())
            if (const Type* type = type_of(e.key))
                if (Value now = typed(*type, e.value); now != e.value)
                    out = out.with(e.key, std::move(now));
        return out;
    }

    [[nodiscard]] Value items(const Type& element, const Value& v) const {
        if (!v.is_list()) return v;
        Value::List out = v.as_list();
        for (Value& item : out) item = typed(element, item);
        return out == v.as_list() ? v : as(v, Value::list(std::move(out)));
    }

    static Value as(const Value& model, const Value& v) {
        return (model.secret() ? v.as_secret() : v).at(model.loc());
    }

    std::function<std::string(const std::string&)> change_;
};

} // namespace

Value with_paths_in(const Schema& schema, const Value& config, const std::string& directory) {
    const std::string start = directory + "/";
    return Paths([&](const std::string& path) {
               if (path == directory || path == start) return std::string(".");
               return path.starts_with(start) ? path.substr(start.size()) : path;
           })
        .fields(schema, config);
}

Value with_whole_paths(const Schema& schema, const Value& config, const std::string& directory) {
    return Paths([&](const std::string& path) {
               if (path.empty() || path.starts_with('/')) return path;
               return path == "." ? directory : directory + "/" + path;
           })
        .fields(schema, config);
}

} // namespace hadeploy
