// Uses libvirt's own test driver: it keeps networks, pools, volumes and domains without any real
// object. It supports neither uploads nor attaching and detaching of devices, so volumes with
// content and new machines with their seeds are covered by real_vm_test.cpp and the end-to-end
// tests instead.
#include "driver_world.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/handle.h"
#include "providers/libvirt/host_network.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/requirements.h"
#include "providers/libvirt/xml.h"

#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::libvirt;
using namespace hadeploy::libvirt::test;

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
    w.endpoint->apply(changes, batch);
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
    CHECK(first(Value::map({})).find("needs one of") != std::string::npos);
    CHECK(first(Value::map({{"size", 1}, {"file", "/a"}})).find("only one of") !=
          std::string::npos);
    CHECK(first(Value::map({{"url", "http://a/b"}})).find("needs a checksum") != std::string::npos);
    CHECK(first(Value::map({{"size", 1}, {"checksum", sum}})).find("only allowed with `url`") !=
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
        return w.endpoint->read({&request, 1}, {}).front();
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
        w.endpoint->apply({&c, 1}, out);
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
        w.endpoint->read(requests, {});
        return counters().calls - before;
    };
    const std::int64_t one = calls_for(1);
    CHECK(one > 0);
    CHECK(calls_for(20) == one);
}

TEST_CASE("machines that run already need no available memory") {
    MemoryNeed need{.needed = 6, .total = 8, .available = 1};
    CHECK_FALSE(is_met(need));
    need.in_use = 4;
    CHECK_FALSE(is_met(need));
    need.in_use = 5;
    CHECK(is_met(need));
    need.needed = need.in_use = 9; // more than the host has
    CHECK_FALSE(is_met(need));
    CHECK(is_met({.needed = 8, .total = 8})); // a remote host
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
