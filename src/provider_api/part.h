#pragma once

#include "provider_api/resource_type.h"

#include <string>

namespace hadeploy {

/// A ResourceType, besides, whose objects are parts of others: rules of a group. If the resource of
/// the other object lists its parts itself, the two would undo each other's changes, so that a spec
/// with both is refused.
class PartOf {
  public:
    virtual ~PartOf() = default;
    /// The attribute with the ID of the other object: "group".
    [[nodiscard]] virtual std::string whole() const = 0;
    /// The attribute by which a resource of this type and config lists such parts; "" if it does
    /// not.
    [[nodiscard]] virtual std::string listed_by(const ResourceType& type, const Value& whole,
                                                const Value& part) const = 0;
};

} // namespace hadeploy
