#pragma once

#include "core/value.h"
#include "provider_api/resource_type.h"

#include <string>
#include <vector>

namespace hadeploy {

/// The names of the warnings that a lifecycle silences.
/// @param list  the value of `silence`: a name or a list of names
/// @throws Error(spec) for any other value, and for a name that the type does not have
std::vector<std::string> read_silenced(const Value& list, const ResourceType& type);

} // namespace hadeploy
