// File systems, and services whose protocol is REST, without a service.
#include "aws/problems.h"
#include "aws/service.h"
#include "core/error.h"
#include "providers/aws-ec2/query.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::said_of;

namespace {

struct RestAsked {
    RestAsked()
        : client(kEfs, service.url(), "eu-central-1", [](bool) {
              return Credentials{"AKIDEXAMPLE", "secret"};
          }) {}
    std::string problem(const std::string& body) {
        service.replies = {{.body = body}};
        try {
            client.rest("CreateFileSystem", {.method = "POST", .path = "/x"}, false);
        } catch (const ServiceError& error) {
            return error.action + ": " + error.message;
        }
        return "";
    }
    test::FakeService service;
    Client client;
};

} // namespace

TEST_CASE("query: a REST request has its parameters in the path, the query and the body") {
    RestAsked asked;
    asked.service.replies = {{.body = R"({"a": [1, {"b": "c"}]})"}, {.status = 204}};
    const Value answer =
        asked.client.rest("TagResource",
                          {.method = "POST",
                           .path = "/2015-02-01/resource-tags/fs-1",
                           .query = {{"k", "a b"}, {"k", "c"}},
                           .body = Value::map({{"x", Value("s").as_secret()}, {"n", 1}})},
                          true);
    CHECK(answer["a"].as_list()[1].text("b") == "c");
    const httplib::Request& sent = asked.service.requests[0];
    CHECK(sent.target == "/2015-02-01/resource-tags/fs-1?k=a%20b&k=c");
    CHECK(sent.body == R"({"n":1,"x":"s"})");
    CHECK(sent.get_header_value("Content-Type") == "application/json");
    CHECK(sent.get_header_value("Authorization")
              .find("/eu-central-1/elasticfilesystem/aws4_request") != std::string::npos);
}

TEST_CASE("query: answers of REST that are not JSON are errors, and an empty one is null") {
    RestAsked asked;
    CHECK(asked.problem("{}") == "");
    CHECK(asked.problem("") == "");
    const std::string action = "elasticfilesystem:CreateFileSystem: ";
    CHECK(asked.problem("<html>") == action + "the response is not valid JSON, or is truncated");
    CHECK(asked.problem("{\"a\":") == action + "the response is not valid JSON, or is truncated");
    CHECK(asked.problem("[]") == action + "the response is not a JSON object");
}

TEST_CASE("query: refusals in JSON, in the spellings of several services") {
    for (const char* body :
         {R"({"ErrorCode": "FileSystemInUse", "Message": "no"})",
          R"({"__type": "FileSystemInUse", "message": "no"})",
          R"({"__type": "com.amazon.coral.service#FileSystemInUse", "Message": "no"})"}) {
        const ServiceError error = parse_refusal(body, 409);
        CHECK(error.code == "FileSystemInUse");
        CHECK(error.message == "no");
        CHECK(error.status == 409);
    }
    CHECK(parse_refusal("{}", 403, "ExpiredTokenException:http://x").code ==
          "ExpiredTokenException");
    CHECK(parse_refusal("<html>", 403, "ExpiredTokenException").code == "");
    for (const char* body : {"{", "{\"a\": 1}", "{\"ErrorCode\": 5}"})
        CHECK(parse_refusal(body, 500).code == "");
}

TEST_CASE("aws.efs: IDs, and the files that a removal loses") {
    const auto said = [](const char* name, const char* id) {
        return said_of("aws.efs", Value::map({{name, Value::list({id})}}));
    };
    CHECK(said("subnets", "subnet-1") + said("security_groups", "sg-1") == "");
    CHECK(said("subnets", "vpc-1") == "\"vpc-1\" is not the ID of a subnet\n");
    CHECK(said("security_groups", "web") == "\"web\" is not the ID of a security group\n");
    Registry registry;
    add_aws(registry);
    CHECK(registry.type("aws.efs")->held_data(Value::map({{"id", "fs-1"}}))->what ==
          "the file system fs-1 and all files in it");
}

TEST_CASE("aws.efs: maxIO has no elastic throughput") {
    const auto said = [](const char* performance, const char* throughput) {
        return said_of("aws.efs", Value::map({{"performance_mode", performance},
                                              {"throughput_mode", throughput}}));
    };
    CHECK(said("maxIO", "bursting") == "");
    CHECK(said("generalPurpose", "elastic") == "");
    CHECK(said("maxIO", "elastic") ==
          "a file system with the performance mode maxIO cannot have elastic throughput\n");
}
