#pragma once

#include "provider_api/provider.h"

#include <string>

namespace hadeploy {

/// Marks the value of an attribute as secret if its schema is secret, or if the provider computed
/// the value and the config contains secrets from which the value may follow.
Value with_secrecy(const ResourceType& type, const Attribute& attribute, Value value,
                   const Value& config);

/// Marks secrets in observed attributes, by schema and config. An attribute that follows from a
/// config with secrets (the output of a command, a checksum) is secret too, as in Graph::config().
Value hide_secrets(const ResourceType& type, const Value& attributes, const Value& config);
/// Marks the secrets in the response to a request, by the desired and the recorded config.
void hide_secrets(Observation& seen, const ReadRequest& request);
/// Removes the secrets of a config from an error. This is a safety net for all types, in addition
/// to quoted(). The whole text is dropped if it contains a secret that is too short to be masked.
/// It is also dropped if a local path in the config is secret, because messages about files can
/// contain any part of the path in any form.
Error hide_secrets(Error error, const ResourceType& type, const Value& config);
/// Removes the secrets of the config of an endpoint, or of a resource's check, from an error.
Error hide_secrets(Error error, const Value& config);

/// The key of an endpoint, for messages.
std::string shown_key(const Endpoint& endpoint);

} // namespace hadeploy
