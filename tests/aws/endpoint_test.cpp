// Reads and changes of one region, whose answers have another form than AWS's, or never come.
#include "aws/service.h"
#include "core/error.h"
#include "providers/aws-ec2/aws.h"
#include "providers/aws-ec2/endpoint.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::FakeService;
using namespace std::chrono_literals;

namespace {

constexpr const char* kIdentity = "11111111-2222-4333-8444-555555555555";

std::string vpcs(const std::string& inside) {
    return "<DescribeVpcsResponse>" + inside + "</DescribeVpcsResponse>";
}

/// The VPC with the identity of these tests.
std::string own_vpc(const std::string& inside) {
    return vpcs("<vpcSet><item>" + inside + "<tagSet><item><key>hadeploy:identity</key><value>" +
                kIdentity + "</value></item></tagSet></item></vpcSet>");
}

const std::string kNone = vpcs("<vpcSet/>");
const std::string kCreated =
    "<CreateVpcResponse><vpc><vpcId>vpc-1</vpcId></vpc></CreateVpcResponse>";

/// Keeps what a change reports.
struct Sink final : ChangeSink {
    void progress(std::size_t, std::string_view step) override { steps.emplace_back(step); }
    void done(std::size_t, Value) override { ++ended; }
    void failed(std::size_t, Error error) override {
        ++ended;
        message = error.message;
        transient = error.transient;
    }
    void not_begun(std::size_t) override { ++ended; }
    void waits(std::size_t, std::string_view what) override { steps.emplace_back(what); }
    std::vector<std::string> steps;
    std::string message;
    bool transient = false;
    int ended = 0;
};

struct OneRegion {
    OneRegion() {
        add_aws(registry);
        ProviderContext context{.environment = [](const std::string& name) {
            return std::string(name == "AWS_ACCESS_KEY_ID"       ? "AKIA"
                               : name == "AWS_SECRET_ACCESS_KEY" ? "s"
                                                                 : "");
        }};
        context.project = "demo";
        context.stop = stop.get_token();
        endpoint = std::make_unique<RegionEndpoint>(
            Value::map({{"region", "eu-central-1"}, {"endpoint", service.url()}}), context);
    }
    /// How a VPC that is not recorded is seen.
    Observation seen() {
        const std::vector<ReadRequest> requests{{.address = "network",
                                                 .type = registry.type("aws.vpc"),
                                                 .config = config,
                                                 .identity = kIdentity}};
        return endpoint->read(requests, {}).front();
    }
    /// The error of reading it; "" without one.
    std::string problem() {
        const Observation out = seen();
        return out.error ? out.error->message : "";
    }
    std::string problem(const std::string& answer) {
        service.replies = {{.body = answer}};
        return problem();
    }
    std::vector<Change> creation() const {
        return {{.address = "network",
                 .type = registry.type("aws.vpc"),
                 .identity = kIdentity,
                 .after = config}};
    }
    FakeService service;
    Registry registry;
    Value config = Value::map({{"cidr", "10.0.0.0/16"}, {"tags", Value::map({})}});
    std::stop_source stop;
    std::unique_ptr<RegionEndpoint> endpoint;
};

} // namespace

TEST_CASE("aws endpoint: an object is absent only if AWS says so") {
    OneRegion region;
    region.service.replies = {{.body = kNone}};
    CHECK(region.seen().state == Observation::State::absent);
    const std::string action = "ec2:DescribeVpcs in eu-central-1: ";
    CHECK(region.problem(vpcs("")) == action + "the response has no <vpcSet>");
    CHECK(region.problem(vpcs("<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>")) ==
          action + "the response has a VPC without its ID or its tag hadeploy:identity");
    CHECK(region.problem(own_vpc("")) ==
          action + "the response has a VPC without its ID or its tag hadeploy:identity");
}

TEST_CASE("aws endpoint: an object without a part that all have is not a changed one") {
    OneRegion region;
    CHECK(region.problem(own_vpc("<vpcId>vpc-1</vpcId>")) ==
          "ec2:DescribeVpcs in eu-central-1: the response has an object without its <cidrBlock>");
}

TEST_CASE("aws endpoint: an account is known only if AWS names it") {
    OneRegion region;
    const std::string there = own_vpc("<vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock>");
    const auto attribute = [](const std::string& name, const std::string& inside) {
        return "<DescribeVpcAttributeResponse><" + name + ">" + inside + "</" + name +
               "></DescribeVpcAttributeResponse>";
    };
    const std::string yes = "<value>true</value>";
    region.service.replies = {{.body = there},
                              {.body = attribute("enableDnsSupport", yes)},
                              {.body = attribute("enableDnsHostnames", yes)},
                              {.body = "<GetCallerIdentityResponse/>"}};
    CHECK(region.problem() ==
          "sts:GetCallerIdentity in eu-central-1: the response has no <Account>");
    region.service.replies = {{.body = there}, {.body = attribute("enableDnsSupport", "")}};
    CHECK(region.problem() == "ec2:DescribeVpcAttribute in eu-central-1: the response has "
                              "no <enableDnsSupport> that is true or false");
}

TEST_CASE("aws endpoint: too many tags together with the provider's are an error of the plan") {
    OneRegion region;
    region.service.replies = {{.body = kNone}};
    Value tags = Value::map({});
    for (int i = 0; i < 48; ++i) tags = tags.with("t" + std::to_string(i), "x");
    region.config = region.config.with("tags", tags);
    CHECK(region.problem() == "including the provider's, there are 48 tags (at most 47: AWS "
                              "allows 50, of which hadeploy uses 3)");
}

TEST_CASE("aws endpoint: a created object whose ID is missing is not made again") {
    OneRegion region;
    region.service.replies = {{.body = "<CreateVpcResponse><vpc/></CreateVpcResponse>"}};
    Sink sink;
    region.endpoint->apply(region.creation(), sink);
    CHECK(sink.ended == 1);
    CHECK(sink.message == "AWS accepted the request for the VPC, but the response has no ID");
    CHECK_FALSE(sink.transient);
    CHECK(region.service.count() == 1);
}

TEST_CASE("aws endpoint: a stop ends the wait for an object") {
    OneRegion region;
    region.service.keep_last = true;
    region.service.replies = {{.body = kCreated}, {.body = kNone}};
    Sink sink;
    const auto creation = region.creation();
    region.endpoint->apply(creation, sink);
    region.endpoint->poll(creation, sink);
    CHECK(sink.ended == 0);
    region.stop.request_stop();
    region.endpoint->poll(creation, sink);
    CHECK(sink.ended == 1);
    CHECK(sink.message == "stopped waiting until AWS lists it");
}

TEST_CASE("aws endpoint: a stop ends the pauses within a change") {
    OneRegion region;
    region.config = region.config.with("dns_hostnames", true); // which is set after the creation
    region.service.keep_last = true;
    region.service.replies = {{.body = kCreated}, {.body = kNone}};
    const std::jthread later([&] {
        std::this_thread::sleep_for(300ms);
        region.stop.request_stop();
    });
    Sink sink;
    const auto start = std::chrono::steady_clock::now();
    region.endpoint->apply(region.creation(), sink);
    CHECK(std::chrono::steady_clock::now() - start < 3s);
    CHECK(sink.message == "stopped before the change was complete");
}

TEST_CASE("aws endpoint: the progress names the reason for another attempt") {
    OneRegion region;
    region.service.replies = {{.body = kCreated}, {.status = 503}, {.body = kNone}};
    Sink sink;
    const auto creation = region.creation();
    region.endpoint->apply(creation, sink);
    region.endpoint->poll(creation, sink);
    CHECK(sink.steps ==
          std::vector<std::string>{
              "waiting until AWS lists it",
              "AWS is not responding (the service responded with HTTP 503), retrying"});
}

TEST_CASE("aws endpoint: a thousand instances are read with five requests, a hundred with one") {
    for (const std::size_t count : {100U, 1000U}) {
        OneRegion region;
        std::vector<RecordedResource> records(count);
        std::vector<ReadRequest> requests;
        std::string answer;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string id = fmt::format("i-{:04}", i); // requests have them in this order
            records[i].attributes = Value::map({{"id", id}, {"account", "123456789012"}});
            requests.push_back({.address = fmt::format("node[{}]", i),
                                .type = region.registry.type("aws.instance"),
                                .config = Value::map({{"tags", Value::map({})}}),
                                .recorded = &records[i],
                                .identity = kIdentity});
            answer += fmt::format(
                "<item><instancesSet><item><instanceId>{}</instanceId><imageId>ami-1</imageId>"
                "<instanceType>t3.micro</instanceType><subnetId>subnet-1</subnetId>"
                "<instanceState><name>running</name></instanceState></item></instancesSet></item>",
                id);
            if (i % 200 != 199 && i + 1 < count) continue;
            region.service.replies.push_back(
                {.body = "<DescribeInstancesResponse><reservationSet>" + answer +
                         "</reservationSet></DescribeInstancesResponse>"});
            answer.clear();
        }
        const std::vector<Observation> seen = region.endpoint->read(requests, {});
        CHECK(std::all_of(seen.begin(), seen.end(), [](const Observation& one) {
            return one.state == Observation::State::present;
        }));
        CHECK(region.service.count() == (count + 199) / 200);
    }
}
