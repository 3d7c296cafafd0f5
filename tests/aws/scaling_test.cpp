// Launch templates and autoscaling groups, without a service.
#include "aws/problems.h"
#include "core/error.h"
#include "providers/aws-ec2/scaling_refresh.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::said_of;

namespace {

Value template_with(const char* name, Value value) {
    return Value::map({{"name", "web"},
                       {"image", "ami-1"},
                       {"instance_type", "t3.small"},
                       {"security_groups", Value::list({"sg-1"})}})
        .with(name, std::move(value));
}

Value fleet_with(const char* name, Value value) {
    return Value::map({{"name", "web"},
                       {"launch_template", "lt-1"},
                       {"version", "3"},
                       {"subnets", Value::list({"subnet-1"})},
                       {"min", 1},
                       {"max", 3}})
        .with(name, std::move(value));
}

Item group_of(const char* xml) {
    pugi::xml_document document;
    REQUIRE(document.load_string(xml));
    return Item(document.document_element());
}

const char* const kFleet = R"(<member>
  <DesiredCapacity>4</DesiredCapacity>
  <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>2</Version></LaunchTemplate>
  <Instances>
    <member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState>
      <HealthStatus>Healthy</HealthStatus>
      <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>2</Version></LaunchTemplate></member>
    <member><InstanceId>i-2</InstanceId><LifecycleState>InService</LifecycleState>
      <HealthStatus>Unhealthy</HealthStatus>
      <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>1</Version></LaunchTemplate></member>
    <member><InstanceId>i-3</InstanceId><LifecycleState>Pending:Wait</LifecycleState>
      <HealthStatus>Healthy</HealthStatus>
      <LaunchTemplate><LaunchTemplateId>lt-2</LaunchTemplateId><Version>2</Version></LaunchTemplate></member>
    <member><InstanceId>i-4</InstanceId><LifecycleState>Terminating:Wait</LifecycleState>
      <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>1</Version></LaunchTemplate></member>
    <member><InstanceId>i-5</InstanceId><LifecycleState>Terminated</LifecycleState></member>
  </Instances></member>)";

std::string refresh_said(const char* status, const char* reason = "") {
    try {
        return refresh_progress(group_of(
            fmt::format("<member><refresh><Status>{}</Status><StatusReason>{}</StatusReason>"
                        "<PercentageComplete>40</PercentageComplete></refresh></member>",
                        status, reason)
                .c_str()));
    } catch (const Error& error) {
        return "error: " + error.message;
    }
}

} // namespace

TEST_CASE("aws.launch_template: what starts an instance is checked as for aws.instance") {
    CHECK(said_of("aws.launch_template", template_with("public_ip", true)) == "");
    CHECK(said_of("aws.launch_template", template_with("image", "debian")) ==
          "\"debian\" is not the ID of an image\n");
    CHECK(said_of("aws.launch_template", template_with("instance_type", "small")) ==
          "\"small\" is not an instance type\n");
    CHECK(said_of("aws.launch_template", template_with("user_data", std::string(16'385, 'x'))) ==
          "the user data has 16385 bytes (at most 16384)\n");
    CHECK(said_of("aws.launch_template", template_with("name", "a")) ==
          "\"a\" cannot be the name of a launch template\n");
    CHECK(said_of("aws.launch_template", template_with("name", "a b")) ==
          "the name of a launch template contains \" \", which AWS does not allow\n");
}

TEST_CASE("aws.autoscaling_group: sizes, processes and the version are checked") {
    CHECK(said_of("aws.autoscaling_group", fleet_with("desired", 3)) == "");
    CHECK(said_of("aws.autoscaling_group", fleet_with("desired", 0)) ==
          "`min` is more than `desired`\n");
    CHECK(said_of("aws.autoscaling_group", fleet_with("desired", 4)) ==
          "`desired` is more than `max`\n");
    CHECK(said_of("aws.autoscaling_group", fleet_with("max", 0)) == "`min` is more than `max`\n");
    for (const char* version : {"$Latest", "$Default", "", "3.1"})
        CHECK(said_of("aws.autoscaling_group", fleet_with("version", version))
                  .ends_with(" is not the number of a version\n"));
    CHECK(said_of("aws.autoscaling_group",
                  fleet_with("suspended", Value::list({"AZRebalance", "Launched"}))) ==
          "\"Launched\" is not a process of Auto Scaling\n");
    CHECK(said_of("aws.autoscaling_group", fleet_with("health_check_grace", "1500ms")) ==
          "the grace period is not a whole number of seconds\n");
    CHECK(said_of("aws.autoscaling_group",
                  fleet_with("target_groups", Value::list({"arn:aws:s3:::x"}))) ==
          "\"arn:aws:s3:::x\" is not the ARN of a target group\n");
}

TEST_CASE("aws.autoscaling_group: instances that end are neither in service nor outdated") {
    const Item fleet = group_of(kFleet);
    CHECK(instances_of(fleet).size() == 3);
    CHECK(in_service(fleet) == 1);
    const auto old = outdated(fleet, template_use(fleet.root()));
    REQUIRE(old.size() == 2);
    CHECK(std::string(old[0].child_value("InstanceId")) == "i-2");
    CHECK(std::string(old[1].child_value("InstanceId")) == "i-3");
}

TEST_CASE("aws.autoscaling_group: a refresh that has ended otherwise is an error") {
    CHECK(refresh_said("InProgress") == "replacing instances: 40% complete");
    CHECK(refresh_said("Pending", "waiting for i-1 to warm up") ==
          "replacing instances: 40% complete (waiting for i-1 to warm up)");
    CHECK(refresh_said("RollbackInProgress") == "replacing instances: 40% complete");
    CHECK(refresh_said("Successful") == "");
    CHECK(refresh_said("Cancelled") == "error: the instance refresh has the status Cancelled");
    CHECK(refresh_said("RollbackSuccessful", "alarm") ==
          "error: the instance refresh has the status RollbackSuccessful (alarm)");
    CHECK(refresh_progress(group_of("<member/>")) == "");
}
