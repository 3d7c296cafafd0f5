#pragma once

#include "core/value.h"

namespace hadeploy {

/// An optional base of a resource type whose updates affect other resources.
struct UpdateEffects {
    virtual ~UpdateEffects() = default;

    /// For a machine: whether the update switches it off for a while.
    virtual bool restarts(const Value& /*before*/, const Value& /*after*/) const { return false; }

    /// Whether the update only removes parts that dependents may use until they have changed,
    /// such as a member of a pool. Its step then comes after theirs instead of before them.
    virtual bool releases(const Value& /*before*/, const Value& /*after*/) const { return false; }
};

} // namespace hadeploy
