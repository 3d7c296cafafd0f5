#include "providers/ssh/docker_types.h"

namespace hadeploy::ssh {

void add_docker_types(Registry& registry) {
    registry.add(docker_engine_type());
    registry.add(docker_node_type());
    registry.add(docker_image_type());
    registry.add(docker_stack_type());
    registry.add(docker_cluster_type());
    registry.add(docker_drain_type());
}

} // namespace hadeploy::ssh
