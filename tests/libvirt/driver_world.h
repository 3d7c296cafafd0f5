#pragma once

#include "harness.h"

namespace hadeploy::libvirt::test {

inline constexpr const char* kNode = R"(<node>
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

inline bool present(const Observation& o) {
    return o.state == Observation::State::present && o.foreign.empty();
}

} // namespace hadeploy::libvirt::test
