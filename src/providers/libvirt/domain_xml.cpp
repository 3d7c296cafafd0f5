#include "providers/libvirt/domain_xml.h"

#include "core/hash.h"
#include "providers/libvirt/xml.h"

#include <fmt/format.h>

namespace hadeploy::libvirt {

namespace {
constexpr std::int64_t kBytesPerMib = 1024 * 1024;

void add_disk(pugi::xml_node devices, const std::string& path, const char* format,
              const char* target) {
    const pugi::xml_node disk = add(devices, "disk", {{"type", "file"}, {"device", "disk"}});
    add(disk, "driver", {{"name", "qemu"}, {"type", format}, {"discard", "unmap"}});
    add(disk, "source", {{"file", path}});
    add(disk, "target", {{"dev", target}, {"bus", "virtio"}});
}

void add_processor(pugi::xml_node domain, const DomainShape& shape) {
    add(domain, "memory", {{"unit", "KiB"}}, std::to_string(shape.max_memory_kib));
    add(domain, "currentMemory", {{"unit", "KiB"}}, std::to_string(shape.memory_kib));
    pugi::xml_node vcpu = add(domain, "vcpu", {}, std::to_string(shape.max_vcpus));
    if (shape.vcpus != shape.max_vcpus)
        vcpu.append_attribute("current").set_value(std::to_string(shape.vcpus).c_str());
}

void add_boot(pugi::xml_node domain, const DomainShape& shape) {
    const pugi::xml_node os = add(domain, "os");
    pugi::xml_node type = add(os, "type", {{"arch", shape.arch}}, "hvm");
    if (shape.type != "test")
        type.append_attribute("machine").set_value(shape.arch == "x86_64" ? "q35" : "virt");
    if (shape.kernel.empty()) {
        add(os, "boot", {{"dev", "hd"}});
        return;
    }
    add(os, "kernel", {}, shape.kernel);
    if (!shape.initrd.empty()) add(os, "initrd", {}, shape.initrd);
    add(os, "cmdline", {}, shape.cmdline);
}

void add_devices(pugi::xml_node domain, const DomainShape& shape) {
    const pugi::xml_node devices = add(domain, "devices");
    add_disk(devices, shape.disk, "qcow2", "vda");
    if (!shape.seed.empty()) {
        // A virtio disk instead of a CD-ROM: distributions' cloud kernels have no SATA driver.
        add_disk(devices, shape.seed, "raw", "vdb");
        add(devices.last_child(), "readonly");
        add(devices.last_child(), "alias", {{"name", kSeedAlias}});
    }
    const pugi::xml_node nic = add(devices, "interface", {{"type", "network"}});
    add(nic, "mac", {{"address", shape.mac}});
    add(nic, "source", {{"network", shape.network}});
    add(nic, "model", {{"type", "virtio"}});
    add(devices, "controller", {{"type", "usb"}, {"model", "none"}});
    const pugi::xml_node serial = add(devices, "serial", {{"type", "pty"}});
    if (!shape.console.empty()) add(serial, "log", {{"file", shape.console}, {"append", "on"}});
    add(serial, "target", {{"port", "0"}});
    add(add(devices, "console", {{"type", "pty"}}), "target", {{"type", "serial"}, {"port", "0"}});
    add(add(devices, "rng", {{"model", "virtio"}}), "backend", {{"model", "random"}},
        "/dev/urandom");
    add(devices, "memballoon", {{"model", "virtio"}});
}
} // namespace

std::string domain_xml(const DomainShape& shape) {
    pugi::xml_document document;
    const pugi::xml_node domain = add(document, "domain", {{"type", shape.type}});
    add(domain, "name", {}, shape.name);
    add(domain, "uuid", {}, shape.uuid);
    add_metadata(domain, shape.project, shape.address, {{"host_key", shape.host_key}});
    add_processor(domain, shape);
    add_boot(domain, shape);
    const pugi::xml_node features = add(domain, "features");
    add(features, "acpi");
    if (shape.arch == "x86_64") add(features, "apic");
    if (shape.type == "kvm") add(domain, "cpu", {{"mode", "host-passthrough"}});
    if (shape.type == "qemu") add(domain, "cpu", {{"mode", "maximum"}});
    add(domain, "clock", {{"offset", "utc"}});
    add(domain, "on_poweroff", {}, "destroy");
    add(domain, "on_reboot", {}, "restart");
    add(domain, "on_crash", {}, "destroy");
    add_devices(domain, shape);
    return to_text(domain);
}

std::string kernel_command_line(const std::string& arch, bool emulated, const std::string& extra) {
    const bool x86 = arch == "x86_64";
    std::string out = fmt::format("root=LABEL=root rw console={} quiet", x86 ? "ttyS0" : "ttyAMA0");
    if (emulated) out += " mitigations=off cryptomgr.notests";
    if (emulated && x86) out += " tsc=reliable";
    return extra.empty() ? out : out + " " + extra;
}

std::string mac_address(const std::string& network, const std::string& address) {
    const std::string hash = sha256_hex(network + "/" + address);
    return fmt::format("52:54:00:{}:{}:{}", hash.substr(0, 2), hash.substr(2, 2),
                       hash.substr(4, 2));
}

std::int64_t memory_kib(std::int64_t bytes) {
    return (bytes + kBytesPerMib - 1) / kBytesPerMib * 1024;
}

bool use_kvm(const std::string& wanted, bool offered, bool local, const std::string& cpuinfo) {
    if (wanted != "auto") return wanted == "kvm";
    if (!offered || !local) return offered;
    for (const char* flag : {" vmx", " svm"})
        for (std::size_t at = cpuinfo.find(flag); at != std::string::npos;
             at = cpuinfo.find(flag, at + 1))
            if (const std::size_t end = at + 4;
                end >= cpuinfo.size() || cpuinfo[end] == ' ' || cpuinfo[end] == '\n')
                return true;
    return false;
}

} // namespace hadeploy::libvirt
