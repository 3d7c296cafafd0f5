#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "providers/aws-ec2/costs.h"
#include "providers/aws-ec2/elb_type.h"
#include "providers/aws-ec2/scaling_fields.h"
#include "providers/aws-ec2/scaling_refresh.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::aws {

namespace {

constexpr std::size_t kMostGroups = 50; ///< names, or values of a filter, in a request
constexpr std::size_t kMostNameOfGroup = 255;
constexpr const char* kGroupPage = "100";
constexpr const char* kNameKey = "AutoScalingGroupName";

/// The processes of Auto Scaling that can be suspended.
const std::vector<std::string>& processes() {
    static const std::vector<std::string> all{
        "Launch",      "Terminate",       "AddToLoadBalancer", "AlarmNotification", "AZRebalance",
        "HealthCheck", "InstanceRefresh", "ReplaceUnhealthy",  "ScheduledActions"};
    return all;
}

/// Number attributes, and their names as parameters of CreateAutoScalingGroup and
/// UpdateAutoScalingGroup, and as elements of a response.
constexpr std::array<std::pair<const char*, const char*>, 3> kSizes{
    {{"min", "MinSize"}, {"max", "MaxSize"}, {"desired", "DesiredCapacity"}}};

bool refreshes(const Value& config) {
    return config.text("template_change", "refresh") == "refresh";
}

class ScalingGroup final : public AwsType {
  public:
    ScalingGroup();
    /// The launch template, which is another resource, has their type.
    std::string costs(const Value& config) const override {
        return fmt::format("{} to {}", charged(config["min"], ""),
                           charged(config["max"], "instances"));
    }
    void check_own(const Value& config, Diagnostics& problems) const override;
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || config["region"].is_unknown() ||
            config["profile"].is_unknown())
            return {};
        return {fmt::format("aws autoscaling group {}{}", config.text("name"), scope_of(config))};
    }
    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override {
        return found(region, ids, [](Params& params, const std::vector<std::string>& some) {
            params.list("AutoScalingGroupNames.member", some);
        });
    }
    std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const override;
    [[nodiscard]] Params creation_tags(const Tags& tags) const override {
        Params out;
        for (int n = 0; const auto& [key, value] : tags)
            add_tag(out, fmt::format("Tags.member.{}.", ++n), key, &value);
        return out;
    }
    void retag(Region& region, const std::string& id, const Tags& set,
               const std::vector<std::string>& gone) const override;

    bool is_gone(const Item& item) const override { return !item.text("Status").empty(); }
    std::string leaving(const Item& item) const override {
        return fmt::format("waiting until its {} instances are terminated",
                           instances_of(item).size());
    }
    std::chrono::milliseconds limit_of(const Value& config) const override {
        return std::chrono::milliseconds(config.integer("timeout", kUsualTimeout));
    }
    std::string conflict(Region& region, const Value& config) const override {
        if (!config["name"].is_string()) return {};
        const auto there = by_id(region, {config.text("name")});
        if (there.empty() || is_gone(there.begin()->second)) return {};
        return fmt::format("the autoscaling group {}", config.text("name"));
    }
    Value observed(Region&, const Item& item, const Value& config) const override;
    std::string unready(const Item& item, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params params) const override;
    bool needs_more(const Value& config) const override {
        return !texts_of(config["suspended"]).empty();
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value& before) const override;

  private:
    static constexpr std::int64_t kUsualTimeout = 1'800'000; ///< milliseconds

    using Ask = std::function<void(Params&, const std::vector<std::string>&)>;
    std::map<std::string, Item> found(Region& region, const std::vector<std::string>& wanted,
                                      const Ask& ask) const;
    static void add_tag(Params& params, const std::string& prefix, const std::string& key,
                        const std::string* value);
    static void specify(Params& params, const Value& before, const Value& after);
};

void check_processes(const Value& list, Diagnostics& problems) {
    if (!list.is_list()) return;
    for (const Value& one : list.as_list()) {
        if (!one.is_string() ||
            std::find(processes().begin(), processes().end(), one.as_string()) != processes().end())
            continue;
        Error& error = problems.add(fmt::format("{} is not a process of Auto Scaling", quoted(one)),
                                    one.loc());
        const auto close = did_you_mean(one.as_string(), processes());
        error.hint = close && !one.secret()
                         ? fmt::format("did you mean \"{}\"?", *close)
                         : fmt::format("the processes are {}", fmt::join(processes(), ", "));
    }
}

void ScalingGroup::check_own(const Value& config, Diagnostics& problems) const {
    check_text(config["name"],
               {.noun = "the name of an autoscaling group",
                .most = kMostNameOfGroup,
                .others = " !\"#$%&'()*+,-./;<=>?@[\\]^_`{|}~"},
               problems);
    check_id(config["launch_template"], "lt-", "a launch template", problems);
    check_ids(config["subnets"], "subnet-", "a subnet", problems);
    if (config["target_groups"].is_list())
        for (const Value& arn : config["target_groups"].as_list())
            check_arn(arn, kElb.name, "targetgroup/", "a target group",
                      "use ${NAME.id} of an aws.target_group", problems);
    const Value& version = config["version"];
    if (version.is_string() &&
        (version.as_string().empty() ||
         version.as_string().find_first_not_of("0123456789") != std::string::npos))
        problems
            .add(fmt::format("{} is not the number of a version", quoted(version)), version.loc())
            .with_hint("use ${NAME.version} of the aws.launch_template: with $Default or $Latest, "
                       "a change of the template would not change the group");
    for (const auto& [less, more] :
         {std::pair("min", "desired"), std::pair("desired", "max"), std::pair("min", "max")}) {
        const Value &a = config[less], &b = config[more];
        if (a.is_integer() && b.is_integer() && a.as_integer() > b.as_integer())
            problems.add(fmt::format("`{}` is more than `{}`", less, more), a.loc())
                .with_hint("`min` may be at most `desired`, and `desired` at most `max`");
    }
    check_processes(config["suspended"], problems);
    check_seconds(config["health_check_grace"], "the grace period", problems);
    check_seconds(config["refresh"]["warmup"], "the warm-up", problems);
}

std::map<std::string, Item>
ScalingGroup::found(Region& region, const std::vector<std::string>& wanted, const Ask& ask) const {
    std::map<std::string, Item> out;
    for (std::size_t at = 0; at < wanted.size(); at += kMostGroups) {
        Params params;
        ask(params, {wanted.begin() + static_cast<std::ptrdiff_t>(at),
                     wanted.begin() +
                         static_cast<std::ptrdiff_t>(std::min(at + kMostGroups, wanted.size()))});
        params.add("MaxRecords", std::string(kGroupPage));
        region.scaling().each(
            names.describe, params, "AutoScalingGroups", [&](const pugi::xml_node& node) {
                Item item(node);
                if (item.text(names.id).empty())
                    throw wrong_answer(described_by(), "the response has a group without its name");
                for (const pugi::xml_node& tag : node.child("Tags").children("member")) {
                    const std::string key = tag.child_value("Key");
                    // a tag that instances do not get counts as missing
                    const bool propagated =
                        std::string_view(tag.child_value("PropagateAtLaunch")) == "true";
                    if (propagated || key == kIdentityTag)
                        item.add_tag(key, tag.child_value("Value"));
                }
                out.emplace(item.text(names.id), item);
            });
    }
    for (auto& [name, item] : out) add_progress(region, item);
    return out;
}

std::map<std::string, Item>
ScalingGroup::by_identity(Region& region, const std::vector<std::string>& identities) const {
    const auto all =
        found(region, identities, [](Params& params, const std::vector<std::string>& some) {
            params.add("Filters.member.1.Name", fmt::format("tag:{}", kIdentityTag))
                .list("Filters.member.1.Values.member", some);
        });
    std::map<std::string, Item> out;
    for (const auto& [name, item] : all) out.emplace(item.identity(), item);
    return out;
}

/// Instances get all tags except the identity, which only the group may have.
void ScalingGroup::add_tag(Params& params, const std::string& prefix, const std::string& key,
                           const std::string* value) {
    params.add(prefix + "Key", key);
    if (value == nullptr) return;
    params.add(prefix + "Value", *value).add(prefix + "PropagateAtLaunch", key != kIdentityTag);
}

void ScalingGroup::retag(Region& region, const std::string& id, const Tags& set,
                         const std::vector<std::string>& gone) const {
    Params added, dropped;
    const auto next = [&, n = 0](Params& params, const std::string& key,
                                 const std::string* value) mutable {
        const std::string prefix = fmt::format("Tags.member.{}.", ++n);
        params.add(prefix + "ResourceId", id)
            .add(prefix + "ResourceType", std::string("auto-scaling-group"));
        add_tag(params, prefix, key, value);
    };
    auto add = next, drop = next;
    for (const auto& [key, value] : set) add(added, key, &value);
    for (const std::string& key : gone) drop(dropped, key, nullptr);
    if (!set.empty()) region.scaling().call("CreateOrUpdateTags", added, true);
    if (!gone.empty()) region.scaling().call("DeleteTags", dropped, true);
}

/// If the group has the version of the spec, but an instance does not, the version of that instance
/// is shown, so that the difference is repaired.
Value ScalingGroup::observed(Region&, const Item& item, const Value& config) const {
    TemplateUse use = template_use(item.root());
    const bool current = use == TemplateUse{config.text("launch_template"), config.text("version")};
    if (const auto old = outdated(item, use); current && refreshes(config) && !old.empty())
        use = template_use(old.front());
    std::vector<std::string> subnets, suspended, instances;
    const std::string zones = item.text("VPCZoneIdentifier");
    for (std::size_t at = 0; at < zones.size();) {
        const std::size_t comma = std::min(zones.find(',', at), zones.size());
        subnets.push_back(zones.substr(at, comma - at));
        at = comma + 1;
    }
    for (const pugi::xml_node& one : item.root().child("SuspendedProcesses").children("member"))
        suspended.emplace_back(one.child_value("ProcessName"));
    for (const pugi::xml_node& one : instances_of(item))
        instances.emplace_back(one.child_value("InstanceId"));
    std::vector<std::string> groups;
    for (const pugi::xml_node& one : item.root().child("TargetGroupARNs").children("member"))
        groups.emplace_back(one.child_value());
    Value out =
        Value::map({{"name", item.required(kNameKey)},
                    {"launch_template", use.id},
                    {"version", use.version},
                    {"subnets", set_of_texts(std::move(subnets))},
                    {"target_groups", set_of_texts(std::move(groups))},
                    {"health_check", item.required("HealthCheckType")},
                    {"health_check_grace", to_number(item.text("HealthCheckGracePeriod")) * 1000},
                    {"suspended", set_of_texts(std::move(suspended))},
                    {"arn", item.required("AutoScalingGroupARN")},
                    {"instances", set_of_texts(std::move(instances))}});
    for (const auto& [name, element] : kSizes)
        out = out.with(name, to_number(item.required(element)));
    return out;
}

std::string ScalingGroup::unready(const Item& item, const Value& config) const {
    if (is_gone(item))
        throw Error(ErrorKind::failed,
                    fmt::format("the autoscaling group {} is being deleted", item.text(kNameKey)));
    if (!config.flag("wait", true)) return {};
    if (refreshes(config) && !outdated(item, template_use(item.root())).empty()) {
        const std::string at = refresh_progress(item);
        return at.empty() ? "waiting until outdated instances are replaced" : at;
    }
    const std::vector<std::string> suspended = texts_of(config["suspended"]);
    if (std::find(suspended.begin(), suspended.end(), "Launch") != suspended.end()) return {};
    const std::int64_t now = in_service(item), wanted = to_number(item.required("DesiredCapacity"));
    if (now >= wanted) return {};
    const std::string problem = item.text("problem");
    return fmt::format("waiting for instances: {} of {} are in service{}", now, wanted,
                       problem.empty() ? "" : fmt::format(" (AWS: {})", problem));
}

/// Adds the attributes that are set and differ.
void ScalingGroup::specify(Params& params, const Value& before, const Value& after) {
    const auto differs = [&](const char* name) { return changes_from(before, after, name); };
    if (differs("launch_template") || differs("version"))
        params.add("LaunchTemplate.LaunchTemplateId", after.text("launch_template"))
            .add("LaunchTemplate.Version", after.text("version"));
    for (const auto& [name, parameter] : kSizes)
        if (differs(name)) params.add(parameter, std::to_string(after.integer(name)));
    if (differs("subnets"))
        params.add("VPCZoneIdentifier",
                   fmt::format("{}", fmt::join(texts_of(after["subnets"]), ",")));
    if (differs("health_check")) params.add("HealthCheckType", after.text("health_check"));
    if (differs("health_check_grace"))
        params.add("HealthCheckGracePeriod", in_seconds(after["health_check_grace"]));
}

/// The name is unique, so a repeated request does not create a second group.
std::string ScalingGroup::create(Region& region, const Change& change, Params params) const {
    const std::string called = change.after.text("name");
    params.add(kNameKey, called);
    specify(params, {}, change.after);
    params.list("TargetGroupARNs.member", texts_of(change.after["target_groups"]));
    try {
        region.scaling().call("CreateAutoScalingGroup", params, true);
    } catch (const ServiceError& error) {
        if (!error.is({"AlreadyExists"})) throw;
        const auto there = by_id(region, {called});
        if (!there.empty() && is_gone(there.begin()->second))
            throw Error(
                ErrorKind::failed,
                fmt::format("an earlier autoscaling group {} is still being deleted", called))
                .as_transient();
        if (there.empty() || there.begin()->second.identity() != change.identity) throw;
    }
    return called;
}

void ScalingGroup::change(Region& region, const Item& item, const Value& before, const Value& after,
                          const Notice& progress) const {
    const std::string id = item.text(kNameKey);
    const TemplateUse wanted{after.text("launch_template"), after.text("version")};
    const bool changed = template_use(item.root()) != wanted;
    // `before` can show the version of an outdated instance
    const Value group = before.with("launch_template", template_use(item.root()).id)
                            .with("version", template_use(item.root()).version);
    Params params;
    specify(params, group, after);
    if (!params.all().empty())
        region.scaling().call("UpdateAutoScalingGroup", params.add(kNameKey, id), true);
    const auto send = [&](const char* action, const char* list, const char* attribute, bool added) {
        const Value &from = added ? before[attribute] : after[attribute],
                    &to = added ? after[attribute] : before[attribute];
        std::vector<std::string> some = texts_of(to), others = texts_of(from);
        std::erase_if(some, [&](const std::string& one) {
            return std::find(others.begin(), others.end(), one) != others.end();
        });
        if (after[attribute].is_list() && !some.empty())
            region.scaling().call(action, Params().add(kNameKey, id).list(list, some), true);
    };
    send("AttachLoadBalancerTargetGroups", "TargetGroupARNs.member", "target_groups", true);
    send("DetachLoadBalancerTargetGroups", "TargetGroupARNs.member", "target_groups", false);
    send("SuspendProcesses", "ScalingProcesses.member", "suspended", true);
    send("ResumeProcesses", "ScalingProcesses.member", "suspended", false);
    if (refreshes(after) && !outdated(item, wanted).empty())
        start_refresh(region, id, after["refresh"], changed, progress);
}

/// Without `force_destroy`, the instances are terminated first, as in any other reduction: load
/// balancers drain them and lifecycle hooks run. Until then AWS refuses to delete the group, and
/// the removal is retried.
void ScalingGroup::remove(Region& region, const std::string& id, const Value& before) const {
    const auto there = by_id(region, {id});
    if (there.empty() || is_gone(there.begin()->second)) return;
    const Item& item = there.begin()->second;
    const bool force = before.flag("force_destroy");
    for (const pugi::xml_node& one : item.root().child("SuspendedProcesses").children("member"))
        if (std::string_view(one.child_value("ProcessName")) == "Terminate" && !force)
            region.scaling().call(
                "ResumeProcesses",
                Params().add(kNameKey, id).list("ScalingProcesses.member", {"Terminate"}), true);
    const auto set = [&](const char* element) { return to_number(item.required(element)) != 0; };
    if (!force && (set("MinSize") || set("DesiredCapacity")))
        region.scaling().call("UpdateAutoScalingGroup",
                              Params()
                                  .add(kNameKey, id)
                                  .add("MinSize", std::string("0"))
                                  .add("DesiredCapacity", std::string("0")),
                              true);
    Params params;
    params.add(kNameKey, id);
    if (force) params.add("ForceDelete", true);
    try {
        region.scaling().call("DeleteAutoScalingGroup", params, true);
    } catch (const ServiceError& error) {
        // AWS has no error code of its own for a group that is gone, for example after an earlier
        // attempt whose response was lost
        if (!error.is({"ValidationError"}) || !by_id(region, {id}).empty()) throw;
    }
}

ScalingGroup::ScalingGroup()
    : AwsType(
          kScaling,
          {.noun = "autoscaling group", .describe = "DescribeAutoScalingGroups", .id = kNameKey}) {
    name = "aws.autoscaling_group";
    summary = "A group of identical instances whose number AWS maintains";
    doc = "A create or an update is complete when the desired number of instances is in service; "
          "other changes continue meanwhile. A different version of the launch template replaces "
          "the instances by an instance refresh, which has to be complete too. If a run ends "
          "earlier, the next run continues or repeats the refresh. Instances get the tags of the "
          "group.\n\n"
          "Detected and repaired: sizes, subnets, target groups, health check, suspended "
          "processes, the version of the group and of each instance, tags, and whether instances "
          "get them; a group that is gone is created again. Destroy reduces the group to no "
          "instances, waits until load balancers have drained them and they are terminated, and "
          "then removes the group; with `force_destroy`, they are terminated immediately.";
    import_id = "the name of the group";
    create_before_destroy = true;
    removal_limit = std::chrono::minutes(65); // the longest deregistration delay is an hour
    example = "web:\n"
              "  type: aws.autoscaling_group\n"
              "  name: web\n"
              "  launch_template: ${web_template.id}\n"
              "  version: ${web_template.version}\n"
              "  subnets: [\"${subnet_a.id}\", \"${subnet_b.id}\"]\n"
              "  min: 2\n"
              "  max: 6\n"
              "  target_groups: [\"${web_targets.id}\"]\n"
              "  health_check: ELB\n";
    schema = with_common(scaling_group_fields(), true, "Name.");
}

} // namespace

std::unique_ptr<ResourceType> scaling_group_type() {
    return std::make_unique<ScalingGroup>();
}

} // namespace hadeploy::aws
