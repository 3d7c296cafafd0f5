#pragma once

#include "core/value.h"
#include "planner/lang/external_inputs.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hadeploy {

/// The limits that all expressions of one evaluation share. The expressions refer to each other
/// through variables, outputs and locals. May be used by one thread only, for one evaluation after
/// another.
struct EvalContext {
    /// @param time  the time of the plan in seconds since 1970 in UTC: the result of
    ///              plantimestamp()
    EvalContext(std::int64_t time, ExternalInputs& inputs)
        : plan_time(time), external_inputs(inputs) {}
    EvalContext(const EvalContext&) = delete;
    EvalContext& operator=(const EvalContext&) = delete;

    /// Adds the cost of traversing a value: one step for each KiB. If the limit is exceeded, the
    /// next step fails.
    void spend(const Value& value) { steps += value.weight() >> 10; }

    const std::int64_t plan_time;
    ExternalInputs& external_inputs;
    int depth = 0;         ///< number of nested expressions that are being evaluated
    std::size_t steps = 0; ///< cost so far of the outermost expression
    std::chrono::nanoseconds pattern_time{0}; ///< time that searches for patterns took
    bool in_template = false; ///< a template is being rendered; templates cannot be nested
};

} // namespace hadeploy
