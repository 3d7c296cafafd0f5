#include "providers/ssh/gluster_types.h"

namespace hadeploy::ssh {

void add_gluster_types(Registry& registry) {
    registry.add(gluster_pool_type());
    registry.add(gluster_volume_type());
    registry.add(gluster_mount_type());
    registry.add(gluster_cluster_type());
}

} // namespace hadeploy::ssh
