// AWS's published examples: the Signature Version 4 test suite, and the documented request to IAM.
#include "providers/aws-ec2/signature.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::aws;

namespace {

const Credentials kExample{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
constexpr std::int64_t kExampleTime = 1440938160; // 20150830T123600Z

std::string authorization(const Signable& request, std::string_view service = "service",
                          const Credentials& credentials = kExample) {
    for (const http::Header& h :
         signature(request, credentials, "us-east-1", service, kExampleTime))
        if (h.name == "Authorization") return h.value;
    return {};
}

std::string signature_only(const Signable& request) {
    const std::string all = authorization(request);
    return all.substr(all.rfind('=') + 1);
}

Signable example(std::string method) {
    return {.method = std::move(method), .headers = {{"host", "example.amazonaws.com"}}};
}

} // namespace

TEST_CASE("signature: the test suite's get-vanilla") {
    CHECK(authorization(example("GET")) ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
          "SignedHeaders=host;x-amz-date, "
          "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_CASE("signature: the test suite's get-vanilla-query-order-key-case") {
    Signable request = example("GET");
    request.query = {{"Param2", "value2"}, {"Param1", "value1"}};
    CHECK(signature_only(request) ==
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_CASE("signature: the test suite's post-vanilla and post-x-www-form-urlencoded") {
    CHECK(signature_only(example("POST")) ==
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    Signable form = example("POST");
    form.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
    form.body = "Param1=value1";
    CHECK(signature_only(form) ==
          "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST_CASE("signature: the documented request to IAM") {
    const Signable request{
        .method = "GET",
        .query = {{"Version", "2010-05-08"}, {"Action", "ListUsers"}},
        .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                    {"host", "iam.amazonaws.com"}}};
    CHECK(authorization(request, "iam") ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date, "
          "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST_CASE("signature: a session token is signed, and secret") {
    Signable form = example("POST");
    form.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
    form.body = "Param1=value1";
    Credentials session = kExample;
    session.session_token = "AQoDYXdz";
    // computed by botocore 1.44, which is not ours
    CHECK(authorization(form, "service", session) ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
          "Signature=727e4fb8cd50cc232e33afb2baf8fecca2219c588287dacb811234d478ad8e0f");
    bool found = false;
    for (const http::Header& h : signature(form, session, "us-east-1", "service", kExampleTime))
        if (h.name == "X-Amz-Security-Token") found = h.secret;
    CHECK(found);
}

TEST_CASE("signature: canonical form of paths, blanks and parameters") {
    Signable request = example("GET");
    request.path = "/a%20b/c";
    request.query = {{"b", "2"}, {"a", "x y"}, {"a", "/"}};
    request.headers.emplace_back("my-header", "  a   b ");
    CHECK(canonical_request(request) ==
          "GET\n/a%2520b/c\na=%2F&a=x%20y&b=2\nhost:example.amazonaws.com\nmy-header:a b\n\n"
          "host;my-header\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(percent_encoded("a-_.~/ \xc3\xa4") == "a-_.~%2F%20%C3%A4");
}
