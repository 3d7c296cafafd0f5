#include "core/secrecy.h"
#include "providers/aws-ec2/address_range.h"
#include "providers/aws-ec2/ec2_type.h"

#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

bool vpc_attribute(Region& region, const std::string& id, const char* attribute) {
    const auto answer = region.read(
        "DescribeVpcAttribute", Params().add("VpcId", id).add("Attribute", std::string(attribute)));
    const std::string_view value = root_of(*answer).child(attribute).child_value("value");
    if (value != "true" && value != "false")
        throw wrong_answer(
            "ec2:DescribeVpcAttribute",
            fmt::format("the response has no <{}> that is true or false", attribute));
    return value == "true";
}

/// EC2's networks and subnets have 16 to 65,536 addresses (CreateVpc, CreateSubnet).
void check_range(const Value& cidr, Diagnostics& problems) {
    if (!cidr.is_string()) return;
    const auto range = AddressRange::parse(cidr.as_string());
    if (!range || range->length() < 16 || range->length() > 28)
        problems
            .add(fmt::format("{} is not a CIDR range that EC2 accepts", quoted(cidr)), cidr.loc())
            .with_hint("use a prefix from /16 to /28");
}

class Vpc final : public Ec2Type {
  public:
    Vpc();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_range(config["cidr"], problems);
    }
    Value observed(Region& region, const Item& item, const Value&) const override {
        const std::string id = item.text("vpcId");
        return Value::map({{"cidr", item.required("cidrBlock")},
                           {"dns_support", vpc_attribute(region, id, "enableDnsSupport")},
                           {"dns_hostnames", vpc_attribute(region, id, "enableDnsHostnames")}});
    }
    std::string unready(const Item& item, const Value&) const override {
        const std::string state = item.text("state");
        return state == "available" ? "" : "waiting for the VPC, which is " + state;
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("CidrBlock", change.after.text("cidr"));
        const auto answer = region.change("CreateVpc", params, false);
        return root_of(*answer).child("vpc").child_value("vpcId");
    }
    bool needs_more(const Value& config) const override {
        return config.flag("dns_hostnames") || !config.flag("dns_support", true);
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        const auto set = [&](const char* name, const char* parameter) {
            if (changes_from(before, after, name))
                region.change("ModifyVpcAttribute",
                              Params()
                                  .add("VpcId", item.text("vpcId"))
                                  .add(std::string(parameter) + ".Value", after.flag(name)),
                              true);
        };
        set("dns_support", "EnableDnsSupport"); // required for host names
        set("dns_hostnames", "EnableDnsHostnames");
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("DeleteVpc", Params().add("VpcId", id), true);
    }
};

Vpc::Vpc()
    : Ec2Type({.noun = "VPC",
               .describe = "DescribeVpcs",
               .set = "vpcSet",
               .id = "vpcId",
               .id_filter = "vpc-id",
               .tagged = "vpc",
               .page = 1000}) {
    name = "aws.vpc";
    summary = "A virtual network";
    doc = "An isolated network with one range of IPv4 addresses.\n\n"
          "Detected and repaired: DNS settings and tags; a VPC that is gone is created again. "
          "Destroy waits up to ten minutes until nothing uses it.";
    import_id = "the VPC ID (vpc-...)";
    example = "network:\n"
              "  type: aws.vpc\n"
              "  cidr: 10.20.0.0/16\n"
              "  tags: {Name: ha-web}\n";
    schema = with_common({
        {.name = "cidr",
         .type = TypeKind::cidr,
         .doc = "CIDR range of the network, from /16 to /28.",
         .required = true,
         .replaces = true},
        {.name = "dns_support",
         .type = TypeKind::boolean,
         .doc = "Whether AWS's DNS server answers queries in the network.",
         .default_value = Value(true)},
        {.name = "dns_hostnames",
         .type = TypeKind::boolean,
         .doc = "Whether instances with public addresses get public DNS names.",
         .default_value = Value(false)},
    });
}

class Subnet final : public Ec2Type {
  public:
    Subnet();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_id(config["vpc"], "vpc-", "a VPC", problems);
        check_range(config["cidr"], problems);
    }
    Value observed(Region&, const Item& item, const Value&) const override {
        return Value::map({{"vpc", item.required("vpcId")},
                           {"cidr", item.required("cidrBlock")},
                           {"availability_zone", item.required("availabilityZone")},
                           {"public_ip", item.text("mapPublicIpOnLaunch") == "true"}});
    }
    std::string unready(const Item& item, const Value&) const override {
        const std::string state = item.text("state");
        return state == "available" ? "" : "waiting for the subnet, which is " + state;
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("VpcId", change.after.text("vpc")).add("CidrBlock", change.after.text("cidr"));
        if (const std::string zone = change.after.text("availability_zone"); !zone.empty())
            params.add("AvailabilityZone", zone);
        const auto answer = region.change("CreateSubnet", params, false);
        return root_of(*answer).child("subnet").child_value("subnetId");
    }
    bool needs_more(const Value& config) const override { return config.flag("public_ip"); }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        if (changes_from(before, after, "public_ip"))
            region.change("ModifySubnetAttribute",
                          Params()
                              .add("SubnetId", item.text("subnetId"))
                              .add("MapPublicIpOnLaunch.Value", after.flag("public_ip")),
                          true);
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("DeleteSubnet", Params().add("SubnetId", id), true);
    }
};

Subnet::Subnet()
    : Ec2Type({.noun = "subnet",
               .describe = "DescribeSubnets",
               .set = "subnetSet",
               .id = "subnetId",
               .id_filter = "subnet-id",
               .tagged = "subnet",
               .page = 1000}) {
    name = "aws.subnet";
    summary = "A part of a VPC in one availability zone";
    doc = "Detected and repaired: `public_ip` and tags; a subnet that is gone is created again. "
          "Destroy waits up to ten minutes until nothing uses it.";
    import_id = "the subnet ID (subnet-...)";
    example = "subnet:\n"
              "  type: aws.subnet\n"
              "  for_each: {eu-central-1a: 10.20.1.0/24, eu-central-1b: 10.20.2.0/24}\n"
              "  vpc: ${network.id}\n"
              "  availability_zone: ${each.key}\n"
              "  cidr: ${each.value}\n";
    schema = with_common({
        {.name = "vpc",
         .type = TypeKind::string,
         .doc = "ID of the VPC.",
         .required = true,
         .replaces = true},
        {.name = "cidr",
         .type = TypeKind::cidr,
         .doc = "CIDR range of the subnet, within the VPC's range.",
         .required = true,
         .replaces = true},
        {.name = "availability_zone",
         .type = TypeKind::string,
         .doc = "Availability zone.",
         .filled = true,
         .replaces = true},
        {.name = "public_ip",
         .type = TypeKind::boolean,
         .doc = "Whether new instances get a public address.",
         .default_value = Value(false)},
    });
}

class InternetGateway final : public Ec2Type {
  public:
    InternetGateway();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_id(config["vpc"], "vpc-", "a VPC", problems);
    }
    Value observed(Region&, const Item& item, const Value&) const override {
        return Value::map({{"vpc", item.text("attachmentSet/item/vpcId")}});
    }
    std::string create(Region& region, const Change&, Params params) const override {
        const auto answer = region.change("CreateInternetGateway", params, false);
        return root_of(*answer).child("internetGateway").child_value("internetGatewayId");
    }
    bool needs_more(const Value&) const override { return true; }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        if (!changes_from(before, after, "vpc")) return;
        const std::string id = item.text("internetGatewayId");
        if (!before.text("vpc").empty()) detach(region, id, before.text("vpc"));
        region.change("AttachInternetGateway",
                      Params().add("InternetGatewayId", id).add("VpcId", after.text("vpc")), false);
    }
    void remove(Region& region, const std::string& id, const Value& before) const override {
        if (const std::string vpc = before.text("vpc"); !vpc.empty()) detach(region, id, vpc);
        region.change("DeleteInternetGateway", Params().add("InternetGatewayId", id), true);
    }

  private:
    static void detach(Region& region, const std::string& id, const std::string& vpc) {
        try {
            region.change("DetachInternetGateway",
                          Params().add("InternetGatewayId", id).add("VpcId", vpc), true);
        } catch (const ServiceError& error) {
            if (!error.is({"Gateway.NotAttached"})) throw;
        }
    }
};

InternetGateway::InternetGateway()
    : Ec2Type({.noun = "internet gateway",
               .describe = "DescribeInternetGateways",
               .set = "internetGatewaySet",
               .id = "internetGatewayId",
               .id_filter = "internet-gateway-id",
               .tagged = "internet-gateway",
               .page = 1000}) {
    name = "aws.internet_gateway";
    summary = "The connection of a VPC to the Internet";
    doc = "Detected and repaired: a detached gateway is attached again; tags. Destroy detaches it, "
          "which AWS allows once no public address of the VPC is in use.";
    import_id = "the gateway ID (igw-...)";
    example = "internet:\n"
              "  type: aws.internet_gateway\n"
              "  vpc: ${network.id}\n";
    schema = with_common(
        {{.name = "vpc", .type = TypeKind::string, .doc = "ID of the VPC.", .required = true}});
}

} // namespace

std::unique_ptr<ResourceType> vpc_type() {
    return std::make_unique<Vpc>();
}
std::unique_ptr<ResourceType> subnet_type() {
    return std::make_unique<Subnet>();
}
std::unique_ptr<ResourceType> internet_gateway_type() {
    return std::make_unique<InternetGateway>();
}

} // namespace hadeploy::aws
