#pragma once

#include "provider_api/schema.h"

namespace hadeploy::aws {

/// The attributes of an aws.autoscaling_group, without the attributes that all types have.
Schema scaling_group_fields();

} // namespace hadeploy::aws
