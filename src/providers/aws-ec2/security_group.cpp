#include "providers/aws-ec2/security_group.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "providers/aws-ec2/address_range.h"
#include "providers/aws-ec2/ec2_type.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

namespace hadeploy::aws {

bool parse_ports(const std::string& text, std::int64_t& first, std::int64_t& last) {
    const auto number = [](std::string_view digits, std::int64_t& out) {
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return error == std::errc() && end == digits.data() + digits.size() && out >= 0 &&
               out <= 65535;
    };
    const std::size_t dash = text.find('-');
    const std::string_view all(text);
    if (!number(all.substr(0, dash), first)) return false;
    last = first;
    return dash == text.npos || (number(all.substr(dash + 1), last) && first <= last);
}

namespace {

/// A CIDR range in EC2's spelling, which is 10.0.0.0/8 for 10.1.2.3/8; any other string is returned
/// unchanged.
std::string canonical_peer(const std::string& peer) {
    const auto range = AddressRange::parse(peer);
    return range ? range->text() : peer;
}

RuleAtom undescribed(RuleAtom atom) {
    atom.description.clear();
    return atom;
}

} // namespace

std::set<RuleAtom> atoms_of(const Value& rules, const std::string& self) {
    std::set<RuleAtom> out, seen;
    if (!rules.is_list()) return out;
    for (const Value& rule : rules.as_list()) {
        RuleAtom atom;
        atom.protocol = rule.text("protocol", "tcp");
        if (atom.protocol == "all") atom.protocol = "-1";
        if (rule["ports"].is_string()) parse_ports(rule.text("ports"), atom.first, atom.last);
        // EC2 writes "all ports" of TCP and UDP as a range
        if (atom.first < 0 && (atom.protocol == "tcp" || atom.protocol == "udp"))
            atom.first = 0, atom.last = 65535;
        atom.description = rule.text("description");
        for (const std::string& peer : texts_of(rule["peers"])) {
            atom.peer = peer == "self" && !self.empty() ? self : canonical_peer(peer);
            if (seen.insert(undescribed(atom)).second) out.insert(atom);
        }
    }
    return out;
}

std::set<RuleAtom> atoms_of(const pugi::xml_node& permissions) {
    std::set<RuleAtom> out;
    for (const pugi::xml_node& rule : permissions.children("item")) {
        RuleAtom atom;
        atom.protocol = rule.child_value("ipProtocol");
        if (const char* port = rule.child_value("fromPort"); *port != '\0')
            atom.first = std::strtoll(port, nullptr, 10);
        if (const char* port = rule.child_value("toPort"); *port != '\0')
            atom.last = std::strtoll(port, nullptr, 10);
        if (atom.protocol == "-1") atom.first = atom.last = -1;
        const auto add = [&](const char* set, const char* element) {
            for (const pugi::xml_node& peer : rule.child(set).children("item")) {
                atom.peer = canonical_peer(peer.child_value(element));
                atom.description = peer.child_value("description");
                out.insert(atom);
            }
        };
        add("groups", "groupId");
        add("ipRanges", "cidrIp");
        add("ipv6Ranges", "cidrIpv6");
        add("prefixListIds", "prefixListId");
    }
    return out;
}

Value rules_of(const std::set<RuleAtom>& atoms, const std::string& self) {
    Value::List out;
    for (const RuleAtom& atom : atoms) {
        const bool all = atom.first < 0 || (atom.first == 0 && atom.last == 65535);
        Value rule = Value::map({{"protocol", atom.protocol == "-1" ? "all" : atom.protocol},
                                 {"peers", Value::list({atom.peer == self ? "self" : atom.peer})}});
        if (!all)
            rule = rule.with("ports", atom.first == atom.last
                                          ? std::to_string(atom.first)
                                          : fmt::format("{}-{}", atom.first, atom.last));
        if (!atom.description.empty()) rule = rule.with("description", atom.description);
        out.push_back(std::move(rule));
    }
    return Value::list(std::move(out));
}

void add_atoms(Params& params, const std::string& group, const std::set<RuleAtom>& atoms) {
    params.add("GroupId", group);
    int n = 0;
    for (const RuleAtom& atom : atoms) {
        const std::string prefix = fmt::format("IpPermissions.{}.", ++n);
        params.add(prefix + "IpProtocol", atom.protocol);
        if (atom.first >= 0 || atom.protocol == "icmp")
            params.add(prefix + "FromPort", std::to_string(atom.first))
                .add(prefix + "ToPort", std::to_string(atom.last));
        const bool is_group = atom.peer.starts_with("sg-"), is_list = atom.peer.starts_with("pl-");
        const bool is_v6 = atom.peer.find(':') != std::string::npos;
        const std::string source = prefix + (is_group  ? "Groups.1."
                                             : is_list ? "PrefixListIds.1."
                                             : is_v6   ? "Ipv6Ranges.1."
                                                       : "IpRanges.1.");
        params.add(source + (is_group  ? "GroupId"
                             : is_list ? "PrefixListId"
                             : is_v6   ? "CidrIpv6"
                                       : "CidrIp"),
                   atom.peer);
        if (!atom.description.empty()) params.add(source + "Description", atom.description);
    }
}

namespace {

std::set<RuleAtom> without(const std::set<RuleAtom>& from, const std::set<RuleAtom>& atoms) {
    std::set<RuleAtom> out;
    std::set_difference(from.begin(), from.end(), atoms.begin(), atoms.end(),
                        std::inserter(out, out.end()));
    return out;
}

/// The atoms of `from` that differ from one of `atoms` only in their description.
std::set<RuleAtom> redescribed(const std::set<RuleAtom>& from, const std::set<RuleAtom>& atoms) {
    std::set<RuleAtom> out;
    for (const RuleAtom& atom : from)
        if (std::any_of(atoms.begin(), atoms.end(), [&](const RuleAtom& other) {
                return undescribed(other) == undescribed(atom);
            }))
            out.insert(atom);
    return out;
}

class SecurityGroup final : public Ec2Type {
  public:
    SecurityGroup();
    void check_own(const Value& config, Diagnostics& problems) const override;
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || !config["vpc"].is_string()) return {};
        // names are case-insensitive
        return {fmt::format("aws security group {} in {}", lower_case(config.text("name")),
                            config.text("vpc"))};
    }
    Value observed(Region&, const Item& item, const Value& config) const override {
        const std::string id = item.text("groupId");
        const auto rules = [&](const char* attribute, const char* set) {
            const auto have = atoms_of(item.root().child(set));
            const Value& wanted = config[attribute];
            return wanted.is_list() && atoms_of(wanted, id) == have ? wanted : rules_of(have, id);
        };
        return Value::map({{"name", item.required("groupName")},
                           {"description", item.required("groupDescription")},
                           {"vpc", item.required("vpcId")},
                           {"ingress", rules("ingress", "ipPermissions")},
                           {"egress", rules("egress", "ipPermissionsEgress")}});
    }
    std::string conflict(Region& region, const Value& config) const override {
        if (!config["name"].is_string() || !config["vpc"].is_string()) return {};
        Params params;
        params.filter("group-name", {config.text("name")}).filter("vpc-id", {config.text("vpc")});
        std::string found;
        region.each("DescribeSecurityGroups", params, "securityGroupInfo",
                    [&](const pugi::xml_node& item) {
                        found = fmt::format("the security group {}", item.child_value("groupId"));
                    });
        return found;
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("GroupName", change.after.text("name"))
            .add("GroupDescription", change.after.text("description"))
            .add("VpcId", change.after.text("vpc"));
        return root_of(*region.change("CreateSecurityGroup", params, false)).child_value("groupId");
    }
    bool needs_more(const Value& config) const override {
        return config["ingress"].is_list() || config["egress"].is_list();
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        const std::string id = item.text("groupId");
        if (changes_from(before, after, "ingress"))
            set_rules(region, id, "Ingress", atoms_of(item.root().child("ipPermissions")),
                      atoms_of(after["ingress"], id));
        if (changes_from(before, after, "egress"))
            set_rules(region, id, "Egress", atoms_of(item.root().child("ipPermissionsEgress")),
                      atoms_of(after["egress"], id));
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("DeleteSecurityGroup", Params().add("GroupId", id), true);
    }

  private:
    /// Allows new atoms before it revokes old ones, so that no connection that both sets allow is
    /// interrupted. Two atoms that differ only in their description cannot exist at the same time.
    static void set_rules(Region& region, const std::string& id, const std::string& direction,
                          const std::set<RuleAtom>& have, const std::set<RuleAtom>& wanted) {
        const auto send = [&](const std::string& action, const std::set<RuleAtom>& atoms) {
            if (atoms.empty()) return;
            Params params;
            add_atoms(params, id, atoms);
            try {
                region.change(action + direction, params, true);
            } catch (const ServiceError& error) {
                if (!error.is({"InvalidPermission.Duplicate", "InvalidPermission.NotFound"})) throw;
            }
        };
        const std::set<RuleAtom> added = without(wanted, have), gone = without(have, wanted);
        const std::set<RuleAtom> renamed = redescribed(added, gone);
        send("UpdateSecurityGroupRuleDescriptions", renamed);
        send("AuthorizeSecurityGroup", without(added, renamed));
        send("RevokeSecurityGroup", without(gone, redescribed(gone, added)));
    }
};

/// Whether all values of a rule that determine its atoms are known.
bool is_known(const Value& rule) {
    return !rule["protocol"].is_unknown() && !rule["ports"].is_unknown() &&
           !rule["description"].is_unknown();
}

std::string shown_atom(const RuleAtom& atom) {
    std::string out = atom.protocol == "-1" ? "all" : atom.protocol;
    if (atom.first >= 0) out += fmt::format(" {}", atom.first);
    if (atom.last > atom.first) out += fmt::format("-{}", atom.last);
    return fmt::format("{}, {}", out, atom.peer);
}

void check_ports(const Value& rule, Diagnostics& problems) {
    const Value& ports = rule["ports"];
    std::int64_t first = 0, last = 0;
    if (ports.is_string() && !parse_ports(ports.as_string(), first, last))
        problems.add(fmt::format("{} is not a port or a port range", quoted(ports)), ports.loc())
            .with_hint("for example \"443\" or \"8000-8100\"");
    const std::string protocol = rule.text("protocol", "tcp");
    if (ports.is_string() && protocol != "tcp" && protocol != "udp")
        problems.add(fmt::format("the protocol {} does not have ports", protocol), ports.loc());
}

void check_peer(const Value& peer, Diagnostics& problems) {
    if (!peer.is_string()) return;
    const std::string& text = peer.as_string();
    if (text == "self" || AddressRange::parse(text)) return;
    if (text.starts_with("sg-")) return check_id(peer, "sg-", "a security group", problems);
    if (text.starts_with("pl-")) return check_id(peer, "pl-", "a prefix list", problems);
    Error& error = problems.add(fmt::format("{} is not a CIDR range, a security group ID, a "
                                            "prefix list ID, or self",
                                            quoted(peer)),
                                peer.loc());
    error.hint =
        is_address(text)
            ? fmt::format("for this single address, write {}",
                          redacted(peer, text + (text.find(':') == text.npos ? "/32" : "/128")))
            : "for example 10.0.0.0/8 or ${web.id} of an aws.security_group";
}

/// EC2 keeps only one of several rules that differ only in their description.
void check_descriptions(const Value& rules, const char* direction, Diagnostics& problems) {
    std::map<RuleAtom, std::pair<std::size_t, std::string>> seen;
    const Value::List& list = rules.as_list();
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!is_known(list[i])) continue;
        for (const RuleAtom& atom : atoms_of(Value::list({list[i]}), "")) {
            const auto [it, fresh] =
                seen.emplace(undescribed(atom), std::pair(i, atom.description));
            const auto& [first, description] = it->second;
            if (fresh || description == atom.description) continue;
            problems
                .add(fmt::format("{0}[{1}] and {0}[{2}] are the same rule ({3}) with different "
                                 "descriptions",
                                 direction, first, i, redacted(rules, shown_atom(atom))),
                     list[i].loc())
                .with_hint("EC2 keeps only one of them: remove the other, or use the same "
                           "description");
            break;
        }
    }
}

void SecurityGroup::check_own(const Value& config, Diagnostics& problems) const {
    const Value &group = config["name"], &text = config["description"];
    check_text(group, {.noun = "the name of a security group", .most = 255, .others = kGroupOthers},
               problems);
    if (const std::string lower = lower_case(config.text("name"));
        group.is_string() && (lower.empty() || lower == "default" || lower.starts_with("sg-")))
        problems
            .add(fmt::format("{} cannot be the name of a security group", quoted(group)),
                 group.loc())
            .with_hint("AWS reserves \"default\" and names that begin with sg-");
    if (text.is_string() && text.as_string().empty())
        problems.add("the description of a security group cannot be empty", text.loc());
    const TextRule described{.noun = "the description", .most = 255, .others = kGroupOthers};
    check_text(text, described, problems);
    check_id(config["vpc"], "vpc-", "a VPC", problems);
    for (const char* direction : {"ingress", "egress"}) {
        if (!config[direction].is_list()) continue;
        for (const Value& rule : config[direction].as_list()) {
            check_ports(rule, problems);
            check_text(rule["description"], described, problems);
            if (rule["peers"].is_list())
                for (const Value& peer : rule["peers"].as_list()) check_peer(peer, problems);
        }
        check_descriptions(config[direction], direction, problems);
    }
}

Schema rule_fields(const char* peers) {
    return {{.name = "protocol",
             .type = TypeKind::string,
             .doc = "The protocol.",
             .default_value = Value("tcp"),
             .one_of = {"tcp", "udp", "icmp", "all"}},
            {.name = "ports",
             .type = TypeKind::string,
             .doc = "A port or a port range: \"443\", \"8000-8100\". Default: all ports."},
            {.name = "peers",
             .type = list_of(TypeKind::string),
             .doc = peers,
             .required = true,
             .min = 1},
            {.name = "description", .type = TypeKind::string, .doc = "Description."}};
}

SecurityGroup::SecurityGroup()
    : Ec2Type({.noun = "security group",
               .describe = "DescribeSecurityGroups",
               .set = "securityGroupInfo",
               .id = "groupId",
               .id_filter = "group-id",
               .tagged = "security-group",
               .page = 1000}) {
    name = "aws.security_group";
    summary = "A firewall around instances";
    doc = "Rules are compared as atoms of one protocol, one port range and one peer; their order "
          "and grouping do not matter. New rules are allowed before old ones are revoked, so "
          "connections that both sets allow are not interrupted. A replacement is created before "
          "the old group is removed (`create_before_destroy`), so the new group needs a different "
          "`name`. Rules can also be separate resources, `aws.security_group_rule`, if the group "
          "does not list the rules of their direction.\n\n"
          "Detected and repaired: rules that were added, changed or removed, and tags. Destroy "
          "waits up to ten minutes until no network interface and no other group uses the group.";
    import_id = "the security group ID (sg-...)";
    create_before_destroy = true;
    warnings = {{kOpenPort, kOpenPortDoc, warn_of_open_ports}};
    example = "web:\n"
              "  type: aws.security_group\n"
              "  name: web\n"
              "  vpc: ${network.id}\n"
              "  ingress:\n"
              "    - {ports: \"80\", peers: [0.0.0.0/0]}\n"
              "    - {ports: \"22\", peers: [198.51.100.0/24], description: office}\n";
    schema = with_common({
        {.name = "name",
         .type = TypeKind::string,
         .doc = "Name, unique in the VPC.",
         .required = true,
         .replaces = true},
        {.name = "description",
         .type = TypeKind::string,
         .doc = "Description.",
         .replaces = true,
         .default_value = Value("managed by hadeploy")},
        {.name = "vpc",
         .type = TypeKind::string,
         .doc = "ID of the VPC.",
         .required = true,
         .replaces = true},
        {.name = "ingress",
         .type = list_of(object_of(rule_fields("Where connections may come from: CIDR ranges, IDs "
                                               "of groups or prefix lists, `self`."))),
         .doc = "All rules for incoming connections. Not managed if not set."},
        {.name = "egress",
         .type = list_of(object_of(rule_fields("Where connections may go to: CIDR ranges, IDs "
                                               "of groups or prefix lists, `self`."))),
         .doc = "All rules for outgoing connections. If not set, they are not managed, and AWS "
                "allows all."},
    });
}

} // namespace

void warn_of_open_ports(const Value& config, Diagnostics& warnings) {
    if (!config["ingress"].is_list()) return;
    for (const Value& rule : config["ingress"].as_list()) {
        if (!is_known(rule)) continue;
        for (const RuleAtom& atom : atoms_of(Value::list({rule}), "")) {
            const auto range = AddressRange::parse(atom.peer);
            if (!range || !range->is_huge()) continue;
            if (atom.protocol != "tcp" && atom.protocol != "-1") continue;
            for (const std::int64_t port : {22, 3306, 5432})
                if (atom.first < 0 || (atom.first <= port && port <= atom.last))
                    warnings
                        .add(fmt::format("port {} is open to {} Internet ({})", port,
                                         range->length() == 0 ? "the whole" : "a large part of the",
                                         atom.peer),
                             rule.loc())
                        .with_hint("allow only the addresses that need access");
        }
    }
}

std::unique_ptr<ResourceType> security_group_type() {
    return std::make_unique<SecurityGroup>();
}

} // namespace hadeploy::aws
