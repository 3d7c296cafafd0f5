#include "state/codec.h"

#include "core/error.h"
#include "core/value_json.h"

#include <nlohmann/json.hpp>

namespace hadeploy::codec {

namespace {
using Json = nlohmann::json;
constexpr const char* kSecret = "$secret"; ///< the mark that to_json() writes
constexpr const char* kSealed = "$sealed";

bool is_only(const Json& j, const char* key) {
    return j.is_object() && j.size() == 1 && j.contains(key);
}

/// Also seals user data that looks like a sealed part, so that it is restored unchanged.
void seal_parts(Json& j, const Cipher& cipher, const std::string& place) {
    if (is_only(j, kSecret) || is_only(j, kSealed))
        j = Json{
            {kSealed, cipher.seal(j.dump(-1, ' ', false, Json::error_handler_t::replace), place)}};
    else if (j.is_structured())
        for (const auto& item : j.items())
            seal_parts(item.value(), cipher, place + "/" + item.key());
}

Error not_readable() {
    return {ErrorKind::state, "a stored value is not valid JSON"};
}

void open_parts(Json& j, const Cipher& cipher, const std::string& place) {
    if (is_only(j, kSealed) && j[kSealed].is_string()) {
        j = Json::parse(cipher.open(j[kSealed].get<std::string>(), place), nullptr, false);
        if (j.is_discarded()) throw not_readable();
    } else if (j.is_structured()) {
        for (const auto& item : j.items())
            open_parts(item.value(), cipher, place + "/" + item.key());
    }
}
} // namespace

std::string encode(const Value& value, const Cipher& cipher, const std::string& place) {
    const std::string text = to_json(value);
    if (text.find("\"$se") == text.npos) return text; // most values contain no secrets
    Json j = Json::parse(text);
    seal_parts(j, cipher, place);
    return j.dump();
}

bool is_json(std::string_view column) {
    return Json::accept(column);
}

Value decode(std::string_view column, const Cipher& cipher, const std::string& place) {
    if (column.find(kSealed) == column.npos) return from_json(column);
    (void)from_json(column); // limits the depth, as open_parts() is recursive
    Json j = Json::parse(column, nullptr, false);
    if (j.is_discarded()) throw not_readable();
    open_parts(j, cipher, place);
    return from_json(j.dump());
}

std::string encode_names(const std::vector<std::string>& names) {
    return to_json(Value::list({names.begin(), names.end()}));
}

std::vector<std::string> decode_names(std::string_view column) {
    std::vector<std::string> names;
    const Value list = from_json(column);
    if (!list.is_list()) throw not_readable();
    for (const Value& name : list.as_list()) {
        if (!name.is_string()) throw not_readable();
        names.push_back(name.as_string());
    }
    return names;
}

} // namespace hadeploy::codec
