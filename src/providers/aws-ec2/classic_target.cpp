#include "providers/aws-ec2/aws_type.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

constexpr std::chrono::minutes kLongestDraining{65}; ///< the longest `draining` is an hour

/// One registration: BALANCER/INSTANCE.
struct ClassicRegistration {
    std::string balancer, instance;

    [[nodiscard]] std::string id() const { return fmt::format("{}/{}", balancer, instance); }
    [[nodiscard]] Params params() const {
        return Params()
            .add("LoadBalancerName", balancer)
            .add("Instances.member.1.InstanceId", instance);
    }
    /// An ID of another form gives a registration that does not exist.
    static ClassicRegistration parse(const std::string& id) {
        const std::size_t slash = id.find('/');
        if (slash == id.npos) return {};
        return {id.substr(0, slash), id.substr(slash + 1)};
    }
};

/// While open requests are completed, the state is still InService, and only the description shows
/// the deregistration.
bool is_draining(const Item& item) {
    return item.text("Description").find("deregistration currently in progress") !=
           std::string::npos;
}

/// "OutOfService (Instance has failed at least the UnhealthyThreshold number of health checks)"
std::string shown_service(const Item& item) {
    const std::string why = item.text("Description");
    return item.required("State") + (why.empty() || why == "N/A" ? "" : fmt::format(" ({})", why));
}

/// Registrations have neither tags nor an ID of their own: a resource is the registration with its
/// load balancer and instance.
class ClassicTarget final : public AwsType {
  public:
    ClassicTarget();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_text(config["balancer"],
                   {.noun = "the name of a load balancer", .most = 32, .others = "-"}, problems);
        check_id(config["instance"], "i-", "an instance", problems);
    }
    std::vector<std::string> claims(const Value& config) const override {
        const std::string id = id_from(config);
        return id.empty() ? std::vector<std::string>()
                          : std::vector{"aws classic target " + id + scope_of(config)};
    }
    std::string id_from(const Value& config) const override {
        if (!config["balancer"].is_string() || !config["instance"].is_string()) return {};
        return ClassicRegistration{config.text("balancer"), config.text("instance")}.id();
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

    bool is_gone(const Item& item) const override { return is_draining(item); }
    std::string leaving(const Item& item) const override {
        return fmt::format("waiting for the instance, which is {}", shown_service(item));
    }
    Value observed(Region&, const Item& item, const Value&) const override {
        const auto it = ClassicRegistration::parse(item.text("id"));
        return Value::map({{"balancer", it.balancer}, {"instance", it.instance}});
    }
    std::string unready(const Item& item, const Value& config) const override {
        const bool serves = item.required("State") == "InService" && !is_draining(item);
        if (serves || (!config.flag("wait", true) && !is_draining(item))) return {};
        return fmt::format("waiting for the instance, which is {}", shown_service(item));
    }
    std::string create(Region& region, const Change& change, Params) const override {
        const std::string id = id_from(change.after);
        region.classic_elb().call("RegisterInstancesWithLoadBalancer",
                                  ClassicRegistration::parse(id).params(), true);
        return id;
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        try {
            region.classic_elb().call("DeregisterInstancesFromLoadBalancer",
                                      ClassicRegistration::parse(id).params(), true);
        } catch (const ServiceError& error) { // not registered, or its instance is gone
            if (!error.is({"InvalidInstance", "InvalidEndPoint"})) throw;
        }
    }

  private:
    void look(Region& region, const std::string& balancer, const std::string& instance,
              const std::function<void(const pugi::xml_node&)>& take) const;
};

/// The registered instances of a load balancer, or one that may be draining: AWS lists a draining
/// instance only if the request names it.
void ClassicTarget::look(Region& region, const std::string& balancer, const std::string& instance,
                         const std::function<void(const pugi::xml_node&)>& take) const {
    Params params;
    params.add("LoadBalancerName", balancer);
    if (!instance.empty()) params.add("Instances.member.1.InstanceId", instance);
    region.classic_elb().each(names.describe, params, "InstanceStates", take);
}

/// Sends one request for all instances of a load balancer, and one for each instance that the
/// response lacks. A load balancer that is gone has no instances.
std::map<std::string, Item> ClassicTarget::by_id(Region& region,
                                                 const std::vector<std::string>& ids) const {
    std::map<std::string, std::set<std::string>> balancers;
    for (const std::string& id : ids)
        if (const auto it = ClassicRegistration::parse(id); !it.balancer.empty())
            balancers[it.balancer].insert(it.instance);
    std::map<std::string, Item> out;
    for (const auto& [balancer, wanted] : balancers) {
        const auto take = [&, &balancer = balancer, &wanted = wanted](const pugi::xml_node& node) {
            Item item(node);
            const std::string instance = item.text("InstanceId");
            if (instance.empty())
                throw wrong_answer(described_by(),
                                   "the response has an instance without its <InstanceId>");
            if (!wanted.contains(instance) ||
                item.text("Description").find("not currently registered") != std::string::npos)
                return;
            item.add("id", ClassicRegistration{balancer, instance}.id());
            out.emplace(item.text("id"), item);
        };
        try {
            look(region, balancer, "", take);
            for (const std::string& instance : wanted)
                if (!out.contains(ClassicRegistration{balancer, instance}.id())) try {
                        look(region, balancer, instance, take);
                    } catch (const ServiceError& error) {
                        if (!error.is({"InvalidInstance", "InvalidEndPoint"})) throw;
                    }
        } catch (const ServiceError& error) {
            if (!error.is({"LoadBalancerNotFound"})) throw;
        }
    }
    return out;
}

ClassicTarget::ClassicTarget()
    : AwsType(kClassicElb,
              {.noun = "registration", .describe = "DescribeInstanceHealth", .id = "id"}) {
    name = "aws.classic_target";
    summary = "An instance behind a classic load balancer";
    doc = "Registers the instance, then waits up to ten minutes until it is InService. An existing "
          "registration is adopted.\n\n"
          "Detected and repaired: an instance that was deregistered is registered again. Destroy "
          "deregisters the instance and waits until its requests are complete (see `draining` of "
          "the load balancer). Changes and removals of the instance wait for this.";
    import_id = "BALANCER/INSTANCE";
    adopts = true;
    removal_limit = kLongestDraining;
    example = "target:\n"
              "  type: aws.classic_target\n"
              "  for_each: [a, b]\n"
              "  balancer: ${front.id}\n"
              "  instance: ${node[each.key].id}\n";
    schema = with_common(
        {
            {.name = "balancer",
             .type = TypeKind::string,
             .doc = "Name of the load balancer.",
             .required = true,
             .replaces = true},
            {.name = "instance",
             .type = TypeKind::string,
             .doc = "ID of the instance.",
             .required = true,
             .replaces = true},
            {.name = "wait",
             .type = TypeKind::boolean,
             .doc = "Whether to wait until it is in service.",
             .operational = true,
             .default_value = Value(true)},
        },
        false, "BALANCER/INSTANCE.");
}

} // namespace

std::unique_ptr<ResourceType> classic_target_type() {
    return std::make_unique<ClassicTarget>();
}

} // namespace hadeploy::aws
