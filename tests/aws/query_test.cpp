#include "aws/service.h"
#include "core/error.h"
#include "providers/aws-ec2/query.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::FakeService;
using namespace std::chrono_literals;

namespace {

constexpr const char* kRefusal =
    "<Response><Errors><Error><Code>{}</Code><Message>no</Message></Error></Errors>"
    "<RequestID>r-1</RequestID></Response>";

std::string refusal(const std::string& code) {
    std::string out = kRefusal;
    return out.replace(out.find("{}"), 2, code);
}

std::string things(const std::string& inside) {
    return "<DescribeThingsResponse>" + inside + "</DescribeThingsResponse>";
}

struct Asked {
    Asked()
        : client(
              kEc2, service.url(), "eu-central-1",
              [this](bool renew) {
                  renewals += renew ? 1 : 0;
                  return Credentials{"AKIDEXAMPLE", "secret"};
              },
              stop.get_token()) {}
    /// The message of a request that fails.
    std::string problem(const char* action, bool repeatable) {
        try {
            client.call(action, {}, repeatable);
        } catch (const ServiceError& error) {
            return error.message;
        }
        return "";
    }
    FakeService service;
    int renewals = 0;
    std::stop_source stop;
    Client client;
};

} // namespace

TEST_CASE("query: parameters of lists, filters and tags") {
    const Params params = Params()
                              .add("A", true)
                              .list("InstanceId", {"i-1", "i-2"})
                              .filter("vpc-id", {"v"})
                              .filter("tag:x", {"y", "z"});
    std::string all;
    for (const auto& [name, value] : params.all()) all += name + "=" + value + " ";
    CHECK(all == "A=true InstanceId.1=i-1 InstanceId.2=i-2 Filter.1.Name=vpc-id Filter.1.Value.1=v "
                 "Filter.2.Name=tag:x Filter.2.Value.1=y Filter.2.Value.2=z ");
}

TEST_CASE("query: both forms of refusals are understood, and bodies that are none") {
    const ServiceError ec2 = parse_refusal(refusal("InvalidVpcID.NotFound"), 400);
    CHECK(ec2.code == "InvalidVpcID.NotFound");
    CHECK(ec2.message == "no");
    CHECK(ec2.request_id == "r-1");
    const ServiceError sts = parse_refusal(
        "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
        "<Message>old</Message></Error><RequestId>r-2</RequestId></ErrorResponse>",
        403);
    CHECK(sts.code == "ExpiredToken");
    CHECK(sts.request_id == "r-2");
    for (const char* body : {"", "<html><body>Internal", "<html><body>502</body></html>", "{}"}) {
        const ServiceError none = parse_refusal(body, 502);
        CHECK(none.code == "");
        CHECK(none.message == "the service responded with HTTP 502");
    }
}

TEST_CASE("query: a request is signed, and its answer is parsed") {
    Asked asked;
    asked.service.replies = {
        {.body = "<DescribeVpcsResponse><vpcSet><item><vpcId>v</vpcId></item></vpcSet>"
                 "</DescribeVpcsResponse>"}};
    const auto answer = asked.client.call("DescribeVpcs", Params().add("VpcId.1", "a b"), true);
    CHECK(std::string(root_of(*answer).child("vpcSet").child("item").child_value("vpcId")) == "v");
    REQUIRE(asked.service.count() == 1);
    const httplib::Request& sent = asked.service.requests[0];
    CHECK(sent.body == "Action=DescribeVpcs&Version=2016-11-15&VpcId.1=a%20b");
    CHECK(sent.get_header_value("Authorization")
              .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    CHECK(sent.get_header_value("Host") == asked.service.url().substr(7));
    CHECK_FALSE(sent.has_header("Expect"));
}

TEST_CASE("query: pages are followed to the end") {
    Asked asked;
    asked.service.replies = {
        {.body = things("<s><item>1</item><item>2</item></s><nextToken>t+1</nextToken>")},
        {.body = things("<s/><nextToken>t2</nextToken>")}, // a page may be empty
        {.body = things("<s><item>3</item></s>")}};
    std::string all;
    asked.client.each("DescribeThings", Params().add("MaxResults", "2"), "s",
                      [&](const pugi::xml_node& item) { all += item.child_value(); });
    CHECK(all == "123");
    REQUIRE(asked.service.count() == 3);
    CHECK(asked.service.requests[1].body.ends_with("MaxResults=2&NextToken=t%2B1"));
    CHECK(asked.service.requests[2].body.ends_with("MaxResults=2&NextToken=t2"));
}

TEST_CASE("query: throttling is waited out, for every action") {
    Asked asked;
    asked.service.replies = {{.status = 503, .body = refusal("RequestLimitExceeded")},
                             {.status = 400, .body = refusal("Throttling")},
                             {.body = "<CreateVpcResponse/>"}};
    std::string told;
    const RetryNotice telling([&](std::string_view what) { told += std::string(what) + "\n"; });
    asked.client.call("CreateVpc", {}, false);
    CHECK(asked.service.count() == 3);
    CHECK(told == "AWS is throttling requests (RequestLimitExceeded), retrying\n"
                  "AWS is throttling requests (Throttling), retrying\n");
}

TEST_CASE("query: only what can be repeated is repeated after an error of the server") {
    Asked asked;
    SUBCASE("a page of a proxy") {
        asked.service.replies = {{.status = 500, .body = "<html>oops"},
                                 {.body = "<RunInstancesResponse/>"}};
    }
    SUBCASE("a lost answer") {
        asked.service.replies = {{.broken = true}, {.body = "<RunInstancesResponse/>"}};
    }
    SUBCASE("an answer that is cut off") {
        asked.service.replies = {{.body = "<RunInstancesResponse><a>"},
                                 {.body = "<RunInstancesResponse/>"}};
    }
    CHECK_NOTHROW(asked.client.call("RunInstances", {}, true));
    CHECK(asked.service.count() == 2);
    {
        const std::lock_guard lock(asked.service.mutex);
        asked.service.requests.clear();
        asked.service.replies = {{.status = 500, .body = "<html>oops"}, {.body = "<R/>"}};
    }
    try {
        asked.client.call("CreateVpc", {}, false);
        FAIL("no error");
    } catch (const ServiceError& error) {
        CHECK(error.may_have_worked);
        CHECK(error.action == "ec2:CreateVpc");
    }
    CHECK(asked.service.count() == 1);
}

TEST_CASE("query: a refusal is not repeated") {
    Asked asked;
    asked.service.replies = {{.status = 400, .body = refusal("InvalidParameterValue")}};
    CHECK_THROWS_AS(asked.client.call("DescribeVpcs", {}, true), ServiceError);
    CHECK(asked.service.count() == 1);
}

TEST_CASE("query: expired credentials are renewed once") {
    Asked asked;
    asked.service.replies = {{.status = 400, .body = refusal("ExpiredToken")},
                             {.body = "<DescribeVpcsResponse/>"}};
    asked.client.call("DescribeVpcs", {}, true);
    CHECK(asked.renewals == 1);
    asked.service.replies = {{.status = 400, .body = refusal("ExpiredToken")}};
    asked.service.keep_last = true;
    CHECK_THROWS_AS(asked.client.call("DescribeVpcs", {}, true), ServiceError);
    CHECK(asked.renewals == 2);
}

TEST_CASE("query: a wrong clock is corrected by AWS's") {
    Asked asked;
    asked.service.replies = {{.status = 403,
                              .body = refusal("SignatureDoesNotMatch"),
                              .date = "Sun, 01 Mar 2037 10:00:00 GMT"},
                             {.body = "<DescribeVpcsResponse/>"}};
    asked.client.call("DescribeVpcs", {}, true);
    REQUIRE(asked.service.count() == 2);
    CHECK(asked.service.requests[1].get_header_value("X-Amz-Date").starts_with("20370301T1000"));
}

TEST_CASE("query: an interrupt ends a pause") {
    Asked asked;
    asked.service.replies = {{.status = 503, .body = refusal("Throttling")}};
    asked.service.keep_last = true;
    const std::jthread later([&] {
        std::this_thread::sleep_for(200ms);
        asked.stop.request_stop();
    });
    const auto start = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(asked.client.call("CreateVpc", {}, true), Interrupted);
    CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("query: a malformed response is an error that says what it is") {
    Asked asked;
    const auto answered = [&](const std::string& body) {
        asked.service.replies = {{.body = body}};
        return asked.problem("CreateVpc", false);
    };
    CHECK(answered("") == "the response is empty");
    CHECK(answered(" \n") == "the response is empty");
    CHECK(answered("<html><body>log in</body></html>") ==
          "the response is <html>, not <CreateVpcResponse>");
    CHECK(answered("<DescribeVpcsResponse/>") ==
          "the response is <DescribeVpcsResponse>, not <CreateVpcResponse>");
    CHECK(answered("<CreateVpcResponse><vpc>") == "the response is not valid XML, or is truncated");
    CHECK(answered("{}") == "the response is not valid XML, or is truncated");
    CHECK(answered("<CreateVpcResponse/>") == "");
}

TEST_CASE("query: a set that is missing is not an empty one") {
    Asked asked;
    const auto problem = [&] {
        try {
            asked.client.each("DescribeThings", {}, "s", [](const pugi::xml_node&) {});
        } catch (const ServiceError& error) {
            return error.action + ": " + error.message;
        }
        return std::string();
    };
    asked.service.replies = {{.body = things("<s/>")}, {.body = things("<other/>")}};
    CHECK(problem() == "");
    CHECK(problem() == "ec2:DescribeThings: the response has no <s>");
    CHECK(asked.service.count() == 2);
}

TEST_CASE("query: pages that never end are an error") {
    Asked asked;
    asked.service.replies = {{.body = things("<s/><nextToken>t</nextToken>")}};
    asked.service.keep_last = true;
    CHECK_THROWS_WITH_AS(asked.client.each("DescribeThings", {}, "s", [](const pugi::xml_node&) {}),
                         "the response refers to a page that was already read", ServiceError);
    CHECK(asked.service.count() == 2);
}

TEST_CASE("query: what another attempt rarely helps is tried three times") {
    Asked asked;
    SUBCASE("a page of a proxy") {
        asked.service.replies = {{.status = 403, .body = "<html>forbidden"}};
        asked.service.keep_last = true;
        CHECK(asked.problem("DescribeVpcs", true) == "the service responded with HTTP 403");
    }
    SUBCASE("an answer of something else") {
        asked.service.replies = {{.body = "<html/>"}};
        asked.service.keep_last = true;
        CHECK(asked.problem("DescribeVpcs", true) != "");
    }
    SUBCASE("an address that has never answered") {
        asked.service.replies = {{.broken = true}};
        asked.service.keep_last = true;
        CHECK(asked.problem("DescribeVpcs", true) != "");
    }
    CHECK(asked.service.count() == 3);
}

TEST_CASE("query: attempts at an address where nothing listens are few, and each is reported") {
    Client client(kEc2, "http://127.0.0.1:1", "eu-central-1", [](bool) {
        return Credentials{"AKIDEXAMPLE", "secret"};
    });
    std::vector<std::string> told;
    const RetryNotice telling([&](std::string_view what) { told.emplace_back(what); });
    CHECK_THROWS_AS(client.call("DescribeVpcs", {}, true), ServiceError);
    REQUIRE(told.size() == 2);
    CHECK(told[0].starts_with("AWS is not responding (127.0.0.1:1: "));
    CHECK(told[0].ends_with("), retrying"));
}

TEST_CASE("query: the rate limit lets a burst pass, then spaces requests out") {
    RateLimit limit(3, 10);
    const RateLimit::Clock::time_point start{1h};
    for (int i = 0; i < 3; ++i) CHECK(limit.take(start).count() == 0);
    CHECK(limit.take(start) == 100ms);
    CHECK(limit.take(start) == 200ms);
    CHECK(limit.take(start + 200ms).count() == 100);
    CHECK(limit.take(start + 10s).count() == 0); // full again, but not more than full
    for (int i = 0; i < 2; ++i) CHECK(limit.take(start + 10s).count() == 0);
    CHECK(limit.take(start + 10s).count() > 0);
}
