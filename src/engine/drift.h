#pragma once

#include "engine/planning.h"

#include <cstddef>
#include <map>
#include <string>

namespace hadeploy {

/// How a recorded resource compares with its object and with the spec.
enum class Condition {
    in_sync,
    drifted,    ///< the object differs from what was applied, and the spec does not
    pending,    ///< an apply would change or remove it for another reason, usually an edited spec
    unreadable, ///< not known, because it cannot be read now
};
/// "in_sync", ..., for programs.
std::string_view condition_name(Condition condition);

struct Finding {
    Condition condition = Condition::in_sync;
    std::string text; ///< the difference without values, for people
    /// Of drift: why only a person should repair it; "" if hadeploy can.
    std::string by_hand = {};
    bool operator==(const Finding&) const = default;
};

/// The result of comparing all recorded resources with their objects and with the spec.
struct Comparison {
    std::map<std::string, Finding> findings; ///< by address: everything that is not in sync
    std::size_t in_sync = 0;                 ///< number of the other resources
    std::map<std::string, bool> machines;    ///< by address: whether it accepts logins

    [[nodiscard]] std::size_t count(Condition condition) const;
    /// Addresses of drifted resources that can be repaired without a person.
    [[nodiscard]] std::vector<std::string> repairable() const;
};

/// Interprets a plan that was made with everything that could be read.
Comparison compare(const Graph& graph, const PlannedRun& run, const LeftOut& left_out);

/// Checks that a plan does nothing but repair drift of these resources: it creates or updates
/// them, and removes, replaces and moves nothing.
/// @throws Error(failed) naming the first step that does something else
void check_only_repairs(const PlannedRun& run, const std::vector<std::string>& addresses);

} // namespace hadeploy
