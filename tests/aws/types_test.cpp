// What a plan says about configs before AWS is asked.
#include "aws/problems.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;
using aws::test::said_of;

namespace {

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
    CHECK(registry.types().size() == 24);
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
            CHECK(a.name != "type"); // of the resource
            CHECK_FALSE((a.filled && (a.computed || a.required || a.default_value)));
        }
    }
}

TEST_CASE("aws types: what AWS charges for is named, without prices") {
    Registry registry;
    aws::add_aws(registry);
    const auto costs = [&](const char* type, const Value& config) {
        return registry.type(type)->costs(config);
    };
    const std::int64_t gib = std::int64_t{1} << 30;
    const Value machine = Value::map({{"instance_type", "t3.micro"}});
    CHECK(costs("aws.instance", machine) == "t3.micro");
    CHECK(costs("aws.instance",
                machine.with("public_ip", true)
                    .with("root_volume", Value::map({{"size", 8 * gib}, {"type", "gp3"}}))) ==
          "t3.micro, 8 GiB gp3, public IPv4 address");
    CHECK(costs("aws.instance", Value::map({{"instance_type", Value("t3.micro").as_secret()}})) ==
          "(secret)");
    CHECK(costs("aws.instance", Value::map({{"instance_type", Value::unknown()}})) == "?");
    CHECK(costs("aws.volume", Value::map({{"size", 20 * gib},
                                          {"volume_type", "gp3"},
                                          {"iops", 4000},
                                          {"throughput", 250}})) ==
          "20 GiB gp3, 4000 IOPS, 250 MiB/s");
    CHECK(costs("aws.db_instance", Value::map({{"instance_class", "db.t4g.micro"},
                                               {"storage", 20 * gib},
                                               {"storage_type", "gp3"},
                                               {"multi_az", true}})) ==
          "db.t4g.micro, 20 GiB gp3, standby");
    CHECK(costs("aws.load_balancer", Value::map({{"balancer_type", "network"}})) ==
          "network load balancer");
    CHECK(costs("aws.classic_load_balancer", Value::map({})) == "classic load balancer");
    CHECK(costs("aws.eip", Value::map({})) == "public IPv4 address");
    CHECK(costs("aws.efs", Value::map({{"throughput_mode", "elastic"}})) ==
          "file system by its contents, elastic throughput");
    CHECK(costs("aws.autoscaling_group", Value::map({{"min", 1}, {"max", 4}})) ==
          "1 to 4 instances");
    for (const char* free : {"aws.vpc", "aws.subnet", "aws.security_group", "aws.key_pair",
                             "aws.launch_template", "aws.target_group"})
        CHECK(costs(free, Value::map({})) == "");
}

TEST_CASE("aws.security_group: ports and protocols are checked") {
    const Value from = Value::list({"10.0.0.0/8"});
    CHECK(said_of("aws.security_group",
                  group_with(Value::map({{"ports", "80"}, {"peers", from}}))) == "");
    CHECK(said_of("aws.security_group",
                  group_with(Value::map({{"ports", "80,443"}, {"peers", from}}))) ==
          "\"80,443\" is not a port or a port range\n");
    CHECK(
        said_of("aws.security_group",
                group_with(Value::map({{"protocol", "icmp"}, {"ports", "8"}, {"peers", from}}))) ==
        "the protocol icmp does not have ports\n");
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

TEST_CASE("aws.route_table: a route leads to a route target") {
    const auto to = [](const char* target) {
        return said_of(
            "aws.route_table",
            Value::map({{"vpc", "vpc-1"}, {"routes", Value::map({{"0.0.0.0/0", target}})}}));
    };
    for (const char* good : {"igw-1", "nat-1", "i-1", "eni-1", "pcx-1", "tgw-1", "vgw-1"})
        CHECK(to(good) == "");
    CHECK(to("vpc-1") == "\"vpc-1\" is not the ID of a route target\n");
}

TEST_CASE("aws.volume: sizes have no parts of a GiB, and an attachment has a device") {
    constexpr std::int64_t gib = std::int64_t{1} << 30;
    CHECK(said_of("aws.volume", volume_of(gib)) == "");
    CHECK(said_of("aws.volume", volume_of(gib + 1)) ==
          "the size of a volume must be a whole number of GiB\n");
    CHECK(said_of("aws.volume", volume_of(gib / 2)) != "");
    CHECK(said_of("aws.volume", volume_of(gib).with("instance", "i-1")) ==
          "missing \"device\", the device name of the volume in the instance\n");
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
    CHECK(said("10.0.0.0/15") == "\"10.0.0.0/15\" is not a CIDR range that EC2 accepts\n"
                                 "\"10.0.0.0/15\" is not a CIDR range that EC2 accepts\n");
    CHECK(said("10.0.0.0/29") != "");
}

namespace {

/// The problems of the settings of the provider.
std::string settings_problems(const Value& settings) {
    Registry registry;
    aws::add_aws(registry);
    const Provider& provider = *registry.provider("aws");
    Diagnostics problems;
    const Value normal = normalize(provider.schema, settings, "aws", {}, {}, problems);
    if (problems.empty()) provider.check(normal, problems);
    std::string out;
    for (const Error& e : problems.list()) out += e.message + "\n";
    return out;
}

std::string tags_problems(const Value& tags) {
    const std::string of_type =
        said_of("aws.vpc", Value::map({{"cidr", "10.0.0.0/16"}, {"tags", tags}}));
    CHECK(of_type == settings_problems(Value::map({{"tags", tags}})));
    return of_type;
}

Value many_tags(int count) {
    Value out = Value::map({});
    for (int i = 0; i < count; ++i) out = out.with(fmt::format("t{}", i), "x");
    return out;
}

constexpr const char* kPublicKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8xQ0eSxQ3bWcG0yPzO0S1k3bqTzv7m2m0wq1lQm1Xr";

std::string key_problems(const std::string& key) {
    return said_of("aws.key_pair", Value::map({{"name", "login"}, {"public_key", key}}));
}

std::string group_problems(const Value& changes) {
    return said_of("aws.security_group",
                   Value::map({{"name", "web"}, {"vpc", "vpc-1"}}).with_all(changes));
}

std::string peer_problems(const char* peer) {
    return group_problems(Value::map(
        {{"ingress",
          Value::list({Value::map({{"ports", "80"}, {"peers", Value::list({peer})}})})}}));
}

std::string disk_problems(const char* type, std::int64_t gib, const Value& changes) {
    const Value volume = volume_of(gib << 30).with("volume_type", type).with_all(changes);
    Value root = volume.without("availability_zone").without("volume_type").with("type", type);
    const std::string of_volume = said_of("aws.volume", volume);
    CHECK(of_volume ==
          said_of("aws.instance", Value::map({{"image", "ami-1"},
                                              {"instance_type", "t3.micro"},
                                              {"subnet", "subnet-1"},
                                              {"security_groups", Value::list({"sg-1"})},
                                              {"root_volume", root}})));
    return of_volume;
}

} // namespace

TEST_CASE("aws: tags that AWS or hadeploy keep, and tags beyond AWS's limits") {
    CHECK(tags_problems(Value::map({{"Name", "x"}, {"awsome", ""}, {"a:b", "\u00e4 c"}})) == "");
    CHECK(tags_problems(Value::map({{"hadeploy:identity", "x"}})) ==
          "the tag \"hadeploy:identity\" is reserved for hadeploy's own tags\n");
    CHECK(tags_problems(Value::map({{"AWS:x", "x"}})) == "the tag \"AWS:x\" is reserved for AWS\n");
    CHECK(tags_problems(Value::map({{"", "x"}})) == "a tag has an empty key\n");
    std::string umlauts;
    for (int i = 0; i < 128; ++i) umlauts += "\u00e4";
    CHECK(tags_problems(Value::map({{umlauts, umlauts + umlauts}})) == "");
    CHECK(tags_problems(Value::map({{umlauts + "a", "x"}}))
              .ends_with("has 129 characters (at most 128)\n"));
    CHECK(tags_problems(Value::map({{"k", umlauts + umlauts + "a"}})) ==
          "the value of the tag \"k\" has 257 characters (at most 256)\n");
    CHECK(tags_problems(Value::map({{"k", "a\nb"}})) ==
          "the value of the tag \"k\" contains a control character\n");
    CHECK(tags_problems(many_tags(47)) == "");
    CHECK(tags_problems(many_tags(48)) ==
          "there are 48 tags (at most 47: AWS allows 50, of which hadeploy uses 3)\n");
}

TEST_CASE("aws: settings of the provider are checked before anything is sent") {
    CHECK(settings_problems(Value::map({{"region", "eu-central-1"}})) == "");
    CHECK(settings_problems(Value::map({{"region", "evil.com/"}})) ==
          "\"evil.com/\" is not an AWS region\n");
    CHECK(settings_problems(Value::map({{"endpoint", "127.0.0.1:5000"}})) ==
          "the endpoint does not begin with https:// or http://\n");
    CHECK(settings_problems(Value::map({{"profile", "a\nb"}})) ==
          "the profile contains a control character\n");
    const auto role = [](const char* arn, const char* session) {
        return settings_problems(
            Value::map({{"assume_role", Value::map({{"role", arn}, {"session", session}})}}));
    };
    CHECK(role("arn:aws-cn:iam::1:role/a/b", "me@here") == "");
    CHECK(role("deploy", "me here") == "\"deploy\" is not the ARN of a role\n"
                                       "the name of a session contains \" \", which AWS does not "
                                       "allow\n");
}

TEST_CASE("aws: regions and availability zones of resources") {
    const auto said = [](const char* region, const char* zone) {
        return said_of("aws.volume",
                       volume_of(1 << 30).with("region", region).with("availability_zone", zone));
    };
    CHECK(said("eu-central-1", "eu-central-1a") == "");
    CHECK(said("us-west-2", "us-west-2-lax-1a") == "");
    CHECK(said("eu-central-1", "eu-west-1a") ==
          "the availability zone \"eu-west-1a\" is not in the region \"eu-central-1\"\n");
    CHECK(said("eu-central-1", "eu-central-1") != "");
    CHECK(said("eu-west-1", "eu-central-1a") != "");
    CHECK(said("eu-central-1", "Eu Central") == "\"Eu Central\" is not an availability zone\n");
    CHECK(said("EU", "eu-central-1a") == "\"EU\" is not an AWS region\n");
}

TEST_CASE("aws.security_group: peers, names and descriptions that AWS refuses") {
    for (const char* good :
         {"self", "sg-0123abc", "pl-1", "10.0.0.0/8", "10.1.2.3/8", "::/0", "2001:DB8::0/32"})
        CHECK(peer_problems(good) == "");
    for (const char* bad : {"10.0.0.1", "10.0.0.0/33", "web", "sg-", "sg-a b", "", "::1"})
        CHECK(peer_problems(bad) != "");
    CHECK(group_problems(Value::map({{"name", "Default"}})) ==
          "\"Default\" cannot be the name of a security group\n");
    CHECK(group_problems(Value::map({{"name", "sg-web"}})) != "");
    CHECK(group_problems(Value::map({{"name", "a|b"}})) ==
          "the name of a security group contains \"|\", which AWS does not allow\n");
    CHECK(group_problems(Value::map({{"description", std::string(256, 'x')}})) ==
          "the description has 256 characters (at most 255)\n");
    CHECK(group_problems(Value::map({{"description", ""}})) ==
          "the description of a security group cannot be empty\n");
    CHECK(group_problems(Value::map({{"vpc", "network"}})) ==
          "\"network\" is not the ID of a VPC\n");
}

TEST_CASE("aws.security_group: a rule has one description") {
    const auto rules = [](const char* ports, const char* peer, const char* description) {
        const Value first = Value::map({{"ports", "80"},
                                        {"peers", Value::list({"10.0.0.0/8", "sg-1"})},
                                        {"description", "a"}});
        const Value second = Value::map(
            {{"ports", ports}, {"peers", Value::list({peer})}, {"description", description}});
        return group_problems(Value::map({{"ingress", Value::list({first, second})}}));
    };
    CHECK(rules("80", "10.0.0.0/8", "a") == "");
    CHECK(rules("81", "10.0.0.0/8", "b") == "");
    CHECK(rules("80", "10.0.0.0/9", "b") == "");
    CHECK(rules("80-80", "10.9.9.9/8", "b") ==
          "ingress[0] and ingress[1] are the same rule (tcp 80, 10.0.0.0/8) with different "
          "descriptions\n");
}

TEST_CASE("aws.security_group: halves of the Internet are warned about like the whole") {
    const auto warned = [](const char* peer) {
        return said_of("aws.security_group",
                       group_with(Value::map({{"ports", "22"}, {"peers", Value::list({peer})}})));
    };
    CHECK(warned("128.0.0.0/1") ==
          "warning: port 22 is open to a large part of the Internet (128.0.0.0/1)\n");
    CHECK(warned("0.0.0.0/1") != "");
    CHECK(warned("2000::/3") != "");
    CHECK(warned("10.0.0.0/8") == "");
    CHECK(warned("fc00::/7") == "");
    // what is not known yet is no rule for all ports
    CHECK(said_of("aws.security_group",
                  group_with(Value::map({{"ports", Value::unknown()},
                                         {"peers", Value::list({"0.0.0.0/0"})}}))) == "");
}

TEST_CASE("aws.key_pair: only a public key in OpenSSH's format is sent, and no other is shown") {
    CHECK(key_problems(kPublicKey) == "");
    CHECK(key_problems(std::string(kPublicKey) + " me@here") == "");
    const std::string secret = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
    for (const std::string& bad : {"-----BEGIN RSA PRIVATE KEY-----" + secret, secret,
                                   "-----BEGIN OPENSSH PRIVATE KEY-----\n" + secret})
        CHECK(key_problems(bad).find(secret.substr(0, 12)) == std::string::npos);
    CHECK(key_problems(secret) == "this is a private key, not a public one\n");
    CHECK(key_problems("my key") == "this is not a public key in OpenSSH's format\n");
    CHECK(key_problems("ecdsa-sha2-nistp256 AAAA") ==
          "EC2 does not accept keys of type \"ecdsa-sha2-nistp256\"\n");
    const std::string whole = kPublicKey;
    for (const std::string& bad : {whole.substr(0, whole.size() - 4), std::string("ssh-ed25519"),
                                   "ssh-rsa" + whole.substr(11), std::string("ssh-rsa !!!")})
        CHECK(key_problems(bad) == "the public key is truncated or has a typing error\n");
    CHECK(said_of("aws.key_pair",
                  Value::map({{"name", std::string(256, 'x')}, {"public_key", kPublicKey}})) ==
          "the name of a key pair has 256 characters (at most 255)\n");
}

TEST_CASE("aws.volume and root volumes: the ranges of each type") {
    const auto with = [](std::int64_t iops, std::int64_t throughput = 0) {
        Value out = Value::map({{"iops", iops}});
        return throughput == 0 ? out : out.with("throughput", throughput);
    };
    CHECK(disk_problems("gp3", 1, {}) == "");
    CHECK(disk_problems("gp3", 1, with(3000)) == "");
    CHECK(disk_problems("gp3", 200, with(80000, 2000)) == "");
    CHECK(disk_problems("io1", 4, with(200)) == "");
    CHECK(disk_problems("st1", 125, {}) == "");
    CHECK(disk_problems("gp4", 1, {}) == "\"gp4\" is not a volume type\n");
    CHECK(disk_problems("gp2", 16385, {}) ==
          "the size in GiB for type gp2 must be between 1 and 16384, got 16385\n");
    CHECK(disk_problems("st1", 124, {}) != "");
    CHECK(disk_problems("gp3", 100, with(2999)) == "`iops` for type gp3, at this size, must be "
                                                   "between 3000 and 50000, got 2999\n");
    CHECK(disk_problems("io2", 4, with(4001)) != "");
    CHECK(disk_problems("io1", 4, {}) == "a volume of type io1 needs `iops`\n");
    CHECK(disk_problems("gp2", 4, with(3000)) == "`iops` cannot be set for volumes of type gp2\n");
    CHECK(disk_problems("gp3", 100, Value::map({{"throughput", 751}})) ==
          "throughput, with these iops, must be between 125 and 750, got 751\n");
    CHECK(disk_problems("io2", 4, with(100, 200)) ==
          "`throughput` cannot be set for volumes of type io2\n");
}

TEST_CASE("aws.instance: IDs, types, profiles and user data that AWS refuses") {
    const auto said = [](const char* name, const Value& value) {
        return said_of("aws.instance", Value::map({{"image", "ami-1"},
                                                   {"instance_type", "t3.micro"},
                                                   {"subnet", "subnet-1"},
                                                   {"security_groups", Value::list({"sg-1"})}})
                                           .with(name, value));
    };
    for (const char* good : {"t3.micro", "u7in-16tb.224xlarge", "m7i-flex.large", "c5.metal"})
        CHECK(said("instance_type", good) == "");
    for (const char* bad : {"micro", "t3.", ".micro", "T3.micro", "t3 micro", "t3.micro.x"})
        CHECK(said("instance_type", bad).ends_with("is not an instance type\n"));
    CHECK(said("image", "debian-13") == "\"debian-13\" is not the ID of an image\n");
    CHECK(said("subnet", "vpc-1") == "\"vpc-1\" is not the ID of a subnet\n");
    CHECK(said("security_groups", Value::list({"web"})) ==
          "\"web\" is not the ID of a security group\n");
    CHECK(said("iam_profile", "a/b") ==
          "the name of an instance profile contains \"/\", which AWS does not allow\n");
    CHECK(said("user_data", std::string(16 * 1024, 'x')) == "");
    CHECK(said("user_data", std::string(16 * 1024 + 1, 'x')) ==
          "the user data has 16385 bytes (at most 16384)\n");
    CHECK(said("subnet", Value::unknown()) == "");
}

TEST_CASE("aws.route_table: a destination is a range as EC2 writes it") {
    const auto to = [](const char* destination) {
        return said_of(
            "aws.route_table",
            Value::map({{"vpc", "vpc-1"}, {"routes", Value::map({{destination, "igw-1"}})}}));
    };
    CHECK(to("0.0.0.0/0") == "");
    CHECK(to("10.1.2.0/8") == "\"10.1.2.0/8\" has bits beyond its prefix length\n");
    CHECK(to("::/0") == "\"::/0\" is not an IPv4 CIDR range\n");
    CHECK(to("all") == "\"all\" is not an IPv4 CIDR range\n");
}

TEST_CASE("aws.image: owners are accounts") {
    const auto by = [](const char* owner) {
        return said_of("aws.image", Value::map({{"owner", owner}, {"name", "debian-*"}}));
    };
    for (const char* good : {"136693071363", "amazon", "self"}) CHECK(by(good) == "");
    CHECK(by("36693071363") == "\"36693071363\" is not an owner of images\n");
}
