#include "cli/commands.h"

#include "providers/libvirt/libvirt.h"
#include "providers/ssh/ssh_type.h"

namespace hadeploy::cli {

void register_all(Registry& registry) {
    libvirt::add_libvirt(registry);
    ssh::add_ssh_provider(registry);
    ssh::add_host_types(registry);
    ssh::add_docker_types(registry);
    ssh::add_gluster_types(registry);
}

} // namespace hadeploy::cli
