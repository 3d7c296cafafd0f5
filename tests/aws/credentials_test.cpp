#include "aws/service.h"
#include "core/error.h"
#include "core/temp_dir.h"
#include "providers/aws-ec2/addresses.h"
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
        return message([&] { get(); });
    }
    /// The message of an error, without the directory of the files.
    std::string message(const std::function<void()>& work) const {
        try {
            work();
        } catch (const Error& e) {
            std::string out = e.message;
            const std::string path = directory.path.string() + "/";
            if (const std::size_t at = out.find(path); at != out.npos) out.erase(at, path.size());
            return out;
        }
        return "";
    }
    TempDir directory;
    Variables env;
    Access access;
};

constexpr const char* kSession =
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></"
    "AssumeRoleResponse>";

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
    CHECK(c.chain().endpoint_of(kEc2, "eu-west-3") == "https://ec2.eu-west-3.amazonaws.com");
    CHECK(c.chain().endpoint_of(kEc2, "cn-north-1") == "https://ec2.cn-north-1.amazonaws.com.cn");
    c.env.all["AWS_ENDPOINT_URL"] = "http://all";
    CHECK(c.chain().endpoint_of(kEc2, "x") == "http://all");
    c.env.all["AWS_ENDPOINT_URL_EC2"] = "http://ec2";
    CHECK(c.chain().endpoint_of(kEc2, "x") == "http://ec2");
    CHECK(c.chain().endpoint_of(kSts, "x") == "http://all");
    c.env.all["AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"] = "http://elb";
    CHECK(c.chain().endpoint_of(kElb, "x") == "http://elb");
    c.env.all["AWS_ENDPOINT_URL_EFS"] = "http://efs";
    CHECK(c.chain().endpoint_of(kEfs, "x") == "http://efs");
    c.env.all["AWS_ENDPOINT_URL_AUTO_SCALING"] = "http://scaling";
    CHECK(c.chain().endpoint_of(kScaling, "x") == "http://scaling");
    c.access.endpoint = "http://given";
    CHECK(c.chain().endpoint_of(kSts, "x") == "http://given");
}

TEST_CASE("credentials: a process") {
    Chain c;
    c.file("AWS_CONFIG_FILE",
           "[default]\ncredential_process = printf '{\"Version\": 1, \"AccessKeyId\": \"AKIAP\", "
           "\"SecretAccessKey\": \"s\", \"Expiration\": \"2099-01-01T00:00:00Z\"}'\n");
    CHECK(c.get().access_key == "AKIAP");
    CHECK(c.get().expires > 4'000'000'000);
    c.file("AWS_CONFIG_FILE", "[default]\ncredential_process = false\n");
    CHECK(c.error() == "the credential_process of the profile default failed with exit status 1");
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
    CHECK(c.error() == "the source_profile of the AWS profile \"loop\" leads back to itself");
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
    for (std::size_t at = 0; (at = body.find("AssumeRoleRes", at)) != body.npos; at += 30)
        body.replace(at, 10, "AssumeRoleWithWebIdentity");
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

TEST_CASE("credentials: what would break a request is refused by its source, never shown") {
    Chain c;
    c.env.all["AWS_ACCESS_KEY_ID"] = "AKIA";
    c.env.all["AWS_SECRET_ACCESS_KEY"] = "s";
    const std::string rest =
        " contains a space, a line break or another character that no credentials have";
    for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
        for (const char* bad : {"x\r\nHost: evil", "x\n", "x\x01", "x y", "x\xe2\x80\x8b"}) {
            Chain other;
            other.env.all = c.env.all;
            other.env.all[name] = bad;
            CHECK(other.error() == name + rest);
        }
    Chain profile;
    profile.file("AWS_CONFIG_FILE", "[default]\naws_access_key_id = A\naws_secret_access_key = "
                                    "se\rcret\n");
    CHECK(profile.error() == "AWS_CONFIG_FILE:3: aws_secret_access_key" + rest);
    profile.file("AWS_CONFIG_FILE",
                 "[default]\ncredential_process = printf '{\"AccessKeyId\": \"A\", "
                 "\"SecretAccessKey\": \"s\", \"SessionToken\": \"t\\\\n\"}'\n");
    CHECK(profile.error() ==
          "the session token of the credential_process of the profile default" + rest);
}

TEST_CASE("credentials: a region becomes a host name") {
    Chain c;
    const auto said = [&] { return c.message([&] { c.chain().region(); }); };
    c.file("AWS_CONFIG_FILE", "[default]\nregion = eu west\n");
    CHECK(said() == "AWS_CONFIG_FILE:2 has \"eu west\", which is not an AWS region");
    for (const char* bad : {"evil.com/", "EU-CENTRAL-1", "-", "eu-central-1\n", "a.b"}) {
        c.env.all["AWS_REGION"] = bad;
        CHECK(said().starts_with("AWS_REGION has \""));
    }
    c.env.all["AWS_REGION"] = "us-gov-west-1";
    CHECK(said() == "");
}

TEST_CASE("credentials: an endpoint that is no URL is refused at once") {
    Chain c;
    const auto said = [&](const char* url) {
        c.env.all["AWS_ENDPOINT_URL"] = url;
        return c.message([&] { c.chain().endpoint_of(kEc2, "x"); });
    };
    CHECK(said("ftp://a") == "AWS_ENDPOINT_URL does not begin with https:// or http://");
    CHECK(said("127.0.0.1:5000") != "");
    CHECK(said("http://") == "AWS_ENDPOINT_URL has no host");
    CHECK(said("http://user:secret@a") == "AWS_ENDPOINT_URL contains a user");
    CHECK(said("http://a:port") == "AWS_ENDPOINT_URL has no valid port");
    CHECK(said("http://a:99999") == "AWS_ENDPOINT_URL has no valid port");
    CHECK(said("http://a\r\nb") == "AWS_ENDPOINT_URL contains a character that is not allowed in "
                                   "a URL");
    for (const char* good : {"http://127.0.0.1:5000", "HTTPS://a.example", "http://[::1]:80/x"})
        CHECK(said(good) == "");
}

TEST_CASE("credentials: services give them without encryption only on this machine or link") {
    Chain c;
    const auto said = [&](const char* name, const char* url) {
        Chain one;
        one.env.all["AWS_EC2_METADATA_DISABLED"] = "";
        one.env.all["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1";
        one.env.all[name] = url;
        return one.error();
    };
    const char *full = "AWS_CONTAINER_CREDENTIALS_FULL_URI",
               *relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
               *metadata = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    CHECK(said(full, "http://evil.example/x") ==
          "AWS_CONTAINER_CREDENTIALS_FULL_URI uses http:// with the host \"evil.example\"");
    for (const char* url :
         {"http://127.0.0.1.evil.example/", "http://10.0.0.1/", "http://[fd00::1]/"})
        CHECK(said(full, url) != "the container's service for AWS credentials is not responding");
    for (const char* url : {"http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/"})
        CHECK(said(full, url) == "the container's service for AWS credentials is not responding");
    CHECK(said(relative, "@evil.example/") ==
          "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
    CHECK(said(metadata, "http://evil.example") ==
          "AWS_EC2_METADATA_SERVICE_ENDPOINT uses http:// with the host \"evil.example\"");
    CHECK(said(metadata, "http://127.0.0.1:1") == "there are no AWS credentials");
    c.env.all[full] = "http://127.0.0.1:1/";
    c.env.all["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "t\r\nHost: x";
    CHECK(c.error() == "AWS_CONTAINER_AUTHORIZATION_TOKEN contains a line break or another "
                       "control character");
    c.file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "t\n");
    CHECK(c.error() == "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE contains a line break "
                       "or another control character");
}

TEST_CASE("credentials: https and link-local addresses count as protected") {
    for (const char* url : {"https://evil.example", "http://169.254.170.2/x", "http://localhost",
                            "http://169.254.170.23/", "http://[fd00:ec2::23]/", "http://127.9.9.9"})
        CHECK_FALSE(leaves_unencrypted(url));
    for (const char* url : {"http://moto:5000", "http://10.0.0.1", "http://localhost.evil.example",
                            "http://127.0.0.1@evil.example", "http://169.255.0.1"})
        CHECK(leaves_unencrypted(url));
}

TEST_CASE("credentials: mistakes in profile files are found with their line") {
    Chain c;
    const auto said = [&](const std::string& text) {
        c.file("AWS_SHARED_CREDENTIALS_FILE", text);
        return c.error();
    };
    const std::string keys = "aws_access_key_id = A\naws_secret_access_key = s\n";
    CHECK(said("\xef\xbb\xbf[default]\n" + keys) == "");
    CHECK(said("[\"default\"]\n" + keys + "s3 =\n  a = b\n") == "");
    CHECK(said("[default]\n  aws_access_key_id = A\n") ==
          "AWS_SHARED_CREDENTIALS_FILE:2: the line is indented, but does not follow a setting "
          "with nested settings");
    CHECK(said("[default]\n" + keys + "[work]\n[default]\n") ==
          "AWS_SHARED_CREDENTIALS_FILE:5: the profile \"default\" is defined twice");
    CHECK(said("[default]\n" + keys + "aws_access_key_id = B\n") ==
          "AWS_SHARED_CREDENTIALS_FILE:4: \"aws_access_key_id\" is set twice in this profile");
    CHECK(
        said("[default]\n\naws_access_key_id = A\n") ==
        "AWS_SHARED_CREDENTIALS_FILE:3: the AWS profile \"default\" has aws_access_key_id, but no "
        "aws_secret_access_key");
    CHECK(said("[default]\naws_secret_access_key = A\naws_access_key_id =\n") ==
          "AWS_SHARED_CREDENTIALS_FILE:2: the AWS profile \"default\" has aws_secret_access_key, "
          "but no aws_access_key_id");
    CHECK(said(keys) == "AWS_SHARED_CREDENTIALS_FILE:1: a setting before the first section");
    CHECK(said("[default\n") == "AWS_SHARED_CREDENTIALS_FILE:1: a section without its ]");
    CHECK(said("[default]\nsecret-text\n") ==
          "AWS_SHARED_CREDENTIALS_FILE:2: neither a section nor a setting");
    CHECK(said(std::string("[\0d\0", 4)) ==
          "AWS_SHARED_CREDENTIALS_FILE:1: the file is not UTF-8 text");
}
