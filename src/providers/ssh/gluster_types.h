#pragma once

#include "providers/ssh/ssh_type.h"

namespace hadeploy::ssh {

/// Registers the types gluster.*
void add_gluster_types(Registry& registry);

namespace gluster { // one per file
std::unique_ptr<SshType> gluster_pool_type();
std::unique_ptr<SshType> gluster_volume_type();
std::unique_ptr<SshType> gluster_mount_type();
std::unique_ptr<SshType> gluster_cluster_type();
} // namespace gluster

} // namespace hadeploy::ssh
