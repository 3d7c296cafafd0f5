#include "providers/aws-ec2/ec2_type.h"

#include "core/secrecy.h"
#include "providers/aws-ec2/address_range.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

struct Target {
    const char* prefix;    ///< prefix of its IDs
    const char* parameter; ///< parameter of CreateRoute
    const char* element;   ///< element of a described route
};
constexpr std::array<Target, 7> kTargets{
    {{"igw-", "GatewayId", "gatewayId"},
     {"vgw-", "GatewayId", "gatewayId"},
     {"nat-", "NatGatewayId", "natGatewayId"},
     {"eni-", "NetworkInterfaceId", "networkInterfaceId"},
     {"i-", "InstanceId", "instanceId"},
     {"pcx-", "VpcPeeringConnectionId", "vpcPeeringConnectionId"},
     {"tgw-", "TransitGatewayId", "transitGatewayId"}}};

const Target* target_of(std::string_view id) {
    const auto it = std::find_if(kTargets.begin(), kTargets.end(),
                                 [&](const Target& t) { return id.starts_with(t.prefix); });
    return it == kTargets.end() ? nullptr : &*it;
}

class RouteTable final : public Ec2Type {
  public:
    RouteTable();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_id(config["vpc"], "vpc-", "a VPC", problems);
        check_ids(config["subnets"], "subnet-", "a subnet", problems);
        if (!config["routes"].is_map()) return;
        for (const Entry& e : config["routes"].as_map()) {
            check_destination(config["routes"], e, problems);
            if (e.value.is_string() && target_of(e.value.as_string()) == nullptr)
                problems
                    .add(fmt::format("{} is not the ID of a route target", quoted(e.value)),
                         e.value.loc())
                    .with_hint("use for example ${internet.id} of an aws.internet_gateway");
        }
    }
    Value observed(Region&, const Item& item, const Value&) const override {
        Value::Map routes;
        for (const pugi::xml_node& route : item.root().child("routeSet").children("item")) {
            const std::string_view origin = route.child_value("origin");
            const std::string range = route.child_value("destinationCidrBlock");
            if (origin != "CreateRoute" || range.empty()) continue; // the VPC's own route
            // an instance is listed with its interface
            for (const char* element :
                 {"instanceId", "natGatewayId", "gatewayId", "vpcPeeringConnectionId",
                  "transitGatewayId", "networkInterfaceId"})
                if (const std::string id = route.child_value(element); !id.empty()) {
                    routes.push_back({range, Value(id)});
                    break;
                }
        }
        std::vector<std::string> subnets;
        for (const pugi::xml_node& used : item.root().child("associationSet").children("item"))
            if (const std::string id = used.child_value("subnetId"); !id.empty())
                subnets.push_back(id);
        return Value::map({{"vpc", item.required("vpcId")},
                           {"routes", Value::map(std::move(routes))},
                           {"subnets", set_of_texts(std::move(subnets))}});
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("VpcId", change.after.text("vpc")).add("ClientToken", change.identity);
        const auto answer = region.change("CreateRouteTable", params, true);
        return root_of(*answer).child("routeTable").child_value("routeTableId");
    }
    bool needs_more(const Value&) const override { return true; }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        const std::string id = item.text("routeTableId");
        set_routes(region, id, before["routes"], after["routes"]);
        set_subnets(region, item, before["subnets"], after["subnets"]);
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        const auto there = by_id(region, {id});
        for (const auto& [own, item] : there) set_subnets(region, item, {}, Value::list({}));
        region.change("DeleteRouteTable", Params().add("RouteTableId", id), true);
    }

  private:
    /// EC2 drops the bits beyond the prefix length, so the route would seem to be a different one.
    static void check_destination(const Value& routes, const Entry& route, Diagnostics& problems) {
        const auto range = AddressRange::parse(route.key);
        const std::string shown = quoted(routes, route.key);
        const Loc loc = route.value.loc().known() ? route.value.loc() : routes.loc();
        if (!range || range->is_v6())
            problems.add(fmt::format("{} is not an IPv4 CIDR range", shown), loc)
                .with_hint(range ? "IPv6 routes are not supported yet"
                                 : "for example 0.0.0.0/0, the default route");
        else if (range->text() != route.key)
            problems.add(fmt::format("{} has bits beyond its prefix length", shown), loc)
                .with_hint("write the range: " + redacted(routes, range->text()));
    }
    /// New and changed routes come first, so that there is always a route.
    static void set_routes(Region& region, const std::string& id, const Value& before,
                           const Value& after) {
        if (!after.is_map()) return;
        for (const Entry& e : after.as_map()) {
            const std::string now = before.text(e.key), to = e.value.as_string();
            if (now == to) continue;
            Params params;
            params.add("RouteTableId", id)
                .add("DestinationCidrBlock", e.key)
                .add(target_of(to)->parameter, to);
            region.change(now.empty() ? "CreateRoute" : "ReplaceRoute", params, true);
        }
        if (!before.is_map()) return;
        for (const Entry& e : before.as_map())
            if (!after.has(e.key))
                region.change("DeleteRoute",
                              Params().add("RouteTableId", id).add("DestinationCidrBlock", e.key),
                              true);
    }
    static void set_subnets(Region& region, const Item& item, const Value& before,
                            const Value& after) {
        const std::vector<std::string> have = texts_of(before), wanted = texts_of(after);
        const auto in = [](const std::vector<std::string>& list, std::string_view id) {
            return std::find(list.begin(), list.end(), id) != list.end();
        };
        for (const std::string& subnet : wanted)
            if (!in(have, subnet))
                region.change(
                    "AssociateRouteTable",
                    Params().add("RouteTableId", item.text("routeTableId")).add("SubnetId", subnet),
                    true);
        for (const pugi::xml_node& used : item.root().child("associationSet").children("item"))
            if (const std::string_view subnet = used.child_value("subnetId");
                !subnet.empty() && !in(wanted, subnet))
                region.change(
                    "DisassociateRouteTable",
                    Params().add("AssociationId", used.child_value("routeTableAssociationId")),
                    true);
    }
};

RouteTable::RouteTable()
    : Ec2Type({.noun = "route table",
               .describe = "DescribeRouteTables",
               .set = "routeTableSet",
               .id = "routeTableId",
               .id_filter = "route-table-id",
               .tagged = "route-table",
               .page = 100}) {
    name = "aws.route_table";
    summary = "The routes of some subnets of a VPC";
    doc =
        "Detected and repaired: routes and subnets that were added, changed or removed, and tags. "
        "New routes are created before old ones are removed. The route to the VPC itself always "
        "exists. Destroy detaches the table from its subnets first.";
    import_id = "the route table ID (rtb-...)";
    example = "routes:\n"
              "  type: aws.route_table\n"
              "  vpc: ${network.id}\n"
              "  routes: {0.0.0.0/0: \"${internet.id}\"}\n"
              "  subnets: [\"${subnet_a.id}\", \"${subnet_b.id}\"]\n";
    schema = with_common({
        {.name = "vpc",
         .type = TypeKind::string,
         .doc = "ID of the VPC.",
         .required = true,
         .replaces = true},
        {.name = "routes",
         .type = map_of(TypeKind::string),
         .doc = "Target of each CIDR range: the ID of an internet gateway, NAT gateway, instance, "
                "network interface, peering connection, or transit gateway.",
         .default_value = Value::map({})},
        {.name = "subnets",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the subnets that use the table.",
         .default_value = Value::list({})},
    });
}

} // namespace

std::unique_ptr<ResourceType> route_table_type() {
    return std::make_unique<RouteTable>();
}

} // namespace hadeploy::aws
