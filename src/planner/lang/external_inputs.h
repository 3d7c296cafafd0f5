#pragma once

#include <cstdint>

namespace hadeploy {

/// Notes that a value depends on something outside of the spec, the state and the providers: a
/// local file named by an expression or an attribute, or the time.
void note_external_input();

/// How often note_external_input() was called in this process. A result can be cached only if this
/// number does not change while it is computed.
std::uint64_t external_inputs();

} // namespace hadeploy
