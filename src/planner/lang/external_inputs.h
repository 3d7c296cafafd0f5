#pragma once

#include <cstdint>

namespace hadeploy {

/// Notes that a value came to depend on what is neither in the spec nor in the state nor read by a
/// provider: a local file that an expression or an attribute names, or the time.
void note_external_input();

/// How often that was, in this process. Whoever keeps a result in order to spare itself the same
/// work later has to know that there was none.
std::uint64_t external_inputs();

} // namespace hadeploy
