#pragma once

#include "provider_api/schema.h"

#include <string>
#include <string_view>
#include <vector>

/// The keys of an experiment file, for reading it and for its documentation.
namespace hadeploy::chaos::keys {

const Schema& experiment();
const Schema& hypothesis();
const Schema& activity();

/// The types of providers that can be run.
const std::vector<std::string>& provider_types();
/// The keys of a provider. `type` is one of provider_types(); `action` distinguishes the two
/// meanings of `hadeploy`: a fault, or a check of the cluster.
const Schema& provider(std::string_view type, bool action);

} // namespace hadeploy::chaos::keys
