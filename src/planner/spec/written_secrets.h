#pragma once

#include "planner/spec/spec.h"
#include "provider_api/provider.h"

namespace hadeploy {

/// Hides the secrets written in the spec's sources: defaults of secret variables, values of secret
/// module inputs, and attributes that are secret according to their schema. Errors and `why` show
/// lines of the spec.
void hide_written_secrets(Spec& spec, const Registry& registry);

/// The same for a file that cannot be parsed: if its text has a word that suggests secrets,
/// everything but the key is hidden on each line.
void hide_unread(Sources& sources, std::uint16_t file);

} // namespace hadeploy
