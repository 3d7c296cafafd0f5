#pragma once

#include "core/error.h"
#include "core/value.h"
#include "provider_api/schema.h"
#include "providers/aws-ec2/query.h"

#include <map>
#include <pugixml.hpp>
#include <string>
#include <vector>

namespace hadeploy::aws {

/// An HTTP redirect, with AWS's placeholders: "#{host}" is the host of the request.
struct Redirect {
    std::string protocol, port, host, path, query, status; ///< status: "HTTP_301"
    bool operator==(const Redirect&) const = default;
};

/// What a load balancer does with connections to one of its ports.
struct Listener {
    std::string protocol;
    std::string certificate, policy; ///< ARN and policy name for TLS; otherwise ""
    std::string target_group;        ///< ARN; "": the action is the redirect, or another one
    Redirect redirect = {};
    bool operator==(const Listener&) const = default;
};
using Listeners = std::map<std::int64_t, Listener>; ///< by port

/// The listeners of a config, and those that AWS describes in `<Listeners>`.
Listeners listeners_of(const Value& list);
/// @throws ServiceError without an action, for a malformed listener
Listeners listeners_of(const std::vector<pugi::xml_node>& described);
/// The listeners as a list for a config, sorted by port. A listener that is as `wanted` describes
/// it has the same form, without the settings that have their default.
Value value_of(const Listeners& listeners, const Value& wanted);

/// The parameters that CreateListener and ModifyListener have in common.
Params listener_params(std::int64_t port, const Listener& listener);

/// @param kind  "application" or "network"; "" if it is not known
void check_listeners(const Value& list, const std::string& kind, Diagnostics& problems);
std::vector<Attribute> listener_fields();

} // namespace hadeploy::aws
