#pragma once

#include "planner/spec/spec.h"
#include "provider_api/provider.h"

namespace hadeploy {

/// Hides in the spec's sources what is written there and secret: the defaults of secret variables,
/// and what is given to a module's secret inputs and to attributes that are secret after their
/// schema. Errors and `why` show lines of the spec.
void hide_written_secrets(Spec& spec, const Registry& registry);

/// The same for a file that can't be read, of which nobody knows what it says: of each line all but
/// the key, where any word of the file goes with secrets.
void hide_unread(Sources& sources, std::uint16_t file);

} // namespace hadeploy
