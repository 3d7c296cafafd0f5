#include "core/secrecy.h"
#include "providers/aws-ec2/address_range.h"
#include "providers/aws-ec2/aws_type.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

constexpr std::chrono::minutes kLongestDrain{65}; ///< the longest deregistration delay is an hour

/// One registration: GROUP/TARGET:PORT.
struct Registration {
    std::string group, target, port;

    [[nodiscard]] std::string id() const { return fmt::format("{}/{}:{}", group, target, port); }
    [[nodiscard]] Params params() const {
        return Params()
            .add("TargetGroupArn", group)
            .add("Targets.member.1.Id", target)
            .add("Targets.member.1.Port", port);
    }
    /// A malformed ID gives a registration that does not exist.
    static Registration parse(const std::string& id) {
        const std::size_t slash = id.rfind('/'), colon = id.rfind(':');
        if (slash == id.npos || colon == id.npos || colon < slash) return {};
        return {id.substr(0, slash), id.substr(slash + 1, colon - slash - 1), id.substr(colon + 1)};
    }
};

std::string state_of_target(const Item& item) {
    return item.required("TargetHealth/State");
}

/// "unhealthy (Health checks failed with these codes: [502])"
std::string shown_health(const Item& item) {
    const std::string why = item.text("TargetHealth/Description");
    return state_of_target(item) + (why.empty() ? "" : fmt::format(" ({})", why));
}

/// A registration has neither tags nor an ID. It is identified by its group, target and port.
class RegisteredTarget final : public AwsType {
  public:
    RegisteredTarget();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_arn(config["target_group"], kElb.name, "targetgroup/", "a target group",
                  "use ${NAME.id} of an aws.target_group", problems);
        const Value& target = config["target"];
        if (target.is_string() && !target.as_string().starts_with("i-") &&
            !is_address(target.as_string()))
            problems
                .add(fmt::format("{} is neither an instance ID nor an IP address", quoted(target)),
                     target.loc())
                .with_hint("use ${NAME.id} or ${NAME.private_address} of an aws.instance");
    }
    std::vector<std::string> claims(const Value& config) const override {
        const std::string id = id_from(config);
        return id.empty() ? std::vector<std::string>() : std::vector{"aws target " + id};
    }
    std::string id_from(const Value& config) const override {
        for (const char* part : {"target_group", "target"})
            if (!config[part].is_string()) return {};
        if (!config["port"].is_integer()) return {};
        return Registration{config.text("target_group"), config.text("target"),
                            std::to_string(config.integer("port"))}
            .id();
    }
    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override;
    std::map<std::string, Item> by_identity(Region&,
                                            const std::vector<std::string>&) const override {
        return {};
    }
    [[nodiscard]] Params creation_tags(const Tags&) const override { return {}; }
    void retag(Region&, const std::string&, const Tags&,
               const std::vector<std::string>&) const override {}

    bool is_gone(const Item& item) const override { return state_of_target(item) == "draining"; }
    std::string leaving(const Item& item) const override {
        return fmt::format("waiting for the target, which is {}", shown_health(item));
    }
    Value observed(Region&, const Item& item, const Value&) const override {
        const Registration it = Registration::parse(item.text("id"));
        return Value::map(
            {{"target_group", it.group}, {"target", it.target}, {"port", to_number(it.port)}});
    }
    std::string unready(const Item& item, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params) const override {
        const std::string id = id_from(change.after);
        region.elb().call("RegisterTargets", Registration::parse(id).params(), true);
        return id;
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        try {
            region.elb().call("DeregisterTargets", Registration::parse(id).params(), true);
        } catch (const ServiceError& error) { // not registered, or already draining
            if (!error.is({"InvalidTarget"})) throw;
        }
    }
};

/// Sends one request for all targets of a group. A group that is gone has no targets.
std::map<std::string, Item> RegisteredTarget::by_id(Region& region,
                                                    const std::vector<std::string>& ids) const {
    std::map<std::string, std::set<std::string>> groups;
    for (const std::string& id : ids)
        if (const Registration it = Registration::parse(id); !it.group.empty())
            groups[it.group].insert(id);
    std::map<std::string, Item> out;
    for (const auto& [group, wanted] : groups) try {
            region.elb().each(names.describe, Params().add("TargetGroupArn", group),
                              "TargetHealthDescriptions", [&](const pugi::xml_node& node) {
                                  Item item(node);
                                  item.add("id", Registration{group, item.required("Target/Id"),
                                                              item.required("Target/Port")}
                                                     .id());
                                  if (wanted.contains(item.text("id")))
                                      out.emplace(item.text("id"), item);
                              });
        } catch (ServiceError& error) {
            if (error.action.empty()) error.action = described_by();
            if (!error.is({"TargetGroupNotFound"})) throw;
        }
    return out;
}

std::string RegisteredTarget::unready(const Item& item, const Value& config) const {
    const std::string state = state_of_target(item);
    // AWS does not check targets of a group without a listener
    const bool unchecked =
        state == "unused" && item.text("TargetHealth/Reason") == "Target.NotInUse";
    if (state == "healthy" || unchecked) return {};
    if (!config.flag("wait", true) && state != "draining") return {};
    return fmt::format("waiting for the target, which is {}", shown_health(item));
}

RegisteredTarget::RegisteredTarget()
    : AwsType(kElb, {.noun = "target", .describe = "DescribeTargetHealth", .id = "id"}) {
    name = "aws.target";
    summary = "An instance or IP address in a target group";
    doc =
        "Create registers the target and waits until the load balancer reports it healthy, up to "
        "ten minutes. AWS does not check the targets of a group that no listener uses yet. To "
        "wait in that case too, list the load balancer in `depends_on`. An existing registration "
        "is adopted.\n\n"
        "Detected and repaired: a target that was deregistered is registered again. Destroy "
        "deregisters the target and waits until its requests are complete (`deregistration_delay` "
        "of the group). Resources on which the target depends are removed only after that.";
    import_id = "TARGET_GROUP_ARN/TARGET:PORT";
    adopts = true;
    removal_limit = kLongestDrain;
    example = "target:\n"
              "  type: aws.target\n"
              "  for_each: [a, b]\n"
              "  target_group: ${web.id}\n"
              "  target: ${node[each.key].id}\n"
              "  port: 80\n"
              "  depends_on: [front]\n";
    schema = with_common(
        {
            {.name = "target_group",
             .type = TypeKind::string,
             .doc = "ARN of the target group.",
             .required = true,
             .replaces = true},
            {.name = "target",
             .type = TypeKind::string,
             .doc = "An instance ID, or an IP address in the VPC, depending on the group's "
                    "`target_type`.",
             .required = true,
             .replaces = true},
            {.name = "port",
             .type = TypeKind::port,
             .doc = "Port of the target.",
             .required = true,
             .replaces = true},
            {.name = "wait",
             .type = TypeKind::boolean,
             .doc = "Whether to wait until the target is healthy.",
             .operational = true,
             .default_value = Value(true)},
        },
        false, "TARGET_GROUP_ARN/TARGET:PORT.");
}

} // namespace

std::unique_ptr<ResourceType> target_type() {
    return std::make_unique<RegisteredTarget>();
}

} // namespace hadeploy::aws
