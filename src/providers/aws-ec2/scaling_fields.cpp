#include "providers/aws-ec2/scaling_fields.h"

namespace hadeploy::aws {

namespace {

constexpr std::int64_t kMostInstances = 10'000;

Schema size_fields() {
    const auto size = [](const char* called, const char* doc) {
        return Attribute{
            .name = called, .type = TypeKind::integer, .doc = doc, .min = 0, .max = kMostInstances};
    };
    Schema out{size("min", "Minimum number of instances."),
               size("max", "Maximum number of instances."),
               size("desired", "Desired number of instances. If not set, a new group begins with "
                               "`min`, and scaling policies may change the number.")};
    out[0].required = out[1].required = true;
    out[2].filled = true;
    return out;
}

Schema check_and_refresh_fields() {
    return {
        {.name = "health_check",
         .type = TypeKind::string,
         .doc = "Health checks after which an instance is replaced: only those of EC2, or also "
                "those of its target groups (ELB).",
         .default_value = Value("EC2"),
         .one_of = {"EC2", "ELB"}},
        {.name = "health_check_grace",
         .type = TypeKind::duration,
         .doc = "How long after its launch an unhealthy instance is not replaced.",
         .filled = true,
         .min = 0,
         .max = 7'200'000},
        {.name = "suspended",
         .type = set_of(TypeKind::string),
         .doc = "Processes to suspend: Launch, Terminate, AddToLoadBalancer, "
                "AlarmNotification, AZRebalance, HealthCheck, InstanceRefresh, ReplaceUnhealthy, "
                "ScheduledActions.",
         .default_value = Value::list({})},
        {.name = "template_change",
         .type = TypeKind::string,
         .doc = "Effect of a different template or version: `refresh` replaces the instances, a "
                "few at a time; `keep` leaves them alone, and only new instances use it.",
         .operational = true,
         .default_value = Value("refresh"),
         .one_of = {"refresh", "keep"}},
        {.name = "refresh",
         .type = object_of({{.name = "min_healthy",
                             .type = TypeKind::integer,
                             .doc = "Percentage of the desired number of instances that stays "
                                    "in service.",
                             .default_value = Value(90),
                             .min = 0,
                             .max = 100},
                            {.name = "warmup",
                             .type = TypeKind::duration,
                             .doc = "How long after its launch an instance counts as warming up. "
                                    "Default: the group's setting.",
                             .min = 0,
                             .max = 86'400'000}}),
         .doc = "Settings of the instance refresh that replaces the instances.",
         .operational = true,
         .default_value = Value::map({{"min_healthy", 90}})},
        {.name = "wait",
         .type = TypeKind::boolean,
         .doc = "Whether to wait until instances are in service, and until outdated instances "
                "are replaced.",
         .operational = true,
         .default_value = Value(true)},
        {.name = "timeout",
         .type = TypeKind::duration,
         .doc = "Maximum time to wait.",
         .operational = true,
         .default_value = Value(std::int64_t{1'800'000}),
         .min = 1'000},
        {.name = "force_destroy",
         .type = TypeKind::boolean,
         .doc = "Whether destroy terminates the instances immediately, without draining them.",
         .operational = true,
         .default_value = Value(false)},
    };
}

} // namespace

Schema scaling_group_fields() {
    Schema out{
        {.name = "name",
         .type = TypeKind::string,
         .doc = "Name, unique in the region.",
         .required = true,
         .replaces = true},
        {.name = "launch_template",
         .type = TypeKind::string,
         .doc = "ID of the launch template.",
         .required = true},
        {.name = "version",
         .type = TypeKind::string,
         .doc = "Version number of the launch template: `${NAME.version}`.",
         .required = true},
        {.name = "subnets",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the subnets in which instances are launched. AWS distributes the instances "
                "among the availability zones.",
         .required = true,
         .min = 1},
        {.name = "target_groups",
         .type = set_of(TypeKind::string),
         .doc = "ARNs of the target groups in which instances are registered.",
         .default_value = Value::list({})},
    };
    for (Schema part : {size_fields(), check_and_refresh_fields()})
        for (Attribute& a : part) out.push_back(std::move(a));
    out.push_back(
        {.name = "arn", .type = TypeKind::string, .doc = "ARN.", .computed = true, .open = true});
    out.push_back({.name = "instances",
                   .type = list_of(TypeKind::string),
                   .doc = "IDs of the instances at the last read.",
                   .computed = true,
                   .open = true,
                   .changes_on_update = true});
    return out;
}

} // namespace hadeploy::aws
