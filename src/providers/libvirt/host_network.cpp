#include "providers/libvirt/host_network.h"

#include <arpa/inet.h>
#include <bit>
#include <filesystem>
#include <fstream>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>

namespace hadeploy::libvirt {

namespace {
namespace fs = std::filesystem;

std::uint32_t bits_of(const sockaddr* address) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

/// Whether a local libvirt daemon runs in a different network namespace. Only root can read the
/// namespaces of other users' processes; unreadable ones are skipped.
bool runs_elsewhere() {
    std::error_code failed;
    const fs::path own = fs::read_symlink("/proc/self/ns/net", failed);
    for (const char* file : {"/run/virtnetworkd.pid", "/run/libvirtd.pid"}) {
        std::string pid;
        if (!(std::ifstream(file) >> pid)) continue;
        const fs::path other = fs::read_symlink("/proc/" + pid + "/ns/net", failed);
        if (!failed && other != own) return true;
    }
    return false;
}
} // namespace

std::vector<HostRange> ranges_of_this_host() {
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all(first, freeifaddrs);
    std::vector<HostRange> out;
    for (const ifaddrs* i = first; i != nullptr; i = i->ifa_next) {
        if (i->ifa_addr == nullptr || i->ifa_netmask == nullptr ||
            i->ifa_addr->sa_family != AF_INET)
            continue;
        const std::uint32_t mask = bits_of(i->ifa_netmask);
        out.push_back({i->ifa_name, Cidr{bits_of(i->ifa_addr) & mask, std::popcount(mask)}});
    }
    return out;
}

std::vector<HostRange> ranges_of_libvirts_host(std::string_view uri) {
    if (!uri.starts_with("qemu:///") || runs_elsewhere()) return {};
    return ranges_of_this_host();
}

} // namespace hadeploy::libvirt
