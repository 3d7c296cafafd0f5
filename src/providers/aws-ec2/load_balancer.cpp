#include "core/secrecy.h"
#include "providers/aws-ec2/costs.h"
#include "providers/aws-ec2/elb_type.h"
#include "providers/aws-ec2/listener.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::int64_t kIdleTimeout = 60'000; ///< milliseconds; AWS's default
constexpr std::size_t kLeastZones = 2;        ///< for an application load balancer
constexpr const char* kIdleKey = "idle_timeout.timeout_seconds";
constexpr const char* kProtectedKey = "deletion_protection.enabled";

using Attributes = std::map<std::string, std::string>;

void set_attributes(Region& region, const std::string& id, const Attributes& attributes) {
    set_elb_attributes(region, "ModifyLoadBalancerAttributes", "LoadBalancerArn", id, attributes);
}

void require_balancer_zones(Region& region, const Value& config) {
    const bool application = config.text("balancer_type") == "application";
    require_zones(region, config["subnets"], application ? kLeastZones : 1, "the load balancer");
}

class LoadBalancer final : public ElbType {
  public:
    LoadBalancer();
    std::string costs(const Value& config) const override {
        return charged(config["balancer_type"]) + " load balancer";
    }
    void check_own(const Value& config, Diagnostics& problems) const override;
    std::optional<DataLoss> held_data(const Value& balancer) const override {
        if (!balancer.flag("deletion_protection")) return {};
        return DataLoss{fmt::format("the load balancer {}, which is protected against deletion",
                                    balancer.text("name"))};
    }
    std::string conflict(Region& region, const Value& config) const override {
        require_balancer_zones(region, config);
        return ElbType::conflict(region, config);
    }
    Value observed(Region& region, const Item& item, const Value& config) const override;
    std::string unready(const Item& item, const Value&) const override {
        const std::string state = item.required("State/Code");
        if (state == "failed")
            throw Error(ErrorKind::failed, fmt::format("AWS could not create the load balancer: {}",
                                                       item.text("State/Reason")))
                .with_hint("to replace it in the next apply, run `hadeploy taint`");
        const bool ready = state == "active" || state == "active_impaired";
        return ready ? "" : fmt::format("waiting for the load balancer, which is {}", state);
    }
    bool needs_more(const Value& config) const override {
        return config["listeners"].is_list() || config.flag("deletion_protection") ||
               config.integer("idle_timeout", kIdleTimeout) != kIdleTimeout;
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    /// Its listeners are deleted with it.
    void remove(Region& region, const std::string& id, const Value& before) const override {
        if (before.flag("deletion_protection"))
            set_attributes(region, id, {{kProtectedKey, "false"}});
        region.elb().call("DeleteLoadBalancer", Params().add("LoadBalancerArn", id), true);
    }

  protected:
    void specify(Region& region, Params& params, const Value& config) const override {
        require_balancer_zones(region, config);
        params.add("Type", config.text("balancer_type"))
            .add("Scheme", config.text("scheme"))
            .list("Subnets.member", texts_of(config["subnets"]))
            .list("SecurityGroups.member", texts_of(config["security_groups"]));
    }

  private:
    static std::vector<pugi::xml_node>
    listeners_at(Region& region, const std::string& id,
                 std::vector<std::shared_ptr<pugi::xml_document>>& keep);
    static void set_listeners(Region& region, const std::string& id, const Listeners& wanted,
                              const Notice& progress);
};

void LoadBalancer::check_own(const Value& config, Diagnostics& problems) const {
    check_name(config["name"], problems);
    const std::string kind =
        config["balancer_type"].is_string() ? config.text("balancer_type") : std::string();
    const Value &subnets = config["subnets"], &groups = config["security_groups"];
    check_ids(subnets, "subnet-", "a subnet", problems);
    if (subnets.is_list() && kind == "application" && subnets.as_list().size() < kLeastZones)
        problems
            .add("an application load balancer needs subnets in at least two availability zones",
                 subnets.loc())
            .with_hint("add a subnet in a different zone; for a network load balancer, one is "
                       "enough");
    check_ids(groups, "sg-", "a security group", problems);
    if (kind == "network" && !config["idle_timeout"].is_null())
        problems
            .add("a network load balancer cannot have an idle timeout",
                 config["idle_timeout"].loc())
            .with_hint("remove `idle_timeout`");
    check_seconds(config["idle_timeout"], "the idle timeout", problems);
    check_listeners(config["listeners"], kind, problems);
}

/// The listeners of a load balancer; `keep` owns them.
std::vector<pugi::xml_node>
LoadBalancer::listeners_at(Region& region, const std::string& id,
                           std::vector<std::shared_ptr<pugi::xml_document>>& keep) {
    std::vector<pugi::xml_node> out;
    region.elb().each("DescribeListeners", Params().add("LoadBalancerArn", id), "Listeners",
                      [&](const pugi::xml_node& node) {
                          keep.push_back(std::make_shared<pugi::xml_document>());
                          out.push_back(keep.back()->append_copy(node));
                      });
    return out;
}

Value LoadBalancer::observed(Region& region, const Item& item, const Value& config) const {
    const std::string id = item.text("LoadBalancerArn"), kind = item.required("Type");
    const pugi::xml_node root = item.root();
    Attributes attributes =
        elb_attributes(region, "DescribeLoadBalancerAttributes", "LoadBalancerArn", id);
    std::vector<std::shared_ptr<pugi::xml_document>> keep;
    const Listeners there = listeners_of(listeners_at(region, id, keep));
    const Value& wanted = config["listeners"];
    const Value subnets = set_of_texts(members_of(root.child("AvailabilityZones"), "SubnetId"));
    if (!(config["subnets"] == subnets)) require_balancer_zones(region, config);
    Value out = Value::map(
        {{"name", observed_name(item, config)},
         {"balancer_type", kind},
         {"scheme", item.required("Scheme")},
         {"subnets", subnets},
         {"security_groups", set_of_texts(members_of(root.child("SecurityGroups")))},
         {"deletion_protection", attributes[kProtectedKey] == "true"},
         {"listeners",
          wanted.is_list() && listeners_of(wanted) == there ? wanted : value_of(there, wanted)},
         {"vpc", item.text("VpcId")},
         {"dns_name", item.required("DNSName")},
         {"zone_id", item.text("CanonicalHostedZoneId")}});
    if (kind != "application") return out;
    const std::string idle = attributes[kIdleKey];
    return out.with("idle_timeout", idle.empty() ? Value(kIdleTimeout) : from_seconds(idle));
}

void LoadBalancer::change(Region& region, const Item& item, const Value& before, const Value& after,
                          const Notice& progress) const {
    const std::string id = item.text("LoadBalancerArn");
    const auto set = [&](const char* name, const char* action, const char* parameter) {
        if (!changes_from(before, after, name)) return;
        Params params;
        params.add("LoadBalancerArn", id).list(parameter, texts_of(after[name]));
        region.elb().call(action, params, true);
    };
    set("subnets", "SetSubnets", "Subnets.member");
    set("security_groups", "SetSecurityGroups", "SecurityGroups.member");
    Attributes attributes;
    if (changes_from(before, after, "idle_timeout"))
        attributes[kIdleKey] = in_seconds(after["idle_timeout"]);
    if (changes_from(before, after, "deletion_protection"))
        attributes[kProtectedKey] = after.flag("deletion_protection") ? "true" : "false";
    set_attributes(region, id, attributes);
    if (changes_from(before, after, "listeners"))
        set_listeners(region, id, listeners_of(after["listeners"]), progress);
}

/// Creates and changes listeners before it removes old ones.
void LoadBalancer::set_listeners(Region& region, const std::string& id, const Listeners& wanted,
                                 const Notice& progress) {
    std::vector<std::shared_ptr<pugi::xml_document>> keep;
    const std::vector<pugi::xml_node> described = listeners_at(region, id, keep);
    const Listeners there = listeners_of(described);
    std::map<std::int64_t, std::string> arns;
    for (const pugi::xml_node& one : described)
        arns[to_number(one.child_value("Port"))] = one.child_value("ListenerArn");
    for (const auto& [port, listener] : wanted) {
        const auto old = there.find(port);
        if (old != there.end() && old->second == listener) continue;
        progress(fmt::format("setting the listener of port {}", port));
        Params params = listener_params(port, listener);
        const bool fresh = old == there.end();
        if (fresh)
            params.add("LoadBalancerArn", id);
        else
            params.add("ListenerArn", arns[port]);
        try {
            region.elb().call(fresh ? "CreateListener" : "ModifyListener", params, true);
        } catch (const ServiceError& error) { // created by an attempt whose response was lost
            if (!error.is({"DuplicateListener"})) throw;
        }
    }
    for (const auto& [port, arn] : arns)
        if (!wanted.contains(port))
            region.elb().call("DeleteListener", Params().add("ListenerArn", arn), true);
}

Schema balancer_schema() {
    return {
        {.name = "name",
         .type = TypeKind::string,
         .doc = "Name, unique in the region; at most 32 characters.",
         .required = true,
         .replaces = true},
        {.name = "balancer_type",
         .type = TypeKind::string,
         .doc = "`application` for HTTP, `network` for TCP and UDP.",
         .replaces = true,
         .default_value = Value("application"),
         .one_of = {"application", "network"}},
        {.name = "scheme",
         .type = TypeKind::string,
         .doc = "`internet-facing`: the load balancer has public addresses. `internal`: it has "
                "only private ones.",
         .replaces = true,
         .default_value = Value("internet-facing"),
         .one_of = {"internet-facing", "internal"}},
        {.name = "subnets",
         .type = set_of(TypeKind::string),
         .doc = "IDs of subnets, each in a different availability zone. An application load "
                "balancer needs at least two.",
         .required = true,
         .min = 1},
        {.name = "security_groups",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the security groups. If a network load balancer was created without any, "
                "none can be added later.",
         .filled = true},
        {.name = "idle_timeout",
         .type = TypeKind::duration,
         .doc = "How long an application load balancer keeps an idle connection open.",
         .filled = true,
         .min = 1'000,
         .max = 4'000'000},
        {.name = "deletion_protection",
         .type = TypeKind::boolean,
         .doc = "Whether AWS refuses to delete the load balancer. Removing a protected one has to "
                "be confirmed as a data loss; apply then turns off the protection.",
         .default_value = Value(false)},
        {.name = "listeners",
         .type = list_of(object_of(listener_fields())),
         .doc = "All listeners of the load balancer, one for each port. Not managed if not set."},
        {.name = "dns_name",
         .type = TypeKind::string,
         .doc = "DNS name of the load balancer.",
         .computed = true,
         .open = true},
        {.name = "zone_id",
         .type = TypeKind::string,
         .doc = "ID of the hosted zone, for a Route 53 alias record.",
         .computed = true,
         .open = true},
        {.name = "vpc",
         .type = TypeKind::string,
         .doc = "ID of the VPC.",
         .computed = true,
         .open = true},
    };
}

LoadBalancer::LoadBalancer()
    : ElbType({.noun = "load balancer",
               .describe = "DescribeLoadBalancers",
               .create = "CreateLoadBalancer",
               .set = "LoadBalancers",
               .id = "LoadBalancerArn",
               .name = "LoadBalancerName"}) {
    name = "aws.load_balancer";
    summary = "An application or network load balancer with its listeners";
    doc = "Create waits until the load balancer is active, which takes minutes; other changes "
          "continue in the meantime. Listeners, subnets, security groups and attributes change in "
          "place. New listeners are created before old ones are removed. Listener rules are left "
          "alone.\n\n"
          "Detected and repaired: listeners that were added, changed or removed, subnets, security "
          "groups, attributes and tags; a load balancer that is gone is created again. Destroy "
          "removes it with its listeners.";
    import_id = "the ARN of the load balancer";
    limit = std::chrono::minutes(15);
    example = "front:\n"
              "  type: aws.load_balancer\n"
              "  name: front\n"
              "  subnets: [\"${subnet_a.id}\", \"${subnet_b.id}\"]\n"
              "  security_groups: [\"${public.id}\"]\n"
              "  listeners:\n"
              "    - {port: 80, protocol: HTTP, redirect: {}}\n"
              "    - {port: 443, protocol: HTTPS, certificate: \"${var.certificate}\", "
              "target_group: \"${web.id}\"}\n";
    schema = with_common(balancer_schema(), true, "ARN.");
}

} // namespace

std::unique_ptr<ResourceType> load_balancer_type() {
    return std::make_unique<LoadBalancer>();
}

} // namespace hadeploy::aws
