#include "bench/load.h"

namespace hadeploy::bench {

const std::vector<std::string>& figure_names() {
    static const std::vector<std::string> names{"mean", "p50", "p90",    "p95",
                                                "p99",  "max", "failed", "rate"};
    return names;
}

} // namespace hadeploy::bench
