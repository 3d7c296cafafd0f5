#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/inventory.h"
#include "providers/libvirt/lease.h"
#include "providers/libvirt/network.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/xml.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::libvirt;

TEST_CASE("a NAT network") {
    const std::string xml = network_xml({.name = "lab",
                                         .uuid = "0f0e0d0c-0b0a-5908-8706-050403020100",
                                         .cidr = "10.77.0.0/24",
                                         .mode = "nat",
                                         .domain = "lab.internal",
                                         .bridge = "hd-0f0e0d0c",
                                         .project = "demo",
                                         .address = "lab"});
    CHECK(xml == R"(<network>
  <name>lab</name>
  <uuid>0f0e0d0c-0b0a-5908-8706-050403020100</uuid>
  <metadata>
    <hadeploy:object xmlns:hadeploy="urn:hadeploy:object" project="demo" address="lab" />
  </metadata>
  <forward mode="nat" />
  <bridge name="hd-0f0e0d0c" stp="on" delay="0" />
  <domain name="lab.internal" localOnly="yes" />
  <ip address="10.77.0.1" prefix="24">
    <dhcp>
      <range start="10.77.0.128" end="10.77.0.254" />
    </dhcp>
  </ip>
</network>
)");
}

TEST_CASE("an isolated network without DNS has no forward") {
    const std::string xml = network_xml({.name = "n",
                                         .uuid = "u",
                                         .cidr = "192.168.7.8/30",
                                         .mode = "isolated",
                                         .dns = false,
                                         .bridge = "b"});
    CHECK(xml.find("<forward") == std::string::npos);
    CHECK(xml.find("<domain") == std::string::npos);
    CHECK(xml.find("<dns enable=\"no\" />") != std::string::npos);
    CHECK(xml.find("<range start=\"192.168.7.10\" end=\"192.168.7.10\" />") != std::string::npos);
}

TEST_CASE("ranges") {
    const Cidr lab = *Cidr::parse("10.77.0.0/24");
    CHECK(lab.overlaps(*Cidr::parse("10.77.0.128/25")));
    CHECK(lab.overlaps(*Cidr::parse("10.0.0.0/8")));
    CHECK_FALSE(lab.overlaps(*Cidr::parse("10.77.1.0/24")));
    CHECK(Cidr::parse("10.77.0.9/24")->text() == "10.77.0.0/24");
    CHECK(Cidr::of("192.168.122.1", "", "255.255.255.0")->text() == "192.168.122.0/24");
    CHECK(Cidr::of("192.168.122.1", "25", "")->text() == "192.168.122.0/25");
    CHECK_FALSE(Cidr::parse("10.77.0.0"));
    CHECK_FALSE(Cidr::parse("10.77.0.0/33"));
    CHECK_FALSE(Cidr::parse("10.77.0/24"));
    CHECK(bridge_name("0f0e0d0c-0b0a-5908-8706-050403020100").size() <= 15);
}

namespace {
DomainShape node() {
    return {.name = "node1",
            .uuid = "6ae66ec5-7965-5bbf-ad16-f274f945ae81",
            .memory_kib = 1048576,
            .max_memory_kib = 2097152,
            .vcpus = 2,
            .max_vcpus = 4,
            .network = "lab",
            .mac = "52:54:00:01:02:03",
            .disk = "/pool/node1.qcow2",
            .seed = "/pool/node1.seed.iso",
            .console = "/pool/node1.console.log",
            .kernel = "/pool/base.vmlinuz",
            .initrd = "/pool/base.initrd",
            .cmdline = kernel_command_line("x86_64", true, "quota=on"),
            .project = "demo",
            .address = "node[\"node1\"]",
            .host_key = "ssh-ed25519 AAAA node1"};
}
} // namespace

TEST_CASE("a domain that boots a kernel under emulation") {
    CHECK(domain_xml(node()) == R"(<domain type="qemu">
  <name>node1</name>
  <uuid>6ae66ec5-7965-5bbf-ad16-f274f945ae81</uuid>
  <metadata>
    <hadeploy:object xmlns:hadeploy="urn:hadeploy:object" project="demo" address="node[&quot;node1&quot;]" host_key="ssh-ed25519 AAAA node1" />
  </metadata>
  <memory unit="KiB">2097152</memory>
  <currentMemory unit="KiB">1048576</currentMemory>
  <vcpu current="2">4</vcpu>
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <kernel>/pool/base.vmlinuz</kernel>
    <initrd>/pool/base.initrd</initrd>
    <cmdline>root=LABEL=root rw console=ttyS0 quiet mitigations=off cryptomgr.notests tsc=reliable quota=on</cmdline>
  </os>
  <features>
    <acpi />
    <apic />
  </features>
  <cpu mode="maximum" />
  <clock offset="utc" />
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" discard="unmap" />
      <source file="/pool/node1.qcow2" />
      <target dev="vda" bus="virtio" />
    </disk>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw" discard="unmap" />
      <source file="/pool/node1.seed.iso" />
      <target dev="vdb" bus="virtio" />
      <readonly />
      <alias name="ua-seed" />
    </disk>
    <interface type="network">
      <mac address="52:54:00:01:02:03" />
      <source network="lab" />
      <model type="virtio" />
    </interface>
    <controller type="usb" model="none" />
    <serial type="pty">
      <log file="/pool/node1.console.log" append="on" />
      <target port="0" />
    </serial>
    <console type="pty">
      <target type="serial" port="0" />
    </console>
    <rng model="virtio">
      <backend model="random">/dev/urandom</backend>
    </rng>
    <memballoon model="virtio" />
  </devices>
</domain>
)");
}

TEST_CASE("a domain that boots its disk on KVM, without a seed") {
    DomainShape shape = node();
    shape.type = "kvm";
    shape.kernel = shape.seed = "";
    shape.max_vcpus = 2;
    const std::string xml = domain_xml(shape);
    CHECK(xml.find("<boot dev=\"hd\" />") != std::string::npos);
    CHECK(xml.find("<kernel>") == std::string::npos);
    CHECK(xml.find("vdb") == std::string::npos);
    CHECK(xml.find("host-passthrough") != std::string::npos);
    CHECK(xml.find("<vcpu>2</vcpu>") != std::string::npos);
}

TEST_CASE("mitigations are off in emulated guests only") {
    CHECK(kernel_command_line("x86_64", false, "") == "root=LABEL=root rw console=ttyS0 quiet");
    CHECK(kernel_command_line("aarch64", true, "x") ==
          "root=LABEL=root rw console=ttyAMA0 quiet mitigations=off cryptomgr.notests x");
}

TEST_CASE("KVM is used where guests can run on it") {
    const std::string cpu = "flags\t\t: fpu vme de pse tsc vmx smx\n";
    const std::string nested_off = "flags\t\t: fpu vme svml vmxlike\n";
    CHECK(use_kvm("auto", true, true, cpu));
    CHECK(use_kvm("auto", true, true, "flags : fpu svm\n"));
    CHECK_FALSE(use_kvm("auto", true, true, nested_off)); // guests would hang despite /dev/kvm
    CHECK_FALSE(use_kvm("auto", false, true, cpu));
    CHECK(use_kvm("auto", true, false, "")); // remote host: trusts libvirt
    CHECK(use_kvm("kvm", false, true, ""));
    CHECK_FALSE(use_kvm("qemu", true, true, cpu));
}

TEST_CASE("memory is rounded to whole MiB, MAC addresses are derived from addresses") {
    CHECK(memory_kib(std::int64_t{1} << 30) == 1048576);
    CHECK(memory_kib(1'000'000'000) == 954 * 1024);
    CHECK(memory_kib(1) == 1024);
    CHECK(mac_address("lab", "10.77.0.11") == mac_address("lab", "10.77.0.11"));
    CHECK(mac_address("lab", "10.77.0.11") != mac_address("lab", "10.77.0.12"));
    CHECK(mac_address("lab", "10.77.0.11") != mac_address("other", "10.77.0.11"));
    CHECK(mac_address("lab", "10.77.0.11").size() == 17);
    CHECK(mac_address("lab", "10.77.0.11").starts_with("52:54:00:"));
}

TEST_CASE("volumes") {
    CHECK(volume_xml({.name = "node1.qcow2",
                      .format = "qcow2",
                      .capacity = 8589934592,
                      .backing_path = "/pool/base.qcow2",
                      .backing_format = "qcow2"}) == R"(<volume>
  <name>node1.qcow2</name>
  <capacity unit="bytes">8589934592</capacity>
  <allocation unit="bytes">0</allocation>
  <target>
    <format type="qcow2" />
    <permissions>
      <mode>0600</mode>
    </permissions>
  </target>
  <backingStore>
    <path>/pool/base.qcow2</path>
    <format type="qcow2" />
  </backingStore>
</volume>
)");
    CHECK(volume_xml({.name = "kernel", .capacity = 1}).find("<mode>0600</mode>") !=
          std::string::npos);
}

TEST_CASE("own files are identified by name and identity") {
    const std::string id = "1a2b3c4d-0000-5000-8000-000000000000";
    CHECK(own_file("node1", id, ".qcow2") == "node1-1a2b3c4d.qcow2");
    CHECK(is_own_file("node1-1a2b3c4d.console.log.0", "node1", id));
    CHECK_FALSE(is_own_file("node1.qcow2", "node1", id));
    CHECK_FALSE(is_own_file("node1-99999999.qcow2", "node1", id));
    CHECK_FALSE(is_own_file("node11-1a2b3c4d.qcow2", "node1", id));
}

TEST_CASE("a lease has to match completely") {
    const pugi::xml_document network = parse_xml(
        R"(<network><ip address="10.0.0.1" prefix="24"><dhcp><host mac="m" name="a" ip="10.0.0.2"/></dhcp></ip></network>)");
    CHECK(has_lease(network.child("network"), {"m", "a", "10.0.0.2"}));
    CHECK_FALSE(has_lease(network.child("network"), {"m", "a", "10.0.0.3"}));
    CHECK_FALSE(has_lease(network.child("network"), {"x", "a", "10.0.0.2"}));
}

TEST_CASE("broken XML is an error") {
    CHECK_THROWS_AS(parse_xml("<a><b></a>"), Error);
}
