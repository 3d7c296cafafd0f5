#include "providers/ssh/gluster_types.h"

namespace hadeploy::ssh {

void add_gluster_types(Registry& registry) {
    registry.add(gluster::gluster_pool_type());
    registry.add(gluster::gluster_volume_type());
    registry.add(gluster::gluster_mount_type());
    registry.add(gluster::gluster_cluster_type());
}

} // namespace hadeploy::ssh
