#pragma once

#include "providers/ssh/provider.h"
#include "ssh/host_case.h"
#include "ssh/server.h"

#include <sys/stat.h>

namespace hadeploy::test {

/// A real sshd on the loopback interface, an open endpoint for it, and a directory for files of the
/// test.
struct Host {
    SshServer server;
    TempDir dir;
    std::shared_ptr<OpenEndpoint> endpoint;
    Host() {
        Provider& provider = *registry().provider("ssh");
        const std::vector<Endpoint> endpoints = provider.endpoints(
            type_named("host.file"), Value::map({{"host", server.connection()}}), Value::map({}));
        endpoint = provider.open(endpoints.at(0), ProviderContext{});
    }
    Value config(std::initializer_list<std::pair<std::string_view, Value>> more) const {
        Value all = Value::map({{"host", server.connection()}});
        for (const auto& [key, value] : more) all = all.with(key, value);
        return all;
    }
    std::string path(const std::string& name) const { return (dir.path / name).string(); }
};

inline mode_t mode_of(const std::string& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_mode & 07777;
}

template<typename What>
Error error_of(What what) {
    try {
        what();
    } catch (const Error& error) {
        return error;
    }
    return Error(ErrorKind::failed, "(no error)");
}

} // namespace hadeploy::test
