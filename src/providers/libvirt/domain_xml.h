#pragma once

#include <cstdint>
#include <string>

namespace hadeploy::libvirt {

/// All that a virtual machine's definition depends on.
struct DomainShape {
    std::string name, uuid;
    std::string type = "qemu"; ///< "kvm", "qemu" (emulation), "test"
    std::string arch = "x86_64";
    std::int64_t memory_kib = 0, max_memory_kib = 0;
    std::int64_t vcpus = 1, max_vcpus = 1;
    std::string network, mac;
    std::string disk;         ///< path of the overlay
    std::string seed = {};    ///< path of the cloud-init seed; "" once it was read
    std::string console = {}; ///< path of the console's log
    std::string kernel = {}, initrd = {}, cmdline = {}; ///< kernel "": boots from its disk
    std::string project, address;                       ///< whose it is
    std::string host_key; ///< public SSH host key that the guest was given
};

/// The seed disk's name in a running domain, to detach it by.
inline constexpr const char* kSeedAlias = "ua-seed";

/// The `<domain>` to define. Pure.
std::string domain_xml(const DomainShape& shape);

/// Kernel command line of a directly booted guest; `extra` is appended. An emulated guest is spared
/// what only costs it time: guards against side channels that emulation does not have, self-tests.
std::string kernel_command_line(const std::string& arch, bool emulated, const std::string& extra);

/// A MAC address that belongs to an address in a network: a machine that is made anew keeps it, so
/// that the DHCP server's lease of the old one never stands in its way.
std::string mac_address(const std::string& network, const std::string& address);

/// libvirt counts memory in KiB and emulators in MiB: rounded up to whole MiB, in KiB.
std::int64_t memory_kib(std::int64_t bytes);

/// Whether emulation has to be used. `wanted`: auto, kvm or qemu; `cpuinfo`: text of
/// /proc/cpuinfo, "" when the host is another machine. A host may offer /dev/kvm and guests hang
/// all the same, so the processor has to show that it can.
bool use_kvm(const std::string& wanted, bool offered, bool local, const std::string& cpuinfo);

} // namespace hadeploy::libvirt
