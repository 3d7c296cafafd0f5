#include "core/content.h"

#include "core/hash.h"
#include "core/own_way.h"

namespace hadeploy {

Value content_digest(const Value& config) {
    const Value& content = config["content"];
    const Value& source = config["source"];
    if (content.is_string()) return Value::map({{"sha256", sha256_hex(content.as_string())}});
    if (source.is_string()) return Value::map({{"sha256", sha256_own_way(source.as_string())}});
    return Value::map({{"sha256", Value::unknown()}});
}

} // namespace hadeploy
