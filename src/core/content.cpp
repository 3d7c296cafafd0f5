#include "core/content.h"

#include "core/hash.h"
#include "core/own_way.h"
#include "core/secrecy.h"

#include <fmt/format.h>

namespace hadeploy {

Value content_digest(const Value& config, std::int64_t most) {
    const Value& content = config["content"];
    const Value& source = config["source"];
    if (content.is_string()) return Value::map({{"sha256", sha256_hex(content.as_string())}});
    if (!source.is_string()) return Value::map({{"sha256", Value::unknown()}});
    // A sparse file of terabytes takes no disk space, but hours to read.
    if (const auto size = content_size(config); size > most)
        throw Error(ErrorKind::spec,
                    fmt::format("{} has {} bytes, but a `source` may have at most {}",
                                quoted(source, 4096), *size, most),
                    source.loc())
            .with_hint("copy a file of this size with a command of your own (local.exec)");
    try {
        return Value::map({{"sha256", sha256_own_way(source.as_string())}});
    } catch (Error& error) {
        if (!error.loc.known()) error.loc = source.loc();
        if (error.hint.empty())
            error.hint = "`source` must be a file that exists before the plan and that you can "
                         "read; a relative path begins at the directory of the file with this "
                         "configuration";
        throw;
    }
}

std::optional<std::int64_t> content_size(const Value& config) {
    const Value& content = config["content"];
    const Value& source = config["source"];
    if (content.is_string()) return static_cast<std::int64_t>(content.as_string().size());
    if (!source.is_string()) return std::nullopt;
    try {
        const auto there = look_own_way(source.as_string(), true);
        if (there && S_ISREG(there->st_mode)) return there->st_size;
    } catch (const Error&) { // reading the content reports the error
    }
    return std::nullopt;
}

} // namespace hadeploy
