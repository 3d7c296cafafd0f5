#pragma once

#include "core/value.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// A resource instance as recorded in the state.
struct RecordedResource {
    std::string address;
    std::string type;
    std::int64_t generation = 1; ///< incremented by every replacement
    std::string identity;        ///< UUIDv5 of the lineage, address and generation
    Value config;                ///< normalized, as last applied
    Value attributes;            ///< the config, and attributes set by the provider
    std::vector<std::string> depends_on;
    /// The object is partly created, or was marked by the user; the next apply replaces it.
    bool tainted = false;
};

} // namespace hadeploy
