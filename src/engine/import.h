#pragma once

#include "engine/world.h"

namespace hadeploy {

/// The record of an object that is there already, for a resource of the spec that has none. The
/// object is read with the spec's config; `id` is what its type says (ResourceType::import_id).
/// What differs from the spec is for the next plan to tell. Nothing is written.
/// @throws Error: no such resource (usage), it has a record already (usage), its type can't be
///         imported (usage), the object is not there, is another one or can't be read (failed)
Recorded import_resource(const std::string& address, const std::string& id, const Graph& graph,
                         const World& world, const ProviderSettings& settings, Endpoints& endpoints,
                         Events& events);

} // namespace hadeploy
