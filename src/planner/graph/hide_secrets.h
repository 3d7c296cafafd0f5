#pragma once

#include "provider_api/provider.h"

#include <string>

namespace hadeploy {

/// Marks the value of an attribute as secret if its schema says so, or if the provider computed it
/// and the config contains secrets that it may follow from.
Value with_secrecy(const ResourceType& type, const Attribute& attribute, Value value,
                   const Value& config);

/// Marks secrets in observed attributes, by schema and config. Every attribute that follows from a
/// config with secrets (the output of a command, a checksum) is secret too, as in Graph::config().
Value hide_secrets(const ResourceType& type, const Value& attributes, const Value& config);
/// The same for everything in the answer to a request, using the desired and the recorded config.
void hide_secrets(Observation& seen, const ReadRequest& request);
/// Removes the secrets of a config from an error. This is a safety net for all types, in addition
/// to quoted(). The whole text is dropped if it contains a secret too short to be masked, or if a
/// local path in the config is secret, because messages about files can name any part of it in any
/// form.
Error hide_secrets(Error error, const ResourceType& type, const Value& config);
/// The same for an endpoint, or for a resource's check.
Error hide_secrets(Error error, const Value& config);

/// An endpoint's key, for messages.
std::string shown_key(const Endpoint& endpoint);

} // namespace hadeploy
