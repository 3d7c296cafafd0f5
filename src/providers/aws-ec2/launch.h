#pragma once

#include "core/error.h"
#include "provider_api/schema.h"
#include "providers/aws-ec2/disk.h"
#include "providers/aws-ec2/region.h"

#include <string>

/// The settings for the launch of a machine that an instance and a launch template have in common.
namespace hadeploy::aws {

/// image, instance_type, security_groups, key, public_ip, iam_profile, user_data, root_volume and
/// metadata_tokens.
Schema launch_fields();
void check_launch(const Value& config, Diagnostics& problems);

/// The settings of the root volume in a config.
Disk root_disk_of(const Value& config);

/// The parameters of RunInstances, or of a launch template, for the fields above.
/// @param prefix  "", or "LaunchTemplateData."
void specify_launch(Region& region, Params& params, const std::string& prefix, const Value& config);
/// The prefix of the network parameters: EC2 accepts a setting for public addresses only in a
/// network interface.
std::string network_prefix(const std::string& prefix, const Value& config);

} // namespace hadeploy::aws
