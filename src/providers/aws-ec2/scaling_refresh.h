#pragma once

#include "providers/aws-ec2/aws_type.h"

#include <string>
#include <vector>

/// The instances of an aws.autoscaling_group, and the instance refresh that replaces them.
namespace hadeploy::aws {

/// A version of a launch template, as a group or an instance names it.
struct TemplateUse {
    std::string id, version;
    auto operator<=>(const TemplateUse&) const = default;
};
/// @param owner  a group, or one of its instances
TemplateUse template_use(const pugi::xml_node& owner);

/// The instances of a group that are neither terminating nor being detached.
std::vector<pugi::xml_node> instances_of(const Item& group);
/// The number of instances that are in service and healthy.
std::int64_t in_service(const Item& group);
/// The instances that were launched from a different template or version.
std::vector<pugi::xml_node> outdated(const Item& group, const TemplateUse& wanted);

/// Adds the reasons for a wait to a group: its latest instance refresh, as `<refresh>`, if some of
/// its instances are outdated; the error of its latest launch, as `<problem>`, if instances are
/// missing.
void add_progress(Region& region, Item& group);

/// Begins to replace the outdated instances. A refresh that is already running continues unless the
/// version of the group has changed since.
/// @param changed  whether this change has set a different version
void start_refresh(Region& region, const std::string& group, const Value& settings, bool changed,
                   const Notice& progress);
/// The progress of the refresh: "replacing instances: 50% complete"; "" if none is running.
/// @throws Error(failed) if the latest one has failed or was cancelled
std::string refresh_progress(const Item& group);

} // namespace hadeploy::aws
