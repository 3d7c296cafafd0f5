#include "cli/chaos_section.h"

#include "engine/observe.h"

namespace hadeploy::cli {

Value recorded_chaos_section(const Project& project, const PriorState& prior) {
    Value section = project.chaos_section(recorded_values(project.graph(), prior));
    if (section.is_null())
        throw Error(ErrorKind::spec, "the spec has no chaos section")
            .with_hint("it sets the URLs of the app and the hosts of the swarm; see `hadeploy docs "
                       "chaos`");
    if (section.contains_unknown())
        throw Error(ErrorKind::failed, "the cluster has not been created yet")
            .with_hint("run apply first");
    return section;
}

} // namespace hadeploy::cli
