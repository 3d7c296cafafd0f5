#include "providers/aws-ec2/scaling_refresh.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::chrono::seconds kRefreshPause{3};
constexpr std::chrono::minutes kLongestCancel{10};

bool is_running_refresh(std::string_view status) {
    return status == "Pending" || status == "InProgress" || status == "Cancelling" ||
           status == "RollbackInProgress" || status == "Baking";
}

/// The latest instance refresh; an empty document if there was none.
pugi::xml_document latest_refresh(Region& region, const std::string& group) {
    const auto answer = region.scaling().call(
        "DescribeInstanceRefreshes",
        Params().add("AutoScalingGroupName", group).add("MaxRecords", std::string("1")), true);
    const pugi::xml_node list = result_of(*answer).child("InstanceRefreshes");
    if (!list)
        throw wrong_answer("autoscaling:DescribeInstanceRefreshes",
                           "the response has no <InstanceRefreshes>");
    pugi::xml_document out;
    if (const pugi::xml_node first = list.child("member")) out.append_copy(first);
    return out;
}

/// The error of the latest launch; "" if it succeeded.
std::string launch_problem(Region& region, const std::string& group) {
    const auto answer = region.scaling().call(
        "DescribeScalingActivities",
        Params().add("AutoScalingGroupName", group).add("MaxRecords", std::string("1")), true);
    const pugi::xml_node last = result_of(*answer).child("Activities").child("member");
    const std::string_view status = last.child_value("StatusCode");
    return status == "Failed" || status == "Cancelled" ? last.child_value("StatusMessage") : "";
}

void cancel_refresh(Region& region, const std::string& group, const Notice& progress) {
    progress("cancelling the instance refresh for an earlier version");
    try {
        region.scaling().call("CancelInstanceRefresh", Params().add("AutoScalingGroupName", group),
                              true);
    } catch (const ServiceError& error) { // it has ended
        if (!error.is({"ActiveInstanceRefreshNotFound"})) throw;
    }
    const auto end = std::chrono::steady_clock::now() + kLongestCancel;
    while (is_running_refresh(
        latest_refresh(region, group).document_element().child_value("Status"))) {
        if (std::chrono::steady_clock::now() > end)
            throw Error(ErrorKind::failed,
                        fmt::format("the instance refresh of {} was not cancelled within ten "
                                    "minutes",
                                    group))
                .with_hint("apply again when AWS has cancelled it");
        pause_for(kRefreshPause, region.stop());
    }
}

} // namespace

TemplateUse template_use(const pugi::xml_node& owner) {
    const pugi::xml_node use = owner.child("LaunchTemplate");
    return {use.child_value("LaunchTemplateId"), use.child_value("Version")};
}

std::vector<pugi::xml_node> instances_of(const Item& group) {
    std::vector<pugi::xml_node> out;
    for (const pugi::xml_node& one : group.root().child("Instances").children("member"))
        if (const std::string_view state = one.child_value("LifecycleState");
            !state.starts_with("Terminat") && !state.starts_with("Detach"))
            out.push_back(one);
    return out;
}

std::int64_t in_service(const Item& group) {
    const auto all = instances_of(group);
    return std::count_if(all.begin(), all.end(), [](const pugi::xml_node& one) {
        return std::string_view(one.child_value("LifecycleState")) == "InService" &&
               std::string_view(one.child_value("HealthStatus")) == "Healthy";
    });
}

std::vector<pugi::xml_node> outdated(const Item& group, const TemplateUse& wanted) {
    std::vector<pugi::xml_node> out = instances_of(group);
    std::erase_if(out, [&](const pugi::xml_node& one) { return template_use(one) == wanted; });
    return out;
}

void add_progress(Region& region, Item& group) {
    const std::string name = group.text("AutoScalingGroupName");
    if (!outdated(group, template_use(group.root())).empty())
        if (const auto refresh = latest_refresh(region, name); refresh.document_element()) {
            pugi::xml_node to = group.root().append_child("refresh");
            for (const pugi::xml_node& part : refresh.document_element().children())
                to.append_copy(part);
        }
    if (in_service(group) < to_number(group.text("DesiredCapacity")))
        if (const std::string problem = launch_problem(region, name); !problem.empty())
            group.add("problem", problem);
}

void start_refresh(Region& region, const std::string& group, const Value& settings, bool changed,
                   const Notice& progress) {
    const auto latest = latest_refresh(region, group);
    if (is_running_refresh(latest.document_element().child_value("Status"))) {
        if (!changed) return;
        cancel_refresh(region, group, progress);
    }
    progress("starting an instance refresh");
    Params params;
    params.add("AutoScalingGroupName", group)
        .add("Preferences.SkipMatching", true)
        .add("Preferences.MinHealthyPercentage",
             std::to_string(settings.integer("min_healthy", 90)));
    if (settings["warmup"].is_integer())
        params.add("Preferences.InstanceWarmup", std::to_string(settings.integer("warmup") / 1000));
    try {
        region.scaling().call("StartInstanceRefresh", params, true);
    } catch (const ServiceError& error) {
        // started by an earlier attempt whose response was lost
        if (!error.is({"InstanceRefreshInProgress"})) throw;
    }
}

std::string refresh_progress(const Item& group) {
    const std::string status = group.text("refresh/Status"),
                      reason = group.text("refresh/StatusReason");
    const std::string because = reason.empty() ? "" : fmt::format(" ({})", reason);
    if (is_running_refresh(status)) {
        const std::string percent = group.text("refresh/PercentageComplete");
        return fmt::format("replacing instances: {}% complete{}", percent.empty() ? "0" : percent,
                           because);
    }
    if (status == "Failed" || status == "Cancelled" || status.starts_with("Rollback"))
        throw Error(ErrorKind::failed,
                    fmt::format("the instance refresh has the status {}{}", status, because))
            .with_hint("the next apply starts a new one");
    return {};
}

} // namespace hadeploy::aws
