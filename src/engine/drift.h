#pragma once

#include "engine/planning.h"

#include <cstddef>
#include <map>
#include <string>

namespace hadeploy {

/// The result of comparing a recorded resource with its object and with the spec.
enum class Condition {
    in_sync,
    drifted,    ///< the object differs from the applied values, but the spec does not
    pending,    ///< an apply would change or remove the object for a different reason, usually an
                ///< edited spec
    unreadable, ///< not known, because the object cannot be read now
};
/// "in_sync", ..., for programs.
std::string_view condition_name(Condition condition);

struct Finding {
    Condition condition = Condition::in_sync;
    std::string text; ///< the difference without values, for people
    /// For drift: why only a person should repair it; "" if hadeploy can.
    std::string by_hand = {};
    bool operator==(const Finding&) const = default;
};

/// The result of comparing all recorded resources with their objects and with the spec.
struct Comparison {
    std::map<std::string, Finding> findings; ///< the resources that are not in sync, by address
    std::size_t in_sync = 0;                 ///< number of the other resources
    std::map<std::string, bool> machines;    ///< machines by address: whether they accept logins

    [[nodiscard]] std::size_t count(Condition condition) const;
    /// The addresses of drifted resources that hadeploy can repair by itself.
    [[nodiscard]] std::vector<std::string> repairable() const;
};

/// Derives the drift from a plan that was made with everything that could be read.
Comparison compare(const Graph& graph, const PlannedRun& run, const LeftOut& left_out);

/// Checks that a plan only repairs the drift of these resources: it may create or update them, but
/// must not remove, replace or move anything.
/// @throws Error(failed) naming the first step that does something else
void check_only_repairs(const PlannedRun& run, const std::vector<std::string>& addresses);

} // namespace hadeploy
