#pragma once

#include "provider_api/resource_type.h"

#include <set>
#include <string>

namespace hadeploy {

/// A config completed by what follows from it (ResourceType::derive).
Value with_derived(const ResourceType& type, Value config);

/// The computed attributes that will be others, since something that they follow from is known only
/// after apply: what was recorded of them is no answer.
std::set<std::string> known_after_apply(const ResourceType& type, const Value& config,
                                        const Value& recorded);

/// A config completed by the computed attributes that it does not tell: as known from `known` (the
/// record, an observation), else unknown until apply.
Value complete(const ResourceType& type, const Value& config, const Value& known);

/// A machine's attributes with its own address written into its connection.
Value with_machine(const ResourceType& type, const std::string& address, Value attributes);

/// The connections found anywhere in a config, by their machine's address.
std::set<std::string> machines_in(const Value& config);

} // namespace hadeploy
