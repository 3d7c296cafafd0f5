#include "providers/ssh/ssh_type.h"

namespace hadeploy::ssh {

std::string shell_quote(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        throw Error(ErrorKind::failed, "a NUL byte cannot be part of a shell command");
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted += '\'';
}

Attribute host_attribute() {
    return {.name = "host",
            .type = TypeKind::connection,
            .doc = "The machine to manage: the `connection` of a machine resource, for example "
                   "`${node[\"node1\"].connection}`.",
            .required = true,
            .replaces = true};
}

void SshType::bound_steps(std::chrono::milliseconds timeout) {
    bounded = true;
    schema.push_back({.name = "timeout",
                      .type = TypeKind::duration,
                      .doc = "How long one step of a change may run on a host. After that the step "
                             "and all processes that it started are killed.",
                      .operational = true,
                      .default_value = Value(std::int64_t{timeout.count()}),
                      .min = 1'000});
}

} // namespace hadeploy::ssh
