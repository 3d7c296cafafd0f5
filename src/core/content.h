#pragma once

#include "core/value.h"

namespace hadeploy {

/// What follows from the content that a config gives a file: `{sha256: ...}` of the text in
/// `content`, or of the file of this machine that `source` names; unknown while neither is known.
/// @throws Error(failed) when the source can't be read
Value content_digest(const Value& config);

} // namespace hadeploy
