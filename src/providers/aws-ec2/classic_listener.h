#pragma once

#include "core/error.h"
#include "core/value.h"
#include "provider_api/schema.h"
#include "providers/aws-ec2/query.h"

#include <cstdint>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <vector>

namespace hadeploy::aws {

/// What a classic load balancer does with connections to one of its ports.
struct ClassicListener {
    std::string protocol, instance_protocol;
    std::int64_t instance_port = 0;
    std::string certificate; ///< ARN, with TLS; otherwise ""
    bool operator==(const ClassicListener&) const = default;
};
using ClassicListeners = std::map<std::int64_t, ClassicListener>; ///< by port

ClassicListeners classic_listeners_of(const Value& list);
/// The listeners that AWS describes in `<ListenerDescriptions>`.
ClassicListeners classic_listeners_of(const pugi::xml_node& descriptions);
/// The listeners as a list for a config, sorted by port.
Value value_of(const ClassicListeners& listeners);
/// Adds the listeners to a create request.
void specify_listeners(Params& params, const ClassicListeners& listeners);

void check_classic_listeners(const Value& list, Diagnostics& problems);
std::vector<Attribute> classic_listener_fields();

/// The `health_check` that AWS describes in `<HealthCheck>`; an empty map if there is none.
Value classic_check_of(const pugi::xml_node& described);
/// The parameters of ConfigureHealthCheck, besides the load balancer.
Params classic_check_params(const Value& check);
void check_classic_check(const Value& check, Diagnostics& problems);
std::vector<Attribute> classic_check_fields();

} // namespace hadeploy::aws
