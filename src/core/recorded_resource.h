#pragma once

#include "core/value.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// What the state records of a resource.
struct RecordedResource {
    std::string address;
    std::string type;
    std::int64_t generation = 1; ///< rises with every replacement
    std::string identity;        ///< UUIDv5 of lineage, address and generation
    Value config;                ///< normalized, as last applied
    Value attributes;            ///< everything: config, and what the provider filled in
    std::vector<std::string> depends_on;
    bool tainted = false; ///< half made, or marked by the user; the next apply replaces it
};

} // namespace hadeploy
