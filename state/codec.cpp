#include "state/codec.h"

namespace hadeploy::codec {

std::string encode(const Value& value) {
    return to_json(value);
}
Value decode(std::string_view column) {
    return from_json(column);
}

std::string encode_names(const std::vector<std::string>& names) {
    return to_json(Value::list({names.begin(), names.end()}));
}

std::vector<std::string> decode_names(std::string_view column) {
    std::vector<std::string> names;
    const Value list = from_json(column);
    if (list.is_list())
        for (const Value& name : list.as_list()) names.push_back(name.as_string());
    return names;
}

} // namespace hadeploy::codec
