#include "aws/service.h"
#include "core/error.h"
#include "core/temp_dir.h"
#include "providers/aws-ec2/credentials.h"

#include <doctest/doctest.h>
#include <fstream>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::FakeService;
using aws::test::Variables;

namespace {

constexpr const char* kNoInstance = "true"; // AWS_EC2_METADATA_DISABLED

struct Chain {
    Chain() { env.all["AWS_EC2_METADATA_DISABLED"] = kNoInstance; }
    void file(const std::string& variable, const std::string& text) {
        const std::filesystem::path path = directory / variable;
        std::ofstream(path) << text;
        env.all[variable] = path;
    }
    Credentials get() { return chain().get(); }
    CredentialChain chain() {
        access.environment = env.function();
        return CredentialChain(access);
    }
    std::string error() {
        try {
            get();
        } catch (const Error& e) {
            return e.message;
        }
        return "";
    }
    TempDir directory;
    Variables env;
    Access access;
};

constexpr const char* kSession =
    "<A><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></A>";

} // namespace

TEST_CASE("credentials: the environment") {
    Chain c;
    CHECK(c.error() == "there are no AWS credentials");
    c.env.all["AWS_ACCESS_KEY_ID"] = "AKIA";
    CHECK(c.error() == "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
    c.env.all["AWS_SECRET_ACCESS_KEY"] = "s";
    c.env.all["AWS_SESSION_TOKEN"] = "t";
    const Credentials found = c.get();
    CHECK(found.access_key == "AKIA");
    CHECK(found.secret_key == "s");
    CHECK(found.session_token == "t");
}

TEST_CASE("credentials: profiles in both files, of which the second wins") {
    Chain c;
    c.file("AWS_CONFIG_FILE", "[default]\nregion = eu-west-1 # near\n"
                              "[profile work]\nregion=eu-central-1\naws_access_key_id=old\n"
                              "aws_secret_access_key=old\ns3 =\n  max_concurrent_requests = 3\n"
                              "[sso-session x]\nregion = us-east-1\n");
    c.file("AWS_SHARED_CREDENTIALS_FILE", "; a comment\n[work]\r\naws_access_key_id = AKIAWORK\r\n"
                                          "aws_secret_access_key = a+/=b\n");
    CHECK(c.error() == "there are no AWS credentials");
    CHECK(c.chain().region() == "eu-west-1");
    c.env.all["AWS_PROFILE"] = "work";
    CHECK(c.get().access_key == "AKIAWORK");
    CHECK(c.get().secret_key == "a+/=b");
    CHECK(c.chain().region() == "eu-central-1");
    c.env.all["AWS_ACCESS_KEY_ID"] = "AKIAENV"; // before AWS_PROFILE, but after the settings
    c.env.all["AWS_SECRET_ACCESS_KEY"] = "s";
    CHECK(c.get().access_key == "AKIAENV");
    c.access.profile = "work";
    CHECK(c.get().access_key == "AKIAWORK");
    c.access.profile = "wrok";
    CHECK(c.error() == "there is no AWS profile \"wrok\"");
}

TEST_CASE("credentials: the region and endpoints, in their order") {
    Chain c;
    CHECK_THROWS_AS(c.chain().region(), Error);
    c.env.all["AWS_DEFAULT_REGION"] = "eu-north-1";
    CHECK(c.chain().region() == "eu-north-1");
    c.env.all["AWS_REGION"] = "eu-west-3";
    CHECK(c.chain().region() == "eu-west-3");
    c.access.region = "cn-north-1";
    CHECK(c.chain().region() == "cn-north-1");
    CHECK(c.chain().endpoint_of("ec2", "eu-west-3") == "https://ec2.eu-west-3.amazonaws.com");
    CHECK(c.chain().endpoint_of("ec2", "cn-north-1") == "https://ec2.cn-north-1.amazonaws.com.cn");
    c.env.all["AWS_ENDPOINT_URL"] = "http://all";
    CHECK(c.chain().endpoint_of("ec2", "x") == "http://all");
    c.env.all["AWS_ENDPOINT_URL_EC2"] = "http://ec2";
    CHECK(c.chain().endpoint_of("ec2", "x") == "http://ec2");
    CHECK(c.chain().endpoint_of("sts", "x") == "http://all");
    c.access.endpoint = "http://given";
    CHECK(c.chain().endpoint_of("sts", "x") == "http://given");
}

TEST_CASE("credentials: a process") {
    Chain c;
    c.file("AWS_CONFIG_FILE",
           "[default]\ncredential_process = printf '{\"Version\": 1, \"AccessKeyId\": \"AKIAP\", "
           "\"SecretAccessKey\": \"s\", \"Expiration\": \"2099-01-01T00:00:00Z\"}'\n");
    CHECK(c.get().access_key == "AKIAP");
    CHECK(c.get().expires > 4'000'000'000);
    c.file("AWS_CONFIG_FILE", "[default]\ncredential_process = false\n");
    CHECK(c.error() == "the credential_process of the profile default failed with status 1");
    c.file("AWS_CONFIG_FILE", "[default]\ncredential_process = echo secret-text\n");
    CHECK(c.error() == "the credential_process of the profile default returned no credentials");
}

TEST_CASE("credentials: roles are assumed, with a profile's or the provider's settings") {
    FakeService sts;
    sts.replies = {{.body = kSession}};
    sts.keep_last = true;
    Chain c;
    c.env.all["AWS_ENDPOINT_URL_STS"] = sts.url();
    c.env.all["AWS_REGION"] = "eu-west-1";
    c.file("AWS_CONFIG_FILE",
           "[profile base]\naws_access_key_id=AKIABASE\naws_secret_access_key=s\n"
           "[profile role]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=base\nexternal_id=e\n"
           "[profile loop]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=loop\n");
    c.access.profile = "role";
    CHECK(c.get().session_token == "t");
    REQUIRE(sts.count() == 1);
    CHECK(sts.requests[0].body ==
          "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&"
          "RoleSessionName=hadeploy&ExternalId=e");
    CHECK(sts.requests[0].get_header_value("Authorization").find("AKIABASE/") != std::string::npos);
    c.access.profile = "loop";
    CHECK(c.error() == "the source_profile of the AWS profile \"loop\" leads in a circle");
    c.access.profile = "base";
    c.access.assume_role = Value::map({{"role", "arn:aws:iam::2:role/y"}, {"session", "me"}});
    CHECK(c.get().access_key == "ASIA");
    sts.replies = {{.status = 403,
                    .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you"
                            "</Message></Error></ErrorResponse>"}};
    CHECK(c.error() == "the role arn:aws:iam::2:role/y cannot be assumed: not you");
}

TEST_CASE("credentials: a web identity is sent without a signature") {
    FakeService sts;
    std::string body = kSession;
    for (std::size_t at = 0; (at = body.find("AssumeRoleResult", at)) != body.npos; at += 30)
        body.replace(at, 16, "AssumeRoleWithWebIdentityResult");
    sts.replies = {{.body = body}};
    Chain c;
    c.env.all["AWS_ENDPOINT_URL"] = sts.url();
    c.env.all["AWS_REGION"] = "eu-west-1";
    c.file("AWS_WEB_IDENTITY_TOKEN_FILE", "jwt\n");
    CHECK(c.error() == "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    c.env.all["AWS_ROLE_ARN"] = "arn";
    CHECK(c.get().access_key == "ASIA");
    CHECK(sts.requests[0].body.ends_with("WebIdentityToken=jwt"));
    CHECK_FALSE(sts.requests[0].has_header("Authorization"));
}

TEST_CASE("credentials: an instance's metadata service is asked with a token") {
    FakeService imds;
    imds.replies = {{.body = "token"},
                    {.body = "my-role"},
                    {.body = "token"},
                    {.body = "{\"AccessKeyId\": \"ASIAI\", \"SecretAccessKey\": \"s\", \"Token\": "
                             "\"t\", \"Expiration\": \"2099-01-01T00:00:00Z\"}"}};
    Chain c;
    c.env.all["AWS_EC2_METADATA_DISABLED"] = "";
    c.env.all["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = imds.url() + "/";
    CHECK(c.get().access_key == "ASIAI");
    REQUIRE(imds.count() == 4);
    CHECK(imds.requests[0].method == "PUT");
    CHECK(imds.requests[3].path == "/latest/meta-data/iam/security-credentials/my-role");
    CHECK(imds.requests[3].get_header_value("X-aws-ec2-metadata-token") == "token");
}

TEST_CASE("credentials: a container's service") {
    FakeService container;
    container.replies = {{.body = "{\"AccessKeyId\": \"ASIAC\", \"SecretAccessKey\": \"s\", "
                                  "\"Token\": \"t\"}"}};
    Chain c;
    c.env.all["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url() + "/get";
    c.env.all["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "auth";
    CHECK(c.get().access_key == "ASIAC");
    CHECK(container.requests[0].get_header_value("Authorization") == "auth");
}

TEST_CASE("credentials: they are renewed before their end, and when AWS rejects them") {
    FakeService container;
    container.replies = {{.body = "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\", \"Token\": "
                                  "\"t\", \"Expiration\": \"2020-01-01T00:00:00Z\"}"},
                         {.body = "{\"AccessKeyId\": \"B\", \"SecretAccessKey\": \"s\", \"Token\": "
                                  "\"t\", \"Expiration\": \"2099-01-01T00:00:00Z\"}"},
                         {.body = "{\"AccessKeyId\": \"C\", \"SecretAccessKey\": \"s\", \"Token\": "
                                  "\"t\", \"Expiration\": \"2099-01-01T00:00:00Z\"}"}};
    Chain c;
    c.env.all["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url() + "/get";
    c.access.environment = c.env.function();
    CredentialChain chain(c.access);
    CHECK(chain.get().access_key == "A");
    CHECK(chain.get().access_key == "B");
    CHECK(chain.get().access_key == "B");
    CHECK(chain.get(true).access_key == "C");
    CHECK(container.count() == 3);
}
