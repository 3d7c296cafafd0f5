#pragma once

#include <cstdint>
#include <string>

namespace hadeploy::libvirt {

/// The input of a virtual machine's definition.
struct DomainShape {
    std::string name, uuid;
    std::string type = "qemu"; ///< "kvm", "qemu" (emulation), "test"
    std::string arch = "x86_64";
    std::int64_t memory_kib = 0, max_memory_kib = 0;
    std::int64_t vcpus = 1, max_vcpus = 1;
    std::string network, mac;
    std::string disk;         ///< path of the overlay
    std::string seed = {};    ///< path of the cloud-init seed; "" after the first boot
    std::string console = {}; ///< path of the console's log
    std::string kernel = {}, initrd = {},
                cmdline = {};     ///< kernel "": the machine boots from its disk
    std::string project, address; ///< the owner, for the metadata
    std::string host_key;         ///< public SSH host key of the guest
};

/// Alias of the seed disk in a domain, used to detach it.
inline constexpr const char* kSeedAlias = "ua-seed";

/// The `<domain>` to define. A pure function.
std::string domain_xml(const DomainShape& shape);

/// The kernel command line for direct boot; `extra` is appended. For an emulated guest,
/// side-channel mitigations and crypto self-tests are off: emulation does not need them and they
/// cost boot time.
std::string kernel_command_line(const std::string& arch, bool emulated, const std::string& extra);

/// A MAC address derived from network and IP address. A machine that replaces another one therefore
/// has the same MAC address, so that the old machine's DHCP lease does not block it.
std::string mac_address(const std::string& network, const std::string& address);

/// Rounds up to whole MiB (the unit of emulators) and returns KiB (the unit of libvirt).
std::int64_t memory_kib(std::int64_t bytes);

/// Whether to use KVM rather than emulation. `wanted`: auto, kvm or qemu; `cpuinfo`: the text of
/// /proc/cpuinfo, "" for a remote host. `auto` also requires the processor's vmx or svm flag on
/// this machine, because guests can hang on a host that offers /dev/kvm without this flag.
bool use_kvm(const std::string& wanted, bool offered, bool local, const std::string& cpuinfo);

} // namespace hadeploy::libvirt
