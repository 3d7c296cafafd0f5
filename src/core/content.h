#pragma once

#include "core/value.h"

#include <cstdint>
#include <optional>

namespace hadeploy {

/// What follows from the content that a config gives a file: `{sha256: ...}` of the text in
/// `content`, or of the file of this machine that `source` names; unknown while neither is known.
/// @param most  bytes of the source
/// @throws Error(failed) when the source can't be read; Error(spec) when it is larger
Value content_digest(const Value& config, std::int64_t most);

/// How many bytes the content has; nothing while it is not known, or the source is not there.
std::optional<std::int64_t> content_size(const Value& config);

} // namespace hadeploy
