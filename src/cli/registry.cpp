#include "cli/registry.h"

#include "providers/aws-ec2/aws.h"
#include "providers/libvirt/libvirt.h"
#include "providers/local/local.h"
#include "providers/ssh/ssh.h"

#include <fmt/format.h>

namespace hadeploy::cli {

void register_all(Registry& registry) {
    libvirt::add_libvirt(registry);
    ssh::add_ssh(registry);
    local::add_local_types(registry);
    aws::add_aws(registry);
}

std::string provider_statistics() {
    const ssh::Counters ssh = ssh::counters();
    return fmt::format("libvirt calls: {}\nssh connections: {}\nssh execs: {}\n"
                       "aws requests: {}\n",
                       libvirt::counters().calls.load(), ssh.connections, ssh.execs,
                       aws::requests());
}

} // namespace hadeploy::cli
