#pragma once

#include "core/value.h"

#include <cstdint>
#include <optional>

namespace hadeploy {

/// The digest of the content that a config gives a file: `{sha256: ...}` of the text in `content`,
/// or of the local file named by `source`. The digest is unknown as long as neither the text nor
/// the path is known.
/// @param most  maximum size of the source in bytes
/// @throws Error(failed) when the source cannot be read, Error(spec) when it is larger than `most`
Value content_digest(const Value& config, std::int64_t most);

/// The size of the content in bytes; nullopt if the content is not known yet or the source does not
/// exist.
std::optional<std::int64_t> content_size(const Value& config);

} // namespace hadeploy
