#include "provider_api/part.h"
#include "providers/aws-ec2/ec2_type.h"
#include "providers/aws-ec2/security_group.h"

#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

bool is_egress(const Value& config) {
    return config.text("direction") == "egress";
}

/// A config as an entry of a group's rules, which are checked in the same way.
Value as_listed(const Value& config) {
    Value out = Value::map({{"protocol", config["protocol"]},
                            {"ports", config["ports"]},
                            {"description", config["description"]},
                            {"peers", Value::list({config["peer"]}).at(config["peer"].loc())}});
    return Value::list({std::move(out).at(config["peer"].loc())});
}

/// The rule of a config; nullopt while a part of the rule is not known.
std::optional<RuleAtom> atom_of(const Value& config, const std::string& group) {
    for (const char* part : {"protocol", "ports", "peer", "description"})
        if (config[part].is_unknown()) return {};
    const auto atoms = atoms_of(as_listed(config), group);
    return atoms.empty() ? std::nullopt : std::optional(*atoms.begin());
}

/// A rule as EC2 describes it on its own.
RuleAtom atom_of(const Item& item) {
    RuleAtom atom;
    atom.protocol = item.required("ipProtocol");
    if (atom.protocol != "-1") {
        if (const std::string port = item.text("fromPort"); !port.empty())
            atom.first = to_number(port);
        if (const std::string port = item.text("toPort"); !port.empty())
            atom.last = to_number(port);
    }
    for (const char* peer : {"cidrIpv4", "cidrIpv6", "prefixListId", "referencedGroupInfo/groupId"})
        if (atom.peer.empty()) atom.peer = item.text(peer);
    atom.description = item.text("description");
    return atom;
}

bool is_same_rule(RuleAtom a, const RuleAtom& b) {
    a.description = b.description;
    return a == b;
}

class SecurityGroupRule final : public Ec2Type, public PartOf {
  public:
    SecurityGroupRule();
    [[nodiscard]] std::string whole() const override { return "group"; }
    [[nodiscard]] std::string listed_by(const ResourceType& type, const Value& group,
                                        const Value& rule) const override {
        if (type.name != "aws.security_group" || !rule["direction"].is_string()) return {};
        const std::string direction = rule.text("direction");
        return group[direction].is_null() ? "" : direction;
    }
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_id(config["group"], "sg-", "a security group", problems);
        group_->check(Value::map({{"ingress", as_listed(config)}}), problems);
    }
    static void warn_of_open_rule(const Value& config, Diagnostics& warnings) {
        if (!is_egress(config))
            warn_of_open_ports(Value::map({{"ingress", as_listed(config)}}), warnings);
    }
    std::vector<std::string> claims(const Value& config) const override;
    Value observed(Region& region, const Item& item, const Value& config) const override;
    std::string conflict(Region& region, const Value& config) const override {
        const auto other = same_rule(region, config);
        return other ? fmt::format("the rule {} of the group", other->text("securityGroupRuleId"))
                     : "";
    }
    std::string create(Region& region, const Change& change, Params tags) const override;
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value& before) const override {
        region.change(
            is_egress(before) ? "RevokeSecurityGroupEgress" : "RevokeSecurityGroupIngress",
            Params().add("GroupId", before.text("group")).add("SecurityGroupRuleId.1", id), true);
    }

  private:
    std::optional<Item> same_rule(Region& region, const Value& config) const;
    const std::unique_ptr<ResourceType> group_ = security_group_type();
};

std::vector<std::string> SecurityGroupRule::claims(const Value& config) const {
    const std::string group = config.text("group");
    if (group.empty() || !config["direction"].is_string() || !config["peer"].is_string()) return {};
    const auto atom = atom_of(config, group);
    if (!atom) return {};
    return {fmt::format("aws {} rule of {}: {} {}-{} {}", config.text("direction"), group,
                        atom->protocol, atom->first, atom->last, atom->peer)};
}

Value SecurityGroupRule::observed(Region&, const Item& item, const Value& config) const {
    const std::string group = item.required("groupId");
    const RuleAtom atom = atom_of(item);
    const Value rule = rules_of({atom}, group).as_list().front();
    const auto wanted = atom_of(config, group);
    const bool same = wanted && is_same_rule(*wanted, atom);
    Value out =
        Value::map({{"group", group},
                    {"direction", item.required("isEgress") == "true" ? "egress" : "ingress"},
                    {"protocol", rule["protocol"]},
                    {"peer", same ? config["peer"] : rule["peers"].as_list().front()},
                    {"description", atom.description}});
    const Value& ports = same ? config["ports"] : rule["ports"];
    return ports.is_null() ? out : out.with("ports", ports);
}

/// The rule of the group that is equal except for its description. EC2 allows only one such rule.
std::optional<Item> SecurityGroupRule::same_rule(Region& region, const Value& config) const {
    const std::string group = config.text("group");
    if (group.empty() || !config["peer"].is_string()) return {};
    const auto wanted = atom_of(config, group);
    std::optional<Item> out;
    if (!wanted) return out;
    region.each(names.describe,
                Params().filter("group-id", {group}).add("MaxResults", std::string("1000")),
                "securityGroupRuleSet", [&](const pugi::xml_node& node) {
                    Item item(node);
                    if ((item.text("isEgress") == "true") == is_egress(config) &&
                        is_same_rule(*wanted, atom_of(item)))
                        out = std::move(item);
                });
    return out;
}

std::string SecurityGroupRule::create(Region& region, const Change& change, Params tags) const {
    const Value& config = change.after;
    const std::string group = config.text("group");
    Params params = std::move(tags);
    const auto atom = atom_of(config, group);
    if (!atom) throw Error(ErrorKind::failed, "the rule is not known", config.loc());
    add_atoms(params, group, {*atom});
    try {
        const auto answer = region.change(is_egress(config) ? "AuthorizeSecurityGroupEgress"
                                                            : "AuthorizeSecurityGroupIngress",
                                          params, true);
        return root_of(*answer)
            .child("securityGroupRuleSet")
            .child("item")
            .child_value("securityGroupRuleId");
    } catch (const ServiceError& error) { // created by an attempt whose response was lost
        if (!error.is({"InvalidPermission.Duplicate"})) throw;
        const auto there = same_rule(region, config);
        if (there && there->identity() == change.identity)
            return there->text("securityGroupRuleId");
        throw;
    }
}

/// A change of anything except the description replaces the rule.
void SecurityGroupRule::change(Region& region, const Item& item, const Value& before,
                               const Value& after, const Notice&) const {
    const std::string group = item.required("groupId");
    const auto atom = atom_of(after, group);
    if (!atom || !changes_from(before, after, "description")) return;
    Params params;
    add_atoms(params, group, {*atom});
    region.change(is_egress(after) ? "UpdateSecurityGroupRuleDescriptionsEgress"
                                   : "UpdateSecurityGroupRuleDescriptionsIngress",
                  params, true);
}

SecurityGroupRule::SecurityGroupRule()
    : Ec2Type({.noun = "rule of a security group",
               .describe = "DescribeSecurityGroupRules",
               .set = "securityGroupRuleSet",
               .id = "securityGroupRuleId",
               .id_filter = "security-group-rule-id",
               .tagged = "security-group-rule",
               .page = 1000}) {
    name = "aws.security_group_rule";
    summary = "One rule of a security group";
    doc =
        "For groups whose rules come from several places, such as modules. An `aws.security_group` "
        "that lists its `ingress` or `egress` removes all other rules of that direction. So a spec "
        "that also has an `aws.security_group_rule` for the same group and direction is "
        "refused.\n\n"
        "A change of the protocol, port or peer replaces the rule: the new rule is added before "
        "the old one is revoked (`create_before_destroy`). The description changes in place.\n\n"
        "Detected and repaired: a rule that was removed or changed, and tags. Destroy revokes it.";
    warnings = {{kOpenPort, kOpenPortDoc, warn_of_open_rule}};
    import_id = "the ID of the rule (sgr-...)";
    create_before_destroy = true;
    example = "web_from_office:\n"
              "  type: aws.security_group_rule\n"
              "  group: ${web.id}\n"
              "  ports: \"443\"\n"
              "  peer: 198.51.100.0/24\n"
              "  description: office\n";
    schema = with_common(
        {{.name = "group",
          .type = TypeKind::string,
          .doc = "ID of the security group.",
          .required = true,
          .replaces = true},
         {.name = "direction",
          .type = TypeKind::string,
          .doc = "Whether it allows incoming or outgoing connections.",
          .replaces = true,
          .default_value = Value("ingress"),
          .one_of = {"ingress", "egress"}},
         {.name = "protocol",
          .type = TypeKind::string,
          .doc = "The protocol.",
          .replaces = true,
          .default_value = Value("tcp"),
          .one_of = {"tcp", "udp", "icmp", "all"}},
         {.name = "ports",
          .type = TypeKind::string,
          .doc = "A port, or a range: \"443\", \"8000-8100\". All ports if not set.",
          .replaces = true},
         {.name = "peer",
          .type = TypeKind::string,
          .doc = "Where connections may come from, or go to: a range of addresses, the ID of a "
                 "group or of a prefix list, or `self`.",
          .required = true,
          .replaces = true},
         {.name = "description",
          .type = TypeKind::string,
          .doc = "What it is for.",
          .default_value = Value("")}},
        true, "ID of the rule (sgr-...).");
}

} // namespace

std::unique_ptr<ResourceType> security_group_rule_type() {
    return std::make_unique<SecurityGroupRule>();
}

} // namespace hadeploy::aws
