#pragma once

#include "provider_api/provider.h"

#include <string>

namespace hadeploy {

/// The value of an attribute as secret as it has to be: by its schema, or, of what the provider
/// fills in, because it may follow from what is secret in the config.
Value with_secrecy(const ResourceType& type, const Attribute& attribute, Value value,
                   const Value& config);

/// What was seen of a resource, as secret as its schema and its config are. What follows from a
/// config with secrets (the output of a command, a checksum) is secret too, as Graph::config() has
/// it.
Value hide_secrets(const ResourceType& type, const Value& attributes, const Value& config);
/// All that the answer to a request says, as secret as what is wanted and what is recorded.
void hide_secrets(Observation& seen, const ReadRequest& request);
/// The error of something with this config without what is secret in that: the net below what types
/// say with quoted(), which holds for every one of them. Nothing of the error is left where a
/// secret that is too short to be taken out stands in it, nor where a local path is secret, as
/// messages about files name them, in whatever part and form.
Error hide_secrets(Error error, const ResourceType& type, const Value& config);
/// The same of an endpoint, or of a resource's check.
Error hide_secrets(Error error, const Value& config);

/// The key of an endpoint, as people read it.
std::string shown_key(const Endpoint& endpoint);

} // namespace hadeploy
