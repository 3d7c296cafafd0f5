#pragma once

#include "core/error.h"
#include "providers/libvirt/api.h"
#include "providers/libvirt/libvirt.h"

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace hadeploy::libvirt {

using ConnectHandle = std::unique_ptr<virConnect, Freed<virConnectClose>>;
using DomainHandle = std::unique_ptr<virDomain, Freed<virDomainFree>>;
using NetworkHandle = std::unique_ptr<virNetwork, Freed<virNetworkFree>>;
using PoolHandle = std::unique_ptr<virStoragePool, Freed<virStoragePoolFree>>;
using VolumeHandle = std::unique_ptr<virStorageVol, Freed<virStorageVolFree>>;
using StreamHandle = std::unique_ptr<virStream, Freed<virStreamFree>>;

/// The hint if libvirt offers KVM but KVM fails, which can happen within virtual machines.
inline constexpr const char* kBrokenKvmHint =
    "KVM is present but does not work: check that virtualization is enabled in the firmware and "
    "/dev/kvm can be opened; or use accelerator: qemu, which emulates";

/// Converts libvirt's last error of this thread. The message is "cannot " + `doing`, for example
/// "start the network 'lab'".
Error last_error(std::string_view doing);

template<class T>
bool failed(T result) {
    if constexpr (std::is_pointer_v<T>)
        return result == nullptr;
    else
        return result < 0;
}

/// Makes and counts one libvirt call. If it fails with one of the `tolerated` libvirt error codes,
/// returns the failure value of the call itself (nullptr, -1).
/// @throws Error
template<class F>
auto call(std::string_view doing, std::initializer_list<int> tolerated, F&& function) {
    counters().calls.fetch_add(1, std::memory_order_relaxed);
    virResetLastError();
    const auto result = function();
    if (failed(result)) {
        const int code = virGetLastErrorCode();
        for (const int ok : tolerated)
            if (code == ok) return result;
        throw last_error(doing);
    }
    return result;
}
template<class F>
auto call(std::string_view doing, F&& function) {
    return call(doing, {}, std::forward<F>(function));
}

/// Takes ownership of a string that libvirt allocated.
std::string taken(char* text);

/// Calls a libvirt list function and returns the handles in an owning vector.
template<class Handle, class F>
auto list(std::string_view doing, F&& function) {
    typename Handle::pointer* items = nullptr;
    const int count = call(doing, [&] { return function(&items); });
    std::vector<Handle> out;
    out.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) out.emplace_back(items[i]);
    std::free(items);
    return out;
}

std::string uuid_of(virDomainPtr domain);
std::string uuid_of(virNetworkPtr network);
std::string uuid_of(virStoragePoolPtr pool);

} // namespace hadeploy::libvirt
