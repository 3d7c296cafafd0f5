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
         .doc = "Host name or IP address to log in at.",
         .required = true},
        {.name = "port",
         .type = TypeKind::port,
         .doc = "Port of the SSH server.",
         .default_value = Value(22)},
        {.name = "user",
         .type = TypeKind::account,
         .doc = "Who logs in: root, or someone who may use sudo.",
         .default_value = Value("root")},
        {.name = "private_key_file",
         .type = TypeKind::local_path,
         .doc = "The private key to log in with. Without it the keys of the SSH agent and those in "
                "`~/.ssh` are tried."},
        {.name = "public_key",
         .type = TypeKind::line,
         .doc = "Which of the SSH agent's keys to log in with."},
        {.name = "identity_files",
         .type = list_of(TypeKind::string),
         .doc = "Private keys to try instead of those in `~/.ssh`."},
        {.name = "identities_only",
         .type = TypeKind::boolean,
         .doc = "Try no key of the SSH agent but those in `identity_files`."},
        {.name = "agent",
         .type = TypeKind::string,
         .doc = "The SSH agent's socket, instead of the one in SSH_AUTH_SOCK; `none` for none."},
        {.name = "address_family",
         .type = TypeKind::string,
         .doc = "Only IPv4 addresses (`inet`) or only IPv6 ones (`inet6`) of a name."},
        {.name = "become_password",
         .type = TypeKind::string,
         .doc = "What sudo asks the user for.",
         .secret = true},
        {.name = "host_key",
         .type = TypeKind::string,
         .doc = "The public key that the host must show, \"ssh-ed25519 AAAA...\"; one a line."},
        {.name = "jump_host",
         .type = TypeKind::connection,
         .doc = "The connection of a host to reach this one through."},
        {.name = "machine",
         .type = TypeKind::string,
         .doc = "Address of the resource that is the machine; empty where it existed before.",
         .default_value = Value("")},
    };
    return fields;
}

} // namespace hadeploy
