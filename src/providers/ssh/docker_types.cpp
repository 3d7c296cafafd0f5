#include "providers/ssh/docker_types.h"

namespace hadeploy::ssh {

void add_docker_types(Registry& registry) {
    registry.add(docker::docker_engine_type());
    registry.add(docker::docker_node_type());
    registry.add(docker::docker_login_type());
    registry.add(docker::docker_image_type());
    registry.add(docker::docker_stack_type());
    registry.add(docker::docker_cluster_type());
    registry.add(docker::docker_drain_type());
    registry.add(docker::docker_compose_type());
    registry.add(docker::docker_network_type());
    registry.add(docker::docker_volume_type());
    registry.add(docker::docker_secret_type());
    registry.add(docker::docker_config_type());
    registry.add(docker::docker_container_type());
}

} // namespace hadeploy::ssh
