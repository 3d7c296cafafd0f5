#pragma once

#include "provider_api/resource_type.h"

#include <set>
#include <string>

namespace hadeploy {

/// A config with the attributes that follow from it filled in (ResourceType::derive).
Value with_derived(const ResourceType& type, Value config);

/// The computed attributes that will change because something that they follow from is known only
/// after apply. Their recorded values do not apply.
std::set<std::string> known_after_apply(const ResourceType& type, const Value& config,
                                        const Value& recorded);

/// A config with its missing computed attributes filled in: from `known` (the record, an
/// observation) if it has them, otherwise unknown until apply.
Value complete(const ResourceType& type, const Value& config, const Value& known);

/// A machine's attributes, with the machine's own address as the address of its connection.
Value with_machine(const ResourceType& type, const std::string& address, Value attributes);

/// The connections found anywhere in a config, by the address of their machine.
std::set<std::string> machines_in(const Value& config);

} // namespace hadeploy
