// Uses libvirt's own test driver: it keeps networks, pools, volumes and domains without any real
// object. It supports neither uploads nor attaching and detaching of devices, so volumes with
// content and new machines with their seeds are covered by real_vm_test.cpp and the end-to-end
// tests instead.
#include "harness.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/handle.h"
#include "providers/libvirt/host_network.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/xml.h"

using namespace hadeploy;
using namespace hadeploy::libvirt;
using namespace hadeploy::libvirt::test;

namespace {

constexpr const char* kNode = R"(<node>
  <network>
    <name>other</name>
    <uuid>11111111-1111-4111-8111-111111111111</uuid>
    <bridge name="virbr9"/>
    <ip address="192.168.99.1" netmask="255.255.255.0"/>
  </network>
  <pool type="dir">
    <name>foreign</name>
    <uuid>22222222-2222-4222-8222-222222222222</uuid>
    <target><path>/nowhere/foreign</path></target>
  </pool>
  <domain type="test">
    <name>theirs</name>
    <uuid>33333333-3333-4333-8333-333333333333</uuid>
    <memory>8192</memory><os><type>hvm</type></os>
  </domain>
</node>)";

/// A libvirt for one test. The state of the test driver lives in the connection, so manual changes
/// have to go through the provider's own connection.
struct World : Harness {
    World() : World(TempDir()) {}
    explicit World(const TempDir& dir) : World(kNode, dir) {}
    World(const std::string& node, const TempDir& dir)
        : Harness("test://" + dir.write("node.xml", node).string()) {}

    Value network(const char* name = "lab", const char* cidr = "10.77.0.0/24") const {
        return config("libvirt.network", Value::map({{"name", name}, {"cidr", cidr}}));
    }
    Value pool() const { return config("libvirt.pool", Value::map({{"name", "disks"}})); }
    Value volume() const {
        return config("libvirt.volume",
                      Value::map({{"name", "data"}, {"pool", "disks"}, {"size", 1 << 30}}));
    }
};

bool present(const Observation& o) {
    return o.state == Observation::State::present && o.foreign.empty();
}

} // namespace

TEST_CASE("network: created, read, removed") {
    World w;
    const Value config = w.network();
    CHECK(w.read("libvirt.network", config, "lab").state == Observation::State::absent);
    const Outcome made = w.create("libvirt.network", config, "lab");
    REQUIRE_MESSAGE(made.attributes, (made.error ? made.error->message : ""));
    CHECK(made.attributes->text("gateway") == "10.77.0.1");
    CHECK(made.attributes->text("bridge").starts_with("hd-"));
    CHECK(made.attributes->flag("active"));

    const Observation seen = w.read("libvirt.network", config, "lab");
    REQUIRE(present(seen));
    for (const char* name : {"name", "cidr", "mode", "dns", "active"}) {
        CAPTURE(name);
        CHECK(seen.attributes[name] == made.attributes->operator[](name));
    }
    // again, as after a crash between the effect and its record
    CHECK(w.create("libvirt.network", config, "lab").attributes);
    CHECK(w.remove("libvirt.network", *made.attributes, "lab").attributes);
    CHECK(w.read("libvirt.network", config, "lab").state == Observation::State::absent);
    CHECK(w.remove("libvirt.network", *made.attributes, "lab").attributes);
}

TEST_CASE("network: of somebody else, with the same name or addresses") {
    World w;
    const Value same_name = w.network("other", "10.1.0.0/24");
    CHECK(w.read("libvirt.network", same_name, "lab").foreign.find("11111111-1111") !=
          std::string::npos);
    const Outcome taken = w.create("libvirt.network", same_name, "lab");
    REQUIRE(taken.error);
    CHECK(taken.error->kind == ErrorKind::conflict);

    const Outcome overlap =
        w.create("libvirt.network", w.network("lab", "192.168.99.128/25"), "lab");
    REQUIRE(overlap.error);
    CHECK(overlap.error->kind == ErrorKind::conflict);
    CHECK(overlap.error->message.find("'other' has 192.168.99.0/24") != std::string::npos);
    // never removed
    CHECK(w.remove("libvirt.network", same_name, "lab").attributes);
    CHECK(w.read("libvirt.network", same_name, "lab").foreign != "");
}

TEST_CASE("after a failed change of a batch, the others are not begun, so that they can be later") {
    struct Batch : ChangeSink {
        std::string ends;
        void progress(std::size_t, std::string_view) override {}
        void done(std::size_t i, Value) override { ends += fmt::format("{} done, ", i); }
        void failed(std::size_t i, Error) override { ends += fmt::format("{} failed, ", i); }
        void not_begun(std::size_t i) override { ends += fmt::format("{} not begun, ", i); }
    } batch;
    World w;
    std::vector<Change> changes;
    for (const Value& config :
         {w.network("one", "10.78.0.0/24"), w.network("two", "192.168.99.0/24"),
          w.network("three", "10.79.0.0/24")})
        changes.push_back({.kind = Change::Kind::create,
                           .address = config.text("name"),
                           .type = w.registry.type("libvirt.network"),
                           .identity = w.identity(config.text("name")),
                           .after = config});
    w.provider->apply(changes, batch);
    CHECK(batch.ends == "0 done, 1 failed, 2 not begun, ");
    CHECK(w.read("libvirt.network", changes[2].after, "three").state == Observation::State::absent);
}

TEST_CASE("network: invalid configurations") {
    World w;
    const ResourceType& type = *w.registry.type("libvirt.network");
    Diagnostics diagnostics;
    type.check(Value::map({{"cidr", "10.77.0.5/24"}}), diagnostics);
    type.check(Value::map({{"cidr", "10.77.0.0/31"}}), diagnostics);
    REQUIRE(diagnostics.list().size() == 2);
    CHECK(diagnostics.list()[0].hint.find("10.77.0.0/24") != std::string::npos);
    type.check(Value::map({{"cidr", Value::unknown()}}), diagnostics);
    CHECK(diagnostics.list().size() == 2);
}

TEST_CASE("pool and empty volume: created, read, removed in the right order") {
    World w;
    const Value pool = w.pool();
    CHECK(pool.text("path") == "/var/lib/libvirt/images/disks");
    REQUIRE(w.create("libvirt.pool", pool, "pool").attributes);
    CHECK(present(w.read("libvirt.pool", pool, "pool")));

    const Value volume = w.volume();
    CHECK(w.read("libvirt.volume", volume, "data").state == Observation::State::absent);
    const Outcome made = w.create("libvirt.volume", volume, "data");
    REQUIRE_MESSAGE(made.attributes, (made.error ? made.error->message : ""));
    CHECK(made.attributes->text("path").starts_with("/var/lib/libvirt/images/disks/data-"));
    CHECK(made.attributes->text("format") == "qcow2");
    const Observation seen = w.read("libvirt.volume", volume, "data");
    REQUIRE(present(seen));
    CHECK(seen.attributes.flag("complete"));
    CHECK(seen.attributes["path"] == made.attributes->operator[]("path"));
    CHECK(w.create("libvirt.volume", volume, "data").attributes->operator[]("path") ==
          seen.attributes["path"]);

    const Outcome early = w.remove("libvirt.pool", pool, "pool");
    REQUIRE(early.error);
    CHECK(early.error->message.find("still holds 1 file") != std::string::npos);
    CHECK(w.remove("libvirt.volume", *made.attributes, "data").attributes);
    CHECK(w.read("libvirt.volume", volume, "data").state == Observation::State::absent);
    CHECK(w.remove("libvirt.pool", pool, "pool").attributes);
    CHECK(w.read("libvirt.pool", pool, "pool").state == Observation::State::absent);
}

TEST_CASE("pool: of somebody else") {
    World w;
    const Value config = w.config("libvirt.pool", Value::map({{"name", "foreign"}}));
    CHECK(w.read("libvirt.pool", config, "pool").foreign.find("22222222") != std::string::npos);
    const Outcome taken = w.create("libvirt.pool", config, "pool");
    REQUIRE(taken.error);
    CHECK(taken.error->kind == ErrorKind::conflict);
    CHECK(w.remove("libvirt.pool", config, "pool").attributes);
    CHECK(w.read("libvirt.pool", config, "pool").foreign != "");
}

TEST_CASE("volume: without a pool, and invalid configurations") {
    World w;
    const Outcome none = w.create("libvirt.volume", w.volume(), "data");
    REQUIRE(none.error);
    CHECK(none.error->message.find("no storage pool 'disks'") != std::string::npos);

    const ResourceType& type = *w.registry.type("libvirt.volume");
    const auto first = [&](const Value& config) {
        Diagnostics diagnostics;
        type.check(config, diagnostics);
        return diagnostics.empty() ? std::string() : diagnostics.list().front().message;
    };
    const std::string sum = "sha256:" + std::string(64, '0');
    CHECK(first(Value::map({})).find("needs content") != std::string::npos);
    CHECK(first(Value::map({{"size", 1}, {"file", "/a"}})).find("only one content") !=
          std::string::npos);
    CHECK(first(Value::map({{"url", "http://a/b"}})).find("needs a checksum") != std::string::npos);
    CHECK(first(Value::map({{"size", 1}, {"checksum", sum}})).find("only allowed with url") !=
          std::string::npos);
    CHECK(first(Value::map({{"url", "ftp://a/b"}, {"checksum", sum}})).find("http") !=
          std::string::npos);
    CHECK(first(Value::map({{"url", "http://a/b"}, {"checksum", "md5:1"}})).find("64 lower-case") !=
          std::string::npos);
    CHECK(first(Value::map({{"url", "http://a/b"}, {"checksum", sum}})) == "");
    CHECK(first(Value::map({{"file", Value::unknown()}})) == "");
}

TEST_CASE("volume: one of somebody else is imported by its file's name") {
    const std::string pool =
        "<node><pool type='dir'><name>disks</name><target><path>/d</path></target>"
        "<volume type='file'><name>cloud.img</name><capacity>1000</capacity>"
        "<target><format type='qcow2'/></target></volume>"
        "<volume type='file'><name>cloud.vmlinuz</name><capacity>1</capacity></volume>"
        "<volume type='file'><name>cloud2.img</name><capacity>1000</capacity></volume>"
        "</pool></node>";
    World w(pool, TempDir());
    const Value config = w.volume();
    CHECK(w.read("libvirt.volume", config, "data").state == Observation::State::absent);
    const auto look = [&](const char* id, const RecordedResource* recorded = nullptr) {
        ReadRequest request = w.request("libvirt.volume", config, "data");
        request.identity = id;
        request.recorded = recorded;
        return w.provider->read({&request, 1}, {}).front();
    };
    CHECK(look("cloud").state == Observation::State::absent);
    const Observation seen = look("cloud.img");
    REQUIRE(present(seen));
    CHECK(seen.attributes.flag("complete"));
    CHECK(seen.attributes.text("path") == "/d/cloud.img");
    CHECK(seen.attributes.text("format") == "qcow2");
    CHECK(seen.attributes.text("kernel") == "/d/cloud.vmlinuz");
    CHECK(seen.attributes.text("initrd") == "");
    const RecordedResource known = recorded(config, config.with_all(seen.attributes));
    CHECK(look("cloud.img", &known).attributes.flag("complete"));

    const auto change = [&](Change::Kind kind) {
        const Change c{.kind = kind,
                       .address = "data",
                       .type = w.registry.type("libvirt.volume"),
                       .identity = "cloud.img",
                       .before = known.attributes,
                       .after = kind == Change::Kind::remove ? Value() : config};
        Outcome out;
        w.provider->apply({&c, 1}, out);
        return out;
    };
    REQUIRE(change(Change::Kind::remove).attributes);
    CHECK(look("cloud.img").state == Observation::State::absent);
    CHECK(present(look("cloud2.img"))); // of somebody else, although the name begins alike
    const Outcome again = change(Change::Kind::create); // it was lost: created with that name
    REQUIRE_MESSAGE(again.attributes, (again.error ? again.error->message : ""));
    CHECK(again.attributes->text("path") == "/d/cloud.img");
    CHECK(change(Change::Kind::remove).attributes);
    CHECK(change(Change::Kind::remove).attributes); // there is nothing to remove
}

TEST_CASE("domain: of somebody else") {
    World w;
    const Value config = Value::map(
        {{"name", "theirs"}, {"network", "lab"}, {"address", "10.77.0.11"}, {"memory", 1 << 30}});
    CHECK(w.read("libvirt.domain", config, "node").foreign.find("33333333") != std::string::npos);
    CHECK(w.remove("libvirt.domain", config, "node").attributes);
    CHECK(w.read("libvirt.domain", config, "node").foreign != "");
}

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
        CHECK(anew.steps.front() == "creating its disk");
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
    CHECK(other.error->message.find("another SSH key") != std::string::npos);
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
    CHECK(again.steps.front() == "defining it again"); // no new disk
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
    CHECK(off.look(&known).replace_reason == "its disk is gone");
    CHECK(off.look(&known).data_gone);
}

TEST_CASE("objects that hold data") {
    const World w;
    const ResourceType& domain = *w.registry.type("libvirt.domain");
    const Value machine = Value::map({{"name", "node1"}, {"uuid", "x"}, {"disk", 5}});
    REQUIRE(domain.held_data(machine));
    CHECK(domain.held_data(machine)->what == "the disk of the machine node1");
    CHECK(domain.held_data(machine)->bytes == 5);
    CHECK_FALSE(domain.held_data(machine.without("disk"))->bytes);
    const ResourceType& volume = *w.registry.type("libvirt.volume");
    REQUIRE(volume.held_data(w.volume()));
    CHECK(volume.held_data(w.volume())->what == "the volume data in the pool disks");
    CHECK(volume.held_data(w.volume())->bytes == 1 << 30);
    const Value image =
        Value::map({{"name", "base"}, {"pool", "disks"}, {"file", "/images/base.qcow2"}});
    CHECK_FALSE(volume.held_data(image)); // its source can provide it again
    for (const char* type : {"libvirt.pool", "libvirt.network"})
        CHECK_FALSE(w.registry.type(type)->held_data(image));
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

TEST_CASE("network: addresses of another network are an error of the plan") {
    const auto look = [](const std::string& metadata, const RecordedResource* recorded) {
        World w(
            "<node><network><name>other</name><uuid>9e54ae45-f5a4-4a3e-9e5c-111111111111</uuid>" +
                metadata +
                "<bridge name='b'/><ip address='192.168.99.1' prefix='24'/></network></node>",
            TempDir());
        const Value config =
            w.config("libvirt.network", Value::map({{"name", "lab"}, {"cidr", "192.168.0.0/16"}}));
        return w.read("libvirt.network", config, "net", recorded);
    };
    const Observation taken = look("", nullptr);
    REQUIRE(taken.state == Observation::State::failed);
    CHECK(taken.error->message == "the addresses 192.168.0.0/16 are in use: libvirt's network "
                                  "'other' has 192.168.99.0/24");
    // The same plan may remove a network of this project; a record may be without an object.
    pugi::xml_document document;
    add_metadata(document.append_child("network"), "demo", "old");
    CHECK(look(to_text(document.child("network").first_child()), nullptr).state ==
          Observation::State::absent);
    const RecordedResource known = recorded(Value::map({}), Value::map({}));
    CHECK(look("", &known).state == Observation::State::absent);
}

TEST_CASE("network: address ranges of this host") {
    const std::vector<HostRange> ranges = ranges_of_this_host();
    CHECK(std::any_of(ranges.begin(), ranges.end(), [](const HostRange& r) {
        return r.interface == "lo" && r.cidr.text() == "127.0.0.0/8";
    }));
    CHECK(ranges_of_libvirts_host("qemu+ssh://root@host/system").empty());
}

TEST_CASE("volume: a plan reports a file that is not a disk image") {
    const TempDir dir;
    World w("<node/>", TempDir());
    const auto wrong = [&](const std::filesystem::path& file) {
        Diagnostics diagnostics;
        w.registry.type("libvirt.volume")
            ->check_making(Value::map({{"pool", "p"}, {"file", file.string()}}), diagnostics);
        return diagnostics.empty() ? "" : diagnostics.list()[0].message;
    };
    CHECK(wrong(dir.path() / "none").find("none") != std::string::npos);
    CHECK(wrong(dir.write("x.xz", "\xfd"
                                  "7zXZ..."))
              .find("xz-compressed") != std::string::npos);
    CHECK(wrong(dir.write("x.raw", "raw")) == "");
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
    CHECK(out.error->message.find("has reserved " + promised + " for them1 (52:54:00:") !=
          std::string::npos);
}

TEST_CASE("domain: an address outside of the network, or of the host") {
    MachineWorld w;
    const auto with_address = [&](const char* address) {
        return w.update(w.wanted().with("address", address), {"complete"})
            .error.value_or(Error(ErrorKind::failed, "none"));
    };
    CHECK(with_address("10.78.0.11")
              .message.find("not an address of the network 'lab' (10.77.0.0/24)") !=
          std::string::npos);
    CHECK(with_address("10.77.0.255").message.find("not an address of the network") !=
          std::string::npos);
    CHECK(with_address("10.77.0.1").message.find("the host's own") != std::string::npos);
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

TEST_CASE("the number of calls of a no-op read does not grow with the resources") {
    World w;
    std::vector<ReadRequest> requests;
    const auto calls_for = [&](int count) {
        requests.clear();
        for (int i = 0; i < count; ++i)
            requests.push_back(
                w.request("libvirt.domain",
                          Value::map({{"name", "node" + std::to_string(i)}, {"memory", 1 << 30}}),
                          "node" + std::to_string(i)));
        const std::int64_t before = counters().calls;
        w.provider->read(requests, {});
        return counters().calls - before;
    };
    const std::int64_t one = calls_for(1);
    CHECK(one > 0);
    CHECK(calls_for(20) == one);
}

TEST_CASE("a missing libvirt is unreachable, with a hint") {
    Registry registry;
    add_libvirt(registry);
    try {
        registry.provider("libvirt")->open(
            {.key = "x",
             .machine = "",
             .config = Value::map({{"uri", "qemu+unix:///system?socket=/nowhere/libvirt-sock"}})},
            {});
        FAIL("connected");
    } catch (const Error& e) {
        CHECK(e.kind == ErrorKind::unreachable);
        CHECK(e.message.find("/nowhere/libvirt-sock") != std::string::npos);
        CHECK(e.hint.find("start libvirtd") != std::string::npos);
    }
}
