// What a plan says about configs before AWS is asked.
#include "provider_api/normalize.h"
#include "providers/aws-ec2/aws.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;

namespace {

/// All problems of a config, and its warnings, one a line.
std::string said_of(const char* type_name, const Value& config) {
    Registry registry;
    aws::add_aws(registry);
    const ResourceType& type = *registry.type(type_name);
    Diagnostics problems, warnings;
    const Value normal = normalize(type.schema, config, "it", {}, {}, problems);
    if (problems.empty()) type.check(normal, problems);
    if (problems.empty()) type.warn(normal, warnings);
    std::string out;
    for (const Error& e : problems.list()) out += e.message + "\n";
    for (const Error& e : warnings.list()) out += "warning: " + e.message + "\n";
    return out;
}

Value group_with(const Value& rule) {
    return Value::map({{"name", "web"}, {"vpc", "vpc-1"}, {"ingress", Value::list({rule})}});
}

Value volume_of(std::int64_t size) {
    return Value::map({{"availability_zone", "eu-central-1a"}, {"size", size}});
}

} // namespace

TEST_CASE("aws types: every type is documented and has an example of itself") {
    Registry registry;
    aws::add_aws(registry);
    CHECK(registry.types().size() == 12);
    for (const auto& type : registry.types()) {
        CAPTURE(type->name);
        CHECK(type->name.starts_with("aws."));
        CHECK_FALSE(type->summary.empty());
        CHECK_FALSE(type->doc.empty());
        CHECK(type->example.find("type: " + type->name) != std::string::npos);
        CHECK((type->data || !type->import_id.empty()));
        for (const Attribute& a : type->schema) {
            CAPTURE(a.name);
            CHECK_FALSE(a.doc.empty());
            CHECK_FALSE((a.filled && (a.computed || a.required || a.default_value)));
        }
    }
}

TEST_CASE("aws.security_group: ports and protocols are checked") {
    const Value from = Value::list({"10.0.0.0/8"});
    CHECK(said_of("aws.security_group",
                  group_with(Value::map({{"ports", "80"}, {"peers", from}}))) == "");
    CHECK(said_of("aws.security_group",
                  group_with(Value::map({{"ports", "80,443"}, {"peers", from}}))) ==
          "\"80,443\" is not a port or a range of ports\n");
    CHECK(
        said_of("aws.security_group",
                group_with(Value::map({{"protocol", "icmp"}, {"ports", "8"}, {"peers", from}}))) ==
        "the protocol icmp has no ports\n");
    CHECK(said_of("aws.security_group", group_with(Value::map({{"ports", "80"}}))) ==
          "it: ingress[0]: missing \"peers\" (list(string))\n");
}

TEST_CASE("aws.security_group: SSH and databases that are open to everybody are a warning") {
    const auto open_to = [](const Value& ports, const char* peer) {
        Value rule = Value::map({{"peers", Value::list({peer})}});
        if (!ports.is_null()) rule = rule.with("ports", ports);
        return said_of("aws.security_group", group_with(rule));
    };
    CHECK(open_to("22", "0.0.0.0/0") ==
          "warning: port 22 is open to the whole Internet (0.0.0.0/0)\n");
    CHECK(open_to("3000-4000", "::/0") ==
          "warning: port 3306 is open to the whole Internet (::/0)\n");
    CHECK(open_to({}, "0.0.0.0/0") != "");
    CHECK(open_to("443", "0.0.0.0/0") == "");
    CHECK(open_to("22", "198.51.100.0/24") == "");
    CHECK(open_to("22", "sg-1") == "");
}

TEST_CASE("aws.route_table: a target has the ID of something that routes") {
    const auto to = [](const char* target) {
        return said_of(
            "aws.route_table",
            Value::map({{"vpc", "vpc-1"}, {"routes", Value::map({{"0.0.0.0/0", target}})}}));
    };
    for (const char* good : {"igw-1", "nat-1", "i-1", "eni-1", "pcx-1", "tgw-1", "vgw-1"})
        CHECK(to(good) == "");
    CHECK(to("vpc-1") == "\"vpc-1\" is not the ID of something that routes\n");
}

TEST_CASE("aws.volume: sizes have no parts of a GiB, and an attachment has a device") {
    constexpr std::int64_t gib = std::int64_t{1} << 30;
    CHECK(said_of("aws.volume", volume_of(gib)) == "");
    CHECK(said_of("aws.volume", volume_of(gib + 1)) ==
          "the size of a volume is a whole number of GiB\n");
    CHECK(said_of("aws.volume", volume_of(gib / 2)) != "");
    CHECK(said_of("aws.volume", volume_of(gib).with("instance", "i-1")) ==
          "missing \"device\", under which the instance sees the volume\n");
}

TEST_CASE("aws.instance: only another type restarts it, and its connection is known to come") {
    Registry registry;
    aws::add_aws(registry);
    const ResourceType& type = *registry.type("aws.instance");
    const Value small = Value::map({{"instance_type", "t3.small"}, {"running", true}});
    CHECK(type.machine);
    CHECK(type.restarts(small, small.with("instance_type", "t3.large")));
    CHECK_FALSE(type.restarts(small.with("running", false), small.with("instance_type", "x")));
    CHECK_FALSE(type.restarts(small, small.with("metadata_tokens", "required")));
    const Value connection = type.derive(Value::map({{"user", "admin"}}))["connection"];
    CHECK(connection["address"].is_unknown());
    CHECK(connection.text("user") == "admin");
    CHECK(type.held_data(Value::map({{"id", "i-1"}}))->what ==
          "the root volume of the instance i-1");
}

TEST_CASE("aws.vpc and aws.subnet: the range has a size that EC2 accepts") {
    const auto said = [](const char* cidr) {
        return said_of("aws.vpc", Value::map({{"cidr", cidr}})) +
               said_of("aws.subnet", Value::map({{"vpc", "vpc-1"}, {"cidr", cidr}}));
    };
    CHECK(said("10.0.0.0/16") + said("10.0.0.0/28") == "");
    CHECK(said("10.0.0.0/15") == "\"10.0.0.0/15\" is not a range that EC2 accepts\n"
                                 "\"10.0.0.0/15\" is not a range that EC2 accepts\n");
    CHECK(said("10.0.0.0/29") != "");
}
