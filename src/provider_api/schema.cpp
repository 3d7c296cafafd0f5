#include "provider_api/schema.h"

#include <algorithm>

namespace hadeploy {

Type list_of(Type element) {
    Type type(TypeKind::list);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type set_of(Type element) {
    Type type(TypeKind::set);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type map_of(Type element) {
    Type type(TypeKind::map);
    type.element = std::make_shared<const Type>(std::move(element));
    return type;
}

Type object_of(std::vector<Attribute> fields) {
    Type type(TypeKind::object);
    type.fields = std::make_shared<const std::vector<Attribute>>(std::move(fields));
    return type;
}

const Attribute* find_attribute(const Schema& schema, std::string_view name) {
    const auto it = std::find_if(schema.begin(), schema.end(),
                                 [&](const Attribute& a) { return a.name == name; });
    return it == schema.end() ? nullptr : &*it;
}

const std::vector<Attribute>& connection_fields() {
    static const std::vector<Attribute> fields{
        {.name = "address",
         .type = TypeKind::address,
         .doc = "Host name or IP address of the SSH server.",
         .required = true},
        {.name = "port",
         .type = TypeKind::port,
         .doc = "Port of the SSH server.",
         .default_value = Value(22)},
        {.name = "user",
         .type = TypeKind::account,
         .doc = "User to log in as: root, or a user with sudo rights.",
         .default_value = Value("root")},
        {.name = "private_key_file",
         .type = TypeKind::local_path,
         .doc = "Private key file to log in with. Default: the keys of the SSH agent and those in "
                "`~/.ssh`."},
        {.name = "public_key",
         .type = TypeKind::line,
         .doc = "Public key that selects one of the SSH agent's keys."},
        {.name = "identity_files",
         .type = list_of(TypeKind::string),
         .doc = "Private key files to try instead of those in `~/.ssh`."},
        {.name = "identities_only",
         .type = TypeKind::boolean,
         .doc = "Whether to try only those keys of the SSH agent that are in `identity_files`."},
        {.name = "agent",
         .type = TypeKind::string,
         .doc = "Socket of the SSH agent, instead of SSH_AUTH_SOCK; `none` disables the agent."},
        {.name = "address_family",
         .type = TypeKind::string,
         .doc = "Restricts a host name to its IPv4 (`inet`) or IPv6 (`inet6`) addresses."},
        {.name = "become_password",
         .type = TypeKind::line,
         .doc = "Password for sudo.",
         .secret = true},
        {.name = "host_key",
         .type = TypeKind::string,
         .doc = "Public key that the host must present, \"ssh-ed25519 AAAA...\"; several on "
                "separate lines."},
        {.name = "jump_host",
         .type = TypeKind::connection,
         .doc = "Connection of a host through which this one is reached."},
        {.name = "machine",
         .type = TypeKind::string,
         .doc = "Address of the machine's resource; empty for a pre-existing machine.",
         .default_value = Value("")},
    };
    return fields;
}

} // namespace hadeploy
