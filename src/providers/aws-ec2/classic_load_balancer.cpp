#include "providers/aws-ec2/classic_listener.h"
#include "providers/aws-ec2/elb_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr const char* kBalancer = "LoadBalancerName";

Params of_balancer(const std::string& id) {
    return Params().add(kBalancer, id);
}

/// The members of one list that are missing in a second list.
std::vector<std::string> those_missing(const Value& from, const Value& in) {
    std::vector<std::string> out;
    const std::vector<std::string> others = texts_of(in);
    for (const std::string& one : texts_of(from))
        if (std::find(others.begin(), others.end(), one) == others.end()) out.push_back(one);
    return out;
}

class ClassicLoadBalancer final : public ElbType {
  public:
    ClassicLoadBalancer();
    std::string costs(const Value&) const override { return "classic load balancer"; }
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_name(config["name"], problems);
        check_ids(config["subnets"], "subnet-", "a subnet", problems);
        check_ids(config["security_groups"], "sg-", "a security group", problems);
        check_seconds(config["draining"], "the time for draining", problems);
        check_seconds(config["idle_timeout"], "the idle timeout", problems);
        check_classic_listeners(config["listeners"], problems);
        check_classic_check(config["health_check"], problems);
    }
    std::string conflict(Region& region, const Value& config) const override {
        require_zones(region, config["subnets"], 1, "the load balancer");
        return ElbType::conflict(region, config);
    }
    Value observed(Region& region, const Item& item, const Value& config) const override;
    bool needs_more(const Value&) const override { return true; }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    /// The listeners and registrations of the load balancer are removed with it.
    void remove(Region& region, const std::string& id, const Value&) const override {
        client(region).call("DeleteLoadBalancer", of_balancer(id), true);
    }

  protected:
    Client& client(Region& region) const override { return region.classic_elb(); }
    void specify(Region& region, Params& params, const Value& config) const override {
        require_zones(region, config["subnets"], 1, "the load balancer");
        specify_listeners(params, classic_listeners_of(config["listeners"]));
        params.list("Subnets.member", texts_of(config["subnets"]))
            .list("SecurityGroups.member", texts_of(config["security_groups"]));
        if (config.text("scheme") == "internal") params.add("Scheme", std::string("internal"));
    }

  private:
    void set_subnets(Region& region, const std::string& id, const Value& before,
                     const Value& after) const;
    void set_attributes(Region& region, const std::string& id, const Value& before,
                        const Value& after) const;
    void set_listeners(Region& region, const std::string& id, const ClassicListeners& have,
                       const ClassicListeners& wanted, const Notice& progress) const;
};

Value ClassicLoadBalancer::observed(Region& region, const Item& item, const Value& config) const {
    const pugi::xml_node root = item.root();
    const auto answer = client(region).call("DescribeLoadBalancerAttributes",
                                            of_balancer(item.text(kBalancer)), true);
    const pugi::xml_node attributes = result_of(*answer).child("LoadBalancerAttributes");
    if (!attributes)
        throw wrong_answer("elasticloadbalancing:DescribeLoadBalancerAttributes",
                           "the response has no <LoadBalancerAttributes>");
    const pugi::xml_node draining = attributes.child("ConnectionDraining");
    const auto is_on = [](const pugi::xml_node& one) {
        return one.child_value("Enabled") == std::string_view("true");
    };
    const ClassicListeners there = classic_listeners_of(root.child("ListenerDescriptions"));
    const Value& wanted = config["listeners"];
    const Value subnets = set_of_texts(members_of(root.child("Subnets")));
    if (!(config["subnets"] == subnets))
        require_zones(region, config["subnets"], 1, "the load balancer");
    Value out = Value::map(
        {{"name", observed_name(item, config)},
         {"scheme", item.required("Scheme")},
         {"subnets", subnets},
         {"security_groups", set_of_texts(members_of(root.child("SecurityGroups")))},
         {"listeners",
          wanted.is_list() && classic_listeners_of(wanted) == there ? wanted : value_of(there)},
         {"cross_zone", is_on(attributes.child("CrossZoneLoadBalancing"))},
         {"draining", is_on(draining) ? from_seconds(draining.child_value("Timeout")) : Value(0)},
         {"dns_name", item.required("DNSName")},
         {"zone_id", item.text("CanonicalHostedZoneNameID")},
         {"vpc", item.text("VPCId")}});
    if (const std::string idle = attributes.child("ConnectionSettings").child_value("IdleTimeout");
        !idle.empty())
        out = out.with("idle_timeout", from_seconds(idle));
    return out.with("health_check", classic_check_of(root.child("HealthCheck")));
}

void ClassicLoadBalancer::change(Region& region, const Item& item, const Value& before,
                                 const Value& after, const Notice& progress) const {
    const std::string id = item.text(kBalancer);
    if (changes_from(before, after, "subnets")) set_subnets(region, id, before, after);
    if (changes_from(before, after, "security_groups"))
        client(region).call(
            "ApplySecurityGroupsToLoadBalancer",
            of_balancer(id).list("SecurityGroups.member", texts_of(after["security_groups"])),
            true);
    set_attributes(region, id, before, after);
    if (changes_from(before, after, "health_check")) {
        Params params = classic_check_params(after["health_check"]);
        client(region).call("ConfigureHealthCheck", params.add(kBalancer, id), true);
    }
    if (changes_from(before, after, "listeners"))
        set_listeners(region, id, classic_listeners_of(item.root().child("ListenerDescriptions")),
                      classic_listeners_of(after["listeners"]), progress);
}

/// A zone has one subnet, so old subnets are detached before new ones are attached. If all subnets
/// change, the new ones are attached first, because the last subnet cannot be detached.
void ClassicLoadBalancer::set_subnets(Region& region, const std::string& id, const Value& before,
                                      const Value& after) const {
    const auto added = those_missing(after["subnets"], before["subnets"]);
    const auto gone = those_missing(before["subnets"], after["subnets"]);
    const auto send = [&](const char* action, const std::vector<std::string>& subnets) {
        if (!subnets.empty())
            client(region).call(action, of_balancer(id).list("Subnets.member", subnets), true);
    };
    const bool all_go = gone.size() == texts_of(before["subnets"]).size();
    if (!all_go) send("DetachLoadBalancerFromSubnets", gone);
    send("AttachLoadBalancerToSubnets", added);
    if (all_go) send("DetachLoadBalancerFromSubnets", gone);
}

void ClassicLoadBalancer::set_attributes(Region& region, const std::string& id, const Value& before,
                                         const Value& after) const {
    const std::string prefix = "LoadBalancerAttributes.";
    Params params = of_balancer(id);
    if (changes_from(before, after, "cross_zone"))
        params.add(prefix + "CrossZoneLoadBalancing.Enabled", after.flag("cross_zone"));
    if (changes_from(before, after, "draining")) {
        const bool on = after.integer("draining") > 0;
        params.add(prefix + "ConnectionDraining.Enabled", on);
        if (on) params.add(prefix + "ConnectionDraining.Timeout", in_seconds(after["draining"]));
    }
    if (changes_from(before, after, "idle_timeout"))
        params.add(prefix + "ConnectionSettings.IdleTimeout", in_seconds(after["idle_timeout"]));
    if (params.all().size() > 1) client(region).call("ModifyLoadBalancerAttributes", params, true);
}

/// Only the certificate of a listener can change. For any other change, the old listener is removed
/// just before the new one is created. Listeners on new ports are created first.
void ClassicLoadBalancer::set_listeners(Region& region, const std::string& id,
                                        const ClassicListeners& have,
                                        const ClassicListeners& wanted,
                                        const Notice& progress) const {
    const auto end = [&](std::int64_t port) {
        client(region).call("DeleteLoadBalancerListeners",
                            of_balancer(id).add("LoadBalancerPorts.member.1", std::to_string(port)),
                            true);
    };
    const auto set = [&](std::int64_t port, const ClassicListener& listener) {
        progress(fmt::format("setting the listener of port {}", port));
        const auto old = have.find(port);
        if (old != have.end()) {
            ClassicListener renewed = old->second;
            renewed.certificate = listener.certificate;
            if (renewed == listener) {
                client(region).call("SetLoadBalancerListenerSSLCertificate",
                                    of_balancer(id)
                                        .add("LoadBalancerPort", std::to_string(port))
                                        .add("SSLCertificateId", listener.certificate),
                                    true);
                return;
            }
            end(port);
        }
        Params params = of_balancer(id);
        specify_listeners(params, {{port, listener}});
        client(region).call("CreateLoadBalancerListeners", params, true);
    };
    for (const auto& [port, listener] : wanted)
        if (!have.contains(port)) set(port, listener);
    for (const auto& [port, listener] : wanted)
        if (const auto old = have.find(port); old != have.end() && !(old->second == listener))
            set(port, listener);
    for (const auto& [port, listener] : have)
        if (!wanted.contains(port)) end(port);
}

Schema classic_schema() {
    return {
        {.name = "name",
         .type = TypeKind::string,
         .doc = "Name, unique in the region; at most 32 characters.",
         .required = true,
         .replaces = true},
        {.name = "scheme",
         .type = TypeKind::string,
         .doc = "Whether it has public addresses.",
         .replaces = true,
         .default_value = Value("internet-facing"),
         .one_of = {"internet-facing", "internal"}},
        {.name = "subnets",
         .type = set_of(TypeKind::string),
         .doc = "IDs of subnets, each in a different availability zone.",
         .required = true,
         .min = 1},
        {.name = "security_groups",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the security groups. The VPC's default if not set.",
         .filled = true,
         .min = 1},
        {.name = "listeners",
         .type = list_of(object_of(classic_listener_fields())),
         .doc = "All its listeners, one for each port.",
         .required = true,
         .min = 1},
        {.name = "health_check",
         .type = object_of(classic_check_fields()),
         .doc = "The check that decides whether an instance is in service. If not set, AWS tries "
                "to connect to the port of the first listener.",
         .filled = true},
        {.name = "cross_zone",
         .type = TypeKind::boolean,
         .doc = "Whether each address distributes requests over the instances of all zones.",
         .default_value = Value(true)},
        {.name = "draining",
         .type = TypeKind::duration,
         .doc = "How long open requests to an instance may take after it is deregistered. 0s: they "
                "are interrupted.",
         .default_value = Value(300'000),
         .min = 0,
         .max = 3'600'000},
        {.name = "idle_timeout",
         .type = TypeKind::duration,
         .doc = "How long a connection without data is kept.",
         .default_value = Value(60'000),
         .min = 1'000,
         .max = 4'000'000},
        {.name = "dns_name",
         .type = TypeKind::string,
         .doc = "DNS name of the load balancer.",
         .computed = true,
         .open = true},
        {.name = "zone_id",
         .type = TypeKind::string,
         .doc = "ID of the hosted zone for an alias of Route 53.",
         .computed = true,
         .open = true},
        {.name = "vpc",
         .type = TypeKind::string,
         .doc = "ID of the VPC.",
         .computed = true,
         .open = true},
    };
}

ClassicLoadBalancer::ClassicLoadBalancer()
    : ElbType({.noun = "classic load balancer",
               .describe = "DescribeLoadBalancers",
               .create = "CreateLoadBalancer",
               .set = "LoadBalancerDescriptions",
               .id = kBalancer,
               .name = kBalancer,
               .service = kClassicElb,
               .new_name = kBalancer,
               .looked_up = "LoadBalancerNames.member",
               .tagged = "LoadBalancerNames.member",
               .owner = kBalancer}) {
    name = "aws.classic_load_balancer";
    summary = "A load balancer of the first generation, with its listeners";
    doc = "AWS recommends `aws.load_balancer` for new load balancers. Each instance behind a "
          "classic load balancer is a separate resource, an `aws.classic_target`. All settings "
          "except name and scheme change in place. While a listener's protocol or instance port "
          "changes, the listener is missing for a moment.\n\n"
          "Detected and repaired: listeners, health check, subnets, security groups, attributes "
          "and tags; a load balancer that is gone is created again. Destroy removes it with its "
          "listeners.";
    import_id = "the name of the load balancer";
    example =
        "front:\n"
        "  type: aws.classic_load_balancer\n"
        "  name: front\n"
        "  subnets: [\"${subnet_a.id}\", \"${subnet_b.id}\"]\n"
        "  security_groups: [\"${public.id}\"]\n"
        "  listeners: [{port: 80, protocol: HTTP, instance_port: 8080}]\n"
        "  health_check: {protocol: HTTP, port: 8080, path: /ping, interval: 5s, timeout: 2s, "
        "healthy_threshold: 2}\n"
        "  draining: 30s\n";
    schema = with_common(classic_schema(), true, "Its name.");
}

} // namespace

std::unique_ptr<ResourceType> classic_load_balancer_type() {
    return std::make_unique<ClassicLoadBalancer>();
}

} // namespace hadeploy::aws
