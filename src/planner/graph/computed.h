#pragma once

#include "provider_api/resource_type.h"

#include <set>
#include <string>

namespace hadeploy {

/// Adds the attributes that follow from a config to the config (ResourceType::derive).
Value with_derived(const ResourceType& type, Value config);

/// The computed attributes that will change, because they follow from a value that is known only
/// after apply. Their recorded values are not valid.
std::set<std::string> known_after_apply(const ResourceType& type, const Value& config,
                                        const Value& recorded);

/// Fills in the missing computed attributes of a config. The values come from `known` (the record
/// or an observation); those that it does not have are unknown until apply.
Value complete(const ResourceType& type, const Value& config, const Value& known);

/// A machine's attributes, with the address of the machine's resource in its connection.
Value with_machine(const ResourceType& type, const std::string& address, Value attributes);

/// The addresses of the machines to which the connections in a config lead.
std::set<std::string> machines_in(const Value& config);

} // namespace hadeploy
