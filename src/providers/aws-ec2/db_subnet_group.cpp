#include "providers/aws-ec2/rds_type.h"

#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::size_t kLeastDbZones = 2;

void require_db_zones(Region& region, const Value& config) {
    require_zones(region, config["subnets"], kLeastDbZones, "the DB subnet group", false);
}

class DbSubnetGroup final : public RdsGroup {
  public:
    DbSubnetGroup();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_name(config["name"], 255, problems);
        check_ids(config["subnets"], "subnet-", "a subnet", problems);
        const Value &subnets = config["subnets"], &text = config["description"];
        if (subnets.is_list() && subnets.as_list().size() < kLeastDbZones)
            problems
                .add("a DB subnet group needs subnets in at least two availability zones",
                     subnets.loc())
                .with_hint("add a subnet in another zone");
        if (text.is_string() && text.as_string().empty())
            problems.add("the description of a DB subnet group cannot be empty", text.loc());
    }
    std::string conflict(Region& region, const Value& config) const override {
        require_db_zones(region, config);
        return RdsGroup::conflict(region, config);
    }
    Value observed(Region& region, const Item& item, const Value& config) const override {
        std::vector<std::string> subnets;
        for (const pugi::xml_node& subnet : item.root().child("Subnets").children("Subnet"))
            subnets.emplace_back(subnet.child_value("SubnetIdentifier"));
        const Value there = set_of_texts(std::move(subnets));
        if (!(config["subnets"] == there)) require_db_zones(region, config);
        return Value::map({{"name", observed_name(item, config)},
                           {"description", item.text("DBSubnetGroupDescription")},
                           {"subnets", there},
                           {"vpc", item.required("VpcId")}});
    }
    std::string unready(const Item& item, const Value&) const override {
        const std::string state = item.text("SubnetGroupStatus");
        return state == "Complete"
                   ? ""
                   : fmt::format("waiting for the DB subnet group, which is {}", state);
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        if (!changes_from(before, after, "subnets") && !changes_from(before, after, "description"))
            return;
        Params params;
        specify(region, params, after);
        region.rds().call("ModifyDBSubnetGroup", params.add(names.id, item.text(names.id)), true);
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.rds().call("DeleteDBSubnetGroup", Params().add(names.id, id), true);
    }

  protected:
    void specify(Region& region, Params& params, const Value& config) const override {
        require_db_zones(region, config);
        params.add("DBSubnetGroupDescription", config.text("description"))
            .list("SubnetIds.SubnetIdentifier", texts_of(config["subnets"]));
    }
};

DbSubnetGroup::DbSubnetGroup()
    : RdsGroup({.noun = "DB subnet group",
                .describe = "DescribeDBSubnetGroups",
                .create = "CreateDBSubnetGroup",
                .set = "DBSubnetGroups",
                .id = "DBSubnetGroupName",
                .arn = "DBSubnetGroupArn"}) {
    name = "aws.db_subnet_group";
    summary = "The subnets in which databases can be";
    doc = "Subnets and description change in place. In a replacement, the new group is created "
          "first, with a part of its identity in its name.\n\n"
          "Detected and repaired: subnets, description and tags; a group that is gone is created "
          "again. Destroy waits until no database uses it.";
    import_id = "the name of the group";
    example = "places:\n"
              "  type: aws.db_subnet_group\n"
              "  name: data\n"
              "  subnets: [\"${subnet_a.id}\", \"${subnet_b.id}\"]\n";
    schema = with_common(
        {
            {.name = "name",
             .type = TypeKind::string,
             .doc = "Name, unique in the region.",
             .required = true,
             .replaces = true},
            {.name = "description",
             .type = TypeKind::string,
             .doc = "What it is for.",
             .default_value = Value("managed by hadeploy")},
            {.name = "subnets",
             .type = set_of(TypeKind::string),
             .doc = "IDs of subnets in at least two availability zones.",
             .required = true,
             .min = 1},
            {.name = "vpc",
             .type = TypeKind::string,
             .doc = "ID of the VPC.",
             .computed = true,
             .open = true},
        },
        true, "Its name.");
}

} // namespace

std::unique_ptr<ResourceType> db_subnet_group_type() {
    return std::make_unique<DbSubnetGroup>();
}

} // namespace hadeploy::aws
