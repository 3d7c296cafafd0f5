#pragma once

#include "provider_api/schema.h"

#include <chrono>
#include <optional>

namespace hadeploy::chaos {

using Ms = std::chrono::milliseconds;

/// What a drill goes by: the spec's `chaos` section.
struct Settings {
    Value hosts; ///< map of connections: the swarm's managers
    std::vector<std::string> urls;
    std::string read, write, body, verify;
    int rate = 10;
    Ms timeout{0};  ///< of one request
    Ms baseline{0}; ///< measured before anything is done
    Ms hold{0};     ///< how long the node stays drained once its tasks have moved
    Ms settle{0};   ///< how long the app has to answer without an error to count as steady
    Ms patience{0}; ///< the longest wait for anything
    Ms poll{0};     ///< between two looks at the cluster
    Ms max_gap{0};
    std::int64_t max_lost = 0;
    std::optional<std::int64_t> max_failed; ///< requests
    std::optional<Ms> max_reschedule, max_steady;
};

/// The schema of the `chaos` section.
const Schema& settings_schema();

/// What the schema alone can't tell: URLs, paths, `$ID` in the body. Unknown values pass.
void check_settings(const Value& section, Diagnostics& diagnostics);

/// From the section as normalized by settings_schema().
Settings parse_settings(const Value& section);

} // namespace hadeploy::chaos
