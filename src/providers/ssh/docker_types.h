#pragma once

#include "providers/ssh/ssh_type.h"

namespace hadeploy::ssh {

/// Registers the types docker.*
void add_docker_types(Registry& registry);

namespace docker { // one per file
std::unique_ptr<SshType> docker_engine_type();
std::unique_ptr<SshType> docker_node_type();
std::unique_ptr<SshType> docker_image_type();
std::unique_ptr<SshType> docker_login_type();
std::unique_ptr<SshType> docker_stack_type();
std::unique_ptr<SshType> docker_cluster_type();
std::unique_ptr<SshType> docker_drain_type();
std::unique_ptr<SshType> docker_compose_type();
std::unique_ptr<SshType> docker_network_type();
std::unique_ptr<SshType> docker_volume_type();
std::unique_ptr<SshType> docker_secret_type();
std::unique_ptr<SshType> docker_config_type();
std::unique_ptr<SshType> docker_container_type();
} // namespace docker

} // namespace hadeploy::ssh
