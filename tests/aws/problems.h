#pragma once

#include "provider_api/normalize.h"
#include "providers/aws-ec2/aws.h"

#include <string>

namespace hadeploy::aws::test {

/// All problems of a config, and its warnings, one a line.
inline std::string said_of(const char* type_name, const Value& config) {
    Registry registry;
    add_aws(registry);
    const ResourceType& type = *registry.type(type_name);
    Diagnostics problems, warnings;
    const Value normal = normalize(type.schema, config, "it", {}, {}, problems);
    if (problems.empty()) type.check(normal, problems);
    if (problems.empty())
        for (const Warning& w : type.warnings) w.find(normal, warnings);
    std::string out;
    for (const Error& e : problems.list()) out += e.message + "\n";
    for (const Error& e : warnings.list()) out += "warning: " + e.message + "\n";
    return out;
}

} // namespace hadeploy::aws::test
