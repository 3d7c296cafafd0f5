// Machines. Uses libvirt's own test driver: it keeps networks, pools, volumes and domains without
// any real object. It supports neither uploads nor attaching and detaching of devices, so volumes
// with content and new machines with their seeds are covered by real_vm_test.cpp and the end-to-end
// tests instead.
#include "driver_world.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/handle.h"
#include "providers/libvirt/host_network.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/xml.h"

using namespace hadeploy;
using namespace hadeploy::libvirt;
using namespace hadeploy::libvirt::test;

namespace {

struct RawNode {
    std::string xml;
};

/// A libvirt with one machine of an earlier run: definition, disk and lease.
struct MachineWorld : World {
    explicit MachineWorld(const std::string& more_files = "")
        : World(node(more_files), TempDir()) {}
    explicit MachineWorld(const RawNode& raw) : World(raw.xml, TempDir()) {}

    static std::string identity() { return Harness::identity("node"); }
    static std::string volume(const std::string& suffix) {
        return "<volume><name>" + own_file("node1", identity(), suffix) +
               "</name><capacity>1000</capacity></volume>";
    }
    static std::string node(const std::string& more_files, const std::string& seed = "") {
        const Lease lease = lease_of(
            Value::map({{"name", "node1"}, {"network", "lab"}, {"address", "10.77.0.11"}}));
        const std::string domain = domain_xml({.name = "node1",
                                               .uuid = identity(),
                                               .type = "test",
                                               .memory_kib = 1048576,
                                               .max_memory_kib = 2097152,
                                               .vcpus = 2,
                                               .max_vcpus = 4,
                                               .network = "lab",
                                               .mac = lease.mac,
                                               .disk = "/d/node1.qcow2",
                                               .seed = seed,
                                               .project = "demo",
                                               .address = "node",
                                               .host_key = "ssh-ed25519 AAAAhost"});
        return "<node><network><name>lab</name><bridge name='b'/><ip address='10.77.0.1' "
               "prefix='24'><dhcp>"
               "<host mac='" +
               lease.mac +
               "' name='node1' ip='10.77.0.11'/></dhcp></ip></network>"
               "<pool type='dir'><name>disks</name><target><path>/d</path></target>" +
               volume(".qcow2") + volume(".console.log") + more_files + "</pool>" + domain +
               "</node>";
    }

    Value wanted() const {
        return config(
            "libvirt.domain",
            Value::map({{"name", "node1"},
                        {"memory", "1 GiB"},
                        {"max_memory", "2 GiB"},
                        {"vcpus", 2},
                        {"max_vcpus", 4},
                        {"network", "lab"},
                        {"address", "10.77.0.11"},
                        {"base", Value::map({{"pool", "disks"}, {"path", "/d/base.qcow2"}})},
                        {"ssh_key", Value::map({{"private_key_file", "/k"},
                                                {"public_key", "ssh-ed25519 A me"}})}}));
    }
    Observation look(const RecordedResource* recorded = nullptr) {
        return read("libvirt.domain", wanted(), "node", recorded);
    }
    Outcome update(Value after, std::vector<std::string> changed) {
        return apply(Change::Kind::update, "libvirt.domain", "node", wanted(), std::move(after),
                     std::move(changed));
    }
};

} // namespace

TEST_CASE("domain: of somebody else") {
    World w;
    const Value config = Value::map(
        {{"name", "theirs"}, {"network", "lab"}, {"address", "10.77.0.11"}, {"memory", 1 << 30}});
    CHECK(w.read("libvirt.domain", config, "node").foreign.find("33333333") != std::string::npos);
    CHECK(w.remove("libvirt.domain", config, "node").attributes);
    CHECK(w.read("libvirt.domain", config, "node").foreign != "");
}

TEST_CASE("domain: read, including unrecorded attributes") {
    MachineWorld w;
    const Observation seen = w.look();
    REQUIRE(present(seen));
    const Value wanted = w.wanted();
    for (const char* name : {"name", "running", "memory", "vcpus"}) {
        CAPTURE(name);
        CHECK(seen.attributes[name] == wanted[name]);
    }
    CHECK(seen.attributes.flag("complete"));
    CHECK(seen.attributes["connection"].text("host_key") == "ssh-ed25519 AAAAhost");
    CHECK(seen.attributes["connection"].text("user") == "ops");
    CHECK(seen.attributes["connection"].text("address") == "10.77.0.11");

    const RecordedResource known = recorded(wanted, wanted);
    CHECK_FALSE(w.look(&known).attributes.has("connection")); // recorded, so it is not read again
}

TEST_CASE("domain: a create that was interrupted after the start is completed, not restarted") {
    MachineWorld w;
    const Outcome again = w.create("libvirt.domain", w.wanted(), "node");
    REQUIRE_MESSAGE(again.attributes, (again.error ? again.error->message : ""));
    CHECK((*again.attributes)["connection"].text("host_key") == "ssh-ed25519 AAAAhost");
    CHECK(again.attributes->text("uuid") == MachineWorld::identity());
    CHECK(w.look().attributes.flag("complete"));
}

TEST_CASE("domain: not complete while its seed exists") {
    MachineWorld w(MachineWorld::volume(".seed.iso"));
    CHECK_FALSE(w.look().attributes.flag("complete", true));
    REQUIRE(w.create("libvirt.domain", w.wanted(), "node").attributes);
    CHECK(w.look().attributes.flag("complete")); // the guest has answered: the seed was removed
}

TEST_CASE("domain: one that never came up is built again, one that did is only started") {
    const std::string seed_file = MachineWorld::volume(".seed.iso");
    const auto start = [](const RawNode& raw) {
        MachineWorld w(raw);
        REQUIRE(w.update(w.wanted().with("running", false), {"running"}).attributes);
        return w.create("libvirt.domain", w.wanted().with("disk", std::int64_t{1} << 30), "node");
    };
    for (const std::string& left : {seed_file, std::string()}) { // killed before or after the seed
        const Outcome anew = start({MachineWorld::node(left, "/d/node1.seed.iso")});
        REQUIRE(anew.error); // the test driver supports no uploads
        CHECK(anew.steps.front() == "creating the disk");
    }
    for (const std::string& left : {seed_file, std::string()}) {
        const Outcome started = start({MachineWorld::node(left)});
        REQUIRE(started.attributes);
        CHECK(started.steps.front() == "starting");
    }
}

TEST_CASE("domain: switched off, detected, and started again") {
    MachineWorld w;
    Value off = w.wanted().with("running", false);
    REQUIRE(w.update(off, {"running"}).attributes);
    const Observation seen = w.look();
    REQUIRE(present(seen));
    CHECK_FALSE(seen.attributes.flag("running", true));
    CHECK(seen.attributes.flag("complete"));
    const Outcome started = w.update(w.wanted(), {"running"});
    REQUIRE(started.attributes);
    CHECK(started.steps.front() == "starting");
    CHECK(w.look().attributes.flag("running"));
}

TEST_CASE("domain: memory and processors change in the running guest within their limits") {
    MachineWorld w;
    const Outcome live =
        w.update(w.wanted().with("memory", 1610612736).with("vcpus", 3), {"memory", "vcpus"});
    REQUIRE_MESSAGE(live.attributes, (live.error ? live.error->message : ""));
    for (const std::string& step : live.steps) CHECK(step.find("restart") == std::string::npos);
    CHECK(w.look().attributes.integer("memory") == 1610612736);
    CHECK(w.look().attributes.integer("vcpus") == 3);

    const Value large = w.wanted().with("memory", std::int64_t{4} << 30).with("vcpus", 8);
    const Outcome restarted = w.update(large, {"memory", "vcpus"});
    REQUIRE(restarted.attributes);
    CHECK(restarted.steps.front() == "the change needs a restart");
    CHECK(w.look().attributes.integer("memory") == std::int64_t{4} << 30);
    CHECK(w.look().attributes.integer("vcpus") == 8);
    CHECK(w.look().attributes.flag("running"));
}

TEST_CASE("domain: autostart is set and read") {
    MachineWorld w;
    CHECK_FALSE(w.look().attributes.flag("autostart", true));
    REQUIRE(w.update(w.wanted(), {"autostart"}).attributes);
    CHECK(w.look().attributes.flag("autostart"));
}

TEST_CASE("domain: another key is refused for an existing guest, another path of the key is not") {
    MachineWorld w;
    const auto key = [](const char* path, const char* line) {
        return Value::map({{"private_key_file", path}, {"public_key", line}});
    };
    const Outcome other =
        w.update(w.wanted().with("ssh_key", key("/k", "ssh-ed25519 B me")), {"ssh_key"});
    REQUIRE(other.error);
    CHECK(other.error->message.find("a different SSH key") != std::string::npos);
    const Outcome moved =
        w.update(w.wanted().with("ssh_key", key("/new", "ssh-ed25519 A renamed")), {"ssh_key"});
    REQUIRE(moved.attributes);
    CHECK((*moved.attributes)["connection"].text("private_key_file") == "/new");
}

TEST_CASE("domain: removed with its files and its lease; a second removal does nothing") {
    MachineWorld w(MachineWorld::volume(".console.log.0"));
    REQUIRE(w.remove("libvirt.domain", w.wanted(), "node").attributes);
    CHECK(w.look().state == Observation::State::absent); // any file left would make it present
    CHECK(w.remove("libvirt.domain", w.wanted(), "node").attributes);
}

TEST_CASE("domain: undefined by hand, it is incomplete because its disk still exists") {
    const std::string with_domain = MachineWorld::node("");
    const std::size_t at = with_domain.find("<domain");
    World w(with_domain.substr(0, at) + "</node>", TempDir());
    const Value wanted = Value::map({{"name", "node1"}, {"base", Value::map({{"pool", "disks"}})}});
    const Observation seen = w.read("libvirt.domain", wanted, "node");
    REQUIRE(present(seen));
    CHECK_FALSE(seen.attributes.flag("complete", true));
    REQUIRE(w.remove("libvirt.domain", wanted, "node").attributes);
    CHECK(w.read("libvirt.domain", wanted, "node").state == Observation::State::absent);
}

TEST_CASE("domain: undefined by hand, it is defined again on its disk, with its host key") {
    const std::string with_domain = MachineWorld::node("");
    const std::size_t at = with_domain.find("<domain");
    MachineWorld w(RawNode{with_domain.substr(0, at) + "</node>"});
    const Value before = w.wanted().with(
        "connection", w.wanted()["connection"].with("host_key", "ssh-ed25519 AAAAhost"));
    const RecordedResource known = recorded(before, before);
    const Observation seen = w.look(&known);
    REQUIRE(present(seen));
    CHECK(seen.replace_reason.empty());
    const Outcome again = w.apply(Change::Kind::update, "libvirt.domain", "node", before,
                                  w.wanted(), {"running", "complete"});
    REQUIRE_MESSAGE(again.attributes, (again.error ? again.error->message : ""));
    CHECK((*again.attributes)["connection"].text("host_key") == "ssh-ed25519 AAAAhost");
    CHECK(again.steps.front() == "defining the machine again"); // no new disk
    CHECK(w.look().attributes.flag("complete"));
}

TEST_CASE("domain: switched off and without its disk, it is replaced") {
    const std::string whole = MachineWorld::node("");
    const std::string overlay = MachineWorld::volume(".qcow2");
    std::string without = whole;
    without.erase(without.find(overlay), overlay.size());
    MachineWorld w(RawNode{without});
    CHECK(w.look().replace_reason.empty()); // it runs: its data may still be saved
    REQUIRE(w.update(w.wanted().with("running", false), {"running"}).error); // the error says so
    const std::size_t at = without.find("<domain");
    MachineWorld off(RawNode{without.substr(0, at) + "</node>"});
    const RecordedResource known = recorded(off.wanted(), off.wanted());
    CHECK(off.look(&known).replace_reason == "the disk is gone");
    CHECK(off.look(&known).data_gone);
}

TEST_CASE("domain: a lost lease is detected and restored") {
    std::string node = MachineWorld::node("");
    const std::size_t from = node.find("<host"), to = node.find("</dhcp>");
    MachineWorld w(RawNode{node.erase(from, to - from)});
    CHECK_FALSE(w.look().attributes.flag("complete", true));
    REQUIRE(w.update(w.wanted(), {"complete"}).attributes);
    CHECK(w.look().attributes.flag("complete"));
    REQUIRE(w.remove("libvirt.domain", w.wanted(), "node").attributes);
}

TEST_CASE("domain: its own lease with another address is updated") {
    std::string node = MachineWorld::node("");
    node.replace(node.find("ip='10.77.0.11'"), 15, "ip='10.77.0.99'");
    MachineWorld w(RawNode{node});
    CHECK_FALSE(w.look().attributes.flag("complete", true));
    const Outcome out = w.update(w.wanted(), {"complete"});
    REQUIRE_MESSAGE(out.attributes, (out.error ? out.error->message : ""));
    CHECK(w.look().attributes.flag("complete"));
}

TEST_CASE("domain: an IP or MAC address that the network has reserved for another guest") {
    std::string node = MachineWorld::node("");
    node.replace(node.find("name='node1'"), 12, "name='them1'");
    std::string promised = "10.77.0.11";
    SUBCASE("the IP address") {}
    SUBCASE("the MAC address alone") {
        promised = "10.77.0.99";
        node.replace(node.find("ip='10.77.0.11'"), 15, "ip='10.77.0.99'");
    }
    MachineWorld w(RawNode{node});
    const Outcome out = w.update(w.wanted(), {"complete"});
    REQUIRE(out.error);
    CHECK(out.error->kind == ErrorKind::conflict);
    CHECK(out.error->message.find("already reserves " + promised + " for them1 (52:54:00:") !=
          std::string::npos);
}

TEST_CASE("domain: an address outside of the network, or of the host") {
    MachineWorld w;
    const auto with_address = [&](const char* address) {
        return w.update(w.wanted().with("address", address), {"complete"})
            .error.value_or(Error(ErrorKind::failed, "none"));
    };
    CHECK(with_address("10.78.0.11")
              .message.find("not a usable host address in the network 'lab' (10.77.0.0/24)") !=
          std::string::npos);
    CHECK(with_address("10.77.0.255").message.find("not a usable host address in the network") !=
          std::string::npos);
    CHECK(with_address("10.77.0.1").message.find("the libvirt host's own") != std::string::npos);
}

TEST_CASE("domain: invalid configurations") {
    World w;
    const ResourceType& type = *w.registry.type("libvirt.domain");
    const auto first = [&](const Value& config) {
        Diagnostics diagnostics;
        type.check(config, diagnostics);
        return diagnostics.empty() ? std::string() : diagnostics.list().front().message;
    };
    CHECK(first(Value::map({{"name", "a_b"}})).find("not a host name") != std::string::npos);
    CHECK(first(Value::map({{"memory", 2}, {"max_memory", 1}})).find("less than memory") !=
          std::string::npos);
    CHECK(first(Value::map({{"vcpus", 2}, {"max_vcpus", 1}})).find("less than vcpus") !=
          std::string::npos);
    CHECK(first(Value::map({{"boot", "disk"}, {"cmdline", "x"}})).find("cmdline") !=
          std::string::npos);
    CHECK(first(Value::map({{"name", Value::unknown()}, {"memory", Value::unknown()}})) == "");
}
