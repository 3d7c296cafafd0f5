#include "providers/libvirt/handle.h"

#include "provider_api/prerequisites.h"

#include <fmt/format.h>

namespace hadeploy::libvirt {

namespace {
// It does not depend on this machine: the daemon may run on another one.
constexpr const char* kStartHint =
    "start libvirtd as root: `systemctl enable --now libvirtd`, or without systemd `virtlogd -d` "
    "and `libvirtd -d`";

bool connection_lost(const virError& error) {
    const std::string_view text = error.message != nullptr ? error.message : "";
    return error.code == VIR_ERR_RPC || error.code == VIR_ERR_NO_CONNECT ||
           error.code == VIR_ERR_INVALID_CONN ||
           (error.domain == VIR_FROM_RPC && error.code == VIR_ERR_SYSTEM_ERROR) ||
           text.find("client socket is closed") != std::string_view::npos;
}

std::string hint_for(const virError& error) {
    const std::string_view text = error.message != nullptr ? error.message : "";
    const auto says = [&](std::string_view part) {
        return text.find(part) != std::string_view::npos;
    };
    if (error.code == VIR_ERR_AUTH_FAILED || error.code == VIR_ERR_AUTH_CANCELLED ||
        error.code == VIR_ERR_AUTH_UNAVAILABLE || error.code == VIR_ERR_ACCESS_DENIED ||
        (error.domain == VIR_FROM_RPC && says("Permission denied")))
        return "this user may not use libvirt: run as root, or `sudo usermod -aG libvirt $USER` "
               "and log in again";
    if ((says("No such file or directory") && error.domain == VIR_FROM_RPC) ||
        connection_lost(error))
        return std::string(kStartHint).append(kSeeDoctor);
    if (says("failed to initialize kvm") || says("Could not access KVM kernel module") ||
        says("/kvm/kvm.c")) // QEMU's failed assertion if KVM refuses a feature
        return kBrokenKvmHint;
    if (says("Network is already in use by interface"))
        return "this machine is connected to a network with the same addresses; choose a "
               "different cidr";
    return {};
}
} // namespace

Error last_error(std::string_view doing) {
    const virError* error = virGetLastError();
    if (error == nullptr || error->code == VIR_ERR_OK)
        return {ErrorKind::failed, fmt::format("cannot {}: libvirt gave no reason", doing)};
    const bool lost = connection_lost(*error);
    const bool denied = error->code == VIR_ERR_AUTH_FAILED ||
                        error->code == VIR_ERR_AUTH_UNAVAILABLE ||
                        error->code == VIR_ERR_AUTH_CANCELLED;
    Error out(lost || denied ? ErrorKind::unreachable : ErrorKind::failed,
              fmt::format("cannot {}: {}", doing,
                          error->message != nullptr ? error->message : "libvirt gave no reason"));
    return std::move(out).with_hint(hint_for(*error));
}

std::string taken(char* text) {
    std::string out = text != nullptr ? text : "";
    std::free(text);
    return out;
}

namespace {
template<class T, class F>
std::string uuid_text(T* object, F&& get) {
    char text[VIR_UUID_STRING_BUFLEN] = {};
    return get(object, text) < 0 ? "" : text; // stored in the handle: no call to the daemon
}
} // namespace

std::string uuid_of(virDomainPtr domain) {
    return uuid_text(domain, virDomainGetUUIDString);
}
std::string uuid_of(virNetworkPtr network) {
    return uuid_text(network, virNetworkGetUUIDString);
}
std::string uuid_of(virStoragePoolPtr pool) {
    return uuid_text(pool, virStoragePoolGetUUIDString);
}

} // namespace hadeploy::libvirt
