#pragma once

#include "planner/spec/spec.h"
#include "provider_api/provider.h"

namespace hadeploy {

/// Hides the secrets written in the spec's sources: defaults of secret variables, values of secret
/// outputs and module inputs, and attributes that are secret according to their schema. Where a
/// mistake makes it unclear what a value is, the value is hidden too. This is necessary because
/// errors and `why` show lines of the spec. Uses and clears `spec.written`, even if loading failed.
void hide_written_secrets(Spec& spec, const Registry& registry);

} // namespace hadeploy
