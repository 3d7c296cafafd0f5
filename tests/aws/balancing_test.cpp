// Target groups, targets and load balancers, without a service.
#include "aws/problems.h"
#include "aws/service.h"
#include "providers/aws-ec2/elb_type.h"
#include "providers/aws-ec2/listener.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::said_of;

namespace {

constexpr const char* kGroupArn =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";
constexpr const char* kCertificate = "arn:aws:acm:eu-central-1:123456789012:certificate/1-2";

std::string group_said(const Value& changes) {
    return said_of("aws.target_group",
                   Value::map({{"name", "web"}, {"port", 80}, {"vpc", "vpc-1"}}).with_all(changes));
}

std::string check_said(const Value& check, const char* protocol = "HTTP") {
    return group_said(Value::map({{"protocol", protocol}, {"health_check", check}}));
}

std::string stickiness_said(const Value& stickiness, const char* protocol = "HTTP") {
    return group_said(Value::map({{"protocol", protocol}, {"stickiness", stickiness}}));
}

std::string balancer_said(const Value& changes) {
    return said_of(
        "aws.load_balancer",
        Value::map({{"name", "front"}, {"subnets", Value::list({"subnet-1", "subnet-2"})}})
            .with_all(changes));
}

Value forward(int port, const char* protocol) {
    return Value::map({{"port", port}, {"protocol", protocol}, {"target_group", kGroupArn}});
}

std::string listeners_said(Value::List listeners, const char* type = "application") {
    return balancer_said(
        Value::map({{"balancer_type", type}, {"listeners", Value::list(std::move(listeners))}}));
}

/// The listeners that AWS describes by the members of `<Listeners>`.
Listeners described(const std::string& members) {
    pugi::xml_document document;
    document.load_string(("<Listeners>" + members + "</Listeners>").c_str());
    const auto children = document.first_child().children("member");
    return listeners_of(std::vector<pugi::xml_node>(children.begin(), children.end()));
}

/// The listeners of a config after its check.
Listeners configured(const Value& listener) {
    Registry registry;
    add_aws(registry);
    Diagnostics problems;
    const Value config = normalize(registry.type("aws.load_balancer")->schema,
                                   Value::map({{"name", "front"},
                                               {"subnets", Value::list({"subnet-1", "subnet-2"})},
                                               {"listeners", Value::list({listener})}}),
                                   "it", {}, {}, problems);
    CHECK(problems.empty());
    return listeners_of(config["listeners"]);
}

} // namespace

TEST_CASE("aws.target_group: names that AWS refuses") {
    const auto named = [](const std::string& name) {
        return group_said(Value::map({{"name", name}}));
    };
    CHECK(named("web-1") + named(std::string(32, 'x')) == "");
    CHECK(named(std::string(33, 'x')) ==
          "the name of a target group has 33 characters (at most 32)\n");
    CHECK(named("a.b") == "the name of a target group contains \".\", which AWS does not allow\n");
    for (const char* bad : {"-web", "web-", "a--b", "", "internal-web"})
        CHECK(named(bad).ends_with("cannot be the name of a target group\n"));
}

TEST_CASE("aws.target_group: the name of another generation has at most 32 characters") {
    const std::string identity = "0a1b2c3d-2222-4333-8444-555555555555";
    CHECK(generation_name("web", identity) == "web-0a1b2c");
    CHECK(generation_name(std::string(32, 'x'), identity) == std::string(25, 'x') + "-0a1b2c");
    CHECK(generation_name(std::string(24, 'x') + "-yy", identity) ==
          std::string(24, 'x') + "-0a1b2c");
}

TEST_CASE("aws.target_group: health checks that AWS refuses") {
    CHECK(check_said(Value::map({{"path", "/ping"}, {"interval", "5s"}, {"timeout", "2s"}})) == "");
    CHECK(check_said(Value::map({{"path", "ping"}})) ==
          "\"ping\" is not a valid path for a health check\n");
    const char* slow = "the timeout of the health check must be shorter than its interval\n";
    CHECK(check_said(Value::map({{"interval", "5s"}, {"timeout", "6s"}}), "TCP") == slow);
    CHECK(check_said(Value::map({{"interval", "5s"}, {"timeout", "5s"}})) == slow);
    // with what AWS sets for the other one
    CHECK(check_said(Value::map({{"interval", "5s"}})) == slow);
    CHECK(check_said(Value::map({{"interval", "6s"}})) == "");
    CHECK(check_said(Value::map({{"timeout", "60s"}})) == slow);
    CHECK(check_said(Value::map({{"interval", "5s"}, {"timeout", "5s"}}), "TCP") == "");
    CHECK(check_said(Value::map({{"interval", "5500ms"}})) ==
          "the interval of the health check is not a whole number of seconds\n");
    for (const char* good : {"200", "200-299", "200,302-399"})
        CHECK(check_said(Value::map({{"matcher", good}})) == "");
    for (const char* bad : {"", "2xx", "200-", ",200"})
        CHECK(check_said(Value::map({{"matcher", bad}})) != "");
    for (const char* good : {"1", "65535", "traffic-port"})
        CHECK(check_said(Value::map({{"port", good}})) == "");
    for (const char* bad : {"0", "65536", "http", ""})
        CHECK(check_said(Value::map({{"port", bad}})) != "");
    CHECK(check_said(Value::map({{"path", "/"}}), "TCP") ==
          "a TCP health check cannot have a path or a matcher\n");
    CHECK(check_said(Value::map({{"path", "/"}, {"protocol", "HTTP"}}), "TCP") == "");
    CHECK(check_said(Value::map({{"protocol", "TCP"}})) ==
          "the health check of a group for HTTP cannot use TCP\n");
}

TEST_CASE("aws.target_group: stickiness fits the protocol") {
    const auto by = [](const char* type) { return Value::map({{"type", type}}); };
    CHECK(stickiness_said(by("lb_cookie").with("duration", "1h")) == "");
    CHECK(stickiness_said(by("source_ip"), "TCP") + stickiness_said(by("none"), "TLS") == "");
    CHECK(stickiness_said(by("source_ip")) ==
          "stickiness by source_ip is not supported for the protocol HTTP\n");
    CHECK(stickiness_said(by("lb_cookie"), "TCP") != "");
    CHECK(stickiness_said(by("source_ip"), "TLS") != "");
    CHECK(stickiness_said(by("app_cookie")) ==
          "stickiness by app_cookie needs the name of the cookie\n");
    CHECK(stickiness_said(by("lb_cookie").with("cookie", "x")) ==
          "stickiness by lb_cookie cannot have a cookie name\n");
    CHECK(stickiness_said(by("source_ip").with("duration", "1h"), "TCP") ==
          "stickiness by source_ip cannot have a duration\n");
}

TEST_CASE("aws.target: its ID follows from its config") {
    const Value config = Value::map({{"target_group", kGroupArn}, {"target", "i-1"}, {"port", 80}});
    CHECK(said_of("aws.target", config) == "");
    CHECK(said_of("aws.target", config.with("target", "2001:db8::1")) == "");
    CHECK(said_of("aws.target", config.with("target", "web")) ==
          "\"web\" is neither an instance ID nor an IP address\n");
    CHECK(said_of("aws.target", config.with("target_group", "web")) ==
          "\"web\" is not the ARN of a target group\n");
    Registry registry;
    add_aws(registry);
    const auto& type = dynamic_cast<const AwsType&>(*registry.type("aws.target"));
    CHECK(type.id_from(config) == std::string(kGroupArn) + "/i-1:80");
    CHECK(type.id_from(config.with("target", Value::unknown())) == "");
    CHECK(type.claims(config) == std::vector{"aws target " + type.id_from(config)});
}

TEST_CASE("aws.load_balancer: zones, and what each type has") {
    CHECK(balancer_said({}) == "");
    const Value one = Value::map({{"subnets", Value::list({"subnet-1"})}});
    CHECK(balancer_said(one) ==
          "an application load balancer needs subnets in at least two availability zones\n");
    CHECK(balancer_said(one.with("balancer_type", "network")) == "");
    CHECK(balancer_said(Value::map({{"subnets", Value::unknown()}})) == "");
    CHECK(balancer_said(Value::map({{"balancer_type", "network"}, {"idle_timeout", "1m"}})) ==
          "a network load balancer cannot have an idle timeout\n");
    CHECK(balancer_said(Value::map({{"security_groups", Value::list({"web"})}})) ==
          "\"web\" is not the ID of a security group\n");
    Registry registry;
    add_aws(registry);
    const ResourceType& type = *registry.type("aws.load_balancer");
    const Value open = Value::map({{"name", "front"}, {"deletion_protection", false}});
    CHECK_FALSE(type.held_data(open));
    CHECK(type.held_data(open.with("deletion_protection", true))->what ==
          "the load balancer front, which is protected against deletion");
}

TEST_CASE("aws.load_balancer: listeners that AWS refuses") {
    CHECK(listeners_said({forward(80, "HTTP"), forward(81, "HTTP")}) == "");
    CHECK(listeners_said({forward(80, "HTTP"), forward(80, "HTTP")}) ==
          "two listeners have the port 80\n");
    CHECK(listeners_said({forward(80, "TCP")}) ==
          "application load balancers do not support TCP listeners\n");
    CHECK(listeners_said({forward(80, "TCP")}, "network") == "");
    CHECK(listeners_said({forward(443, "HTTPS")}) == "a listener for HTTPS needs a certificate\n");
    CHECK(listeners_said({forward(443, "HTTPS").with("certificate", kCertificate)}) == "");
    CHECK(listeners_said({forward(443, "HTTPS").with("certificate", "mine")}) ==
          "\"mine\" is not the ARN of a certificate\n");
    CHECK(listeners_said({forward(80, "HTTP").with("certificate", kCertificate)}) ==
          "a listener for HTTP cannot have a certificate\n");
    CHECK(listeners_said({forward(80, "HTTP").with("redirect", Value::map({}))}) ==
          "a listener needs either a target group or a redirect\n");
    CHECK(listeners_said({forward(80, "HTTP").without("target_group")}) ==
          "a listener needs either a target group or a redirect\n");
    CHECK(listeners_said({forward(80, "HTTP").with("target_group", "web")}) ==
          "\"web\" is not the ARN of a target group\n");
}

TEST_CASE("aws.load_balancer: a listener that AWS describes is that of its config") {
    const std::string group = "<TargetGroupArn>" + std::string(kGroupArn) + "</TargetGroupArn>";
    const std::string start = "<Port>80</Port><Protocol>HTTP</Protocol>";
    const auto action = [&](const std::string& inside) {
        return "<member>" + start + "<DefaultActions><member>" + inside +
               "</member></DefaultActions></member>";
    };
    const Listeners plain = configured(forward(80, "HTTP"));
    CHECK(described(action("<Type>forward</Type>" + group)) == plain);
    CHECK(described(action("<ForwardConfig><TargetGroups><member>" + group +
                           "</member></TargetGroups></ForwardConfig>")) == plain);
    const std::string two = "<member>" + group + "</member><member>" + group + "</member>";
    CHECK(described(action("<ForwardConfig><TargetGroups>" + two +
                           "</TargetGroups></ForwardConfig>")) != plain);
    CHECK(described(action("<Type>fixed-response</Type>")) != plain);
    CHECK(described(action(group + "</member><member>")) != plain);
    CHECK(described(action("<RedirectConfig><Protocol>HTTPS</Protocol><Port>443</Port>"
                           "<Host>#{host}</Host><Path>/#{path}</Path><Query>#{query}</Query>"
                           "<StatusCode>HTTP_301</StatusCode></RedirectConfig>")) ==
          configured(forward(80, "HTTP").without("target_group").with("redirect", Value::map({}))));
    const auto secure = [&](const std::string& policy) {
        return described("<member><Port>443</Port><Protocol>HTTPS</Protocol><SslPolicy>" + policy +
                         "</SslPolicy><Certificates><member><CertificateArn>" + kCertificate +
                         "</CertificateArn></member></Certificates><DefaultActions><member>" +
                         group + "</member></DefaultActions></member>");
    };
    const Listeners wanted = configured(forward(443, "HTTPS").with("certificate", kCertificate));
    CHECK(secure("ELBSecurityPolicy-TLS13-1-2-2021-06") == wanted);
    CHECK(secure("ELBSecurityPolicy-2016-08") != wanted);
    CHECK_THROWS_AS(described("<member/>"), ServiceError);
}

TEST_CASE("aws.load_balancer: a list of listeners gives the same listeners again") {
    const Listeners there = {
        {80, {.protocol = "HTTP", .redirect = {"HTTPS", "443", "h", "/p", "q", "HTTP_302"}}},
        {443, {.protocol = "HTTPS", .certificate = "c", .policy = "p", .target_group = kGroupArn}}};
    CHECK(listeners_of(value_of(there, {})) == there);
}

TEST_CASE("aws.load_balancer: a default that the spec leaves out is not shown as removed") {
    const Value written = Value::map({{"port", 443},
                                      {"protocol", "HTTPS"},
                                      {"certificate", kCertificate},
                                      {"target_group", kGroupArn}});
    const Value wanted = Value::list({written, written.with("port", 8443)});
    Listeners there = listeners_of(wanted);
    CHECK(value_of(there, wanted) == wanted);
    there.at(443).target_group = "another";
    CHECK(value_of(there, wanted) ==
          Value::list({written.with("target_group", "another"), written.with("port", 8443)}));
    there.at(443).policy = "old";
    CHECK(value_of(there, wanted).as_list()[0].text("policy") == "old");
}

TEST_CASE("query: lists and pages of other services than EC2") {
    test::FakeService service;
    const auto page = [](const std::string& inside) {
        return "<DescribeThingsResponse><DescribeThingsResult>" + inside +
               "</DescribeThingsResult></DescribeThingsResponse>";
    };
    service.replies = {
        {.body = page("<Things><member>1</member></Things><NextMarker>m+1</NextMarker>")},
        {.body = page("<Things><member>2</member></Things>")},
        {.body = page("")}};
    Client client(kElb, service.url(), "eu-central-1", [](bool) {
        return Credentials{"AKIDEXAMPLE", "secret"};
    });
    std::string all;
    const auto take = [&](const pugi::xml_node& item) { all += item.child_value(); };
    client.each("DescribeThings", {}, "Things", take);
    CHECK(all == "12");
    CHECK(service.requests[1].body == "Action=DescribeThings&Version=2015-12-01&Marker=m%2B1");
    CHECK(service.requests[0]
              .get_header_value("Authorization")
              .find("/eu-central-1/elasticloadbalancing/aws4_request") != std::string::npos);
    CHECK_THROWS_WITH_AS(client.each("DescribeThings", {}, "Things", take),
                         "the response has no <Things>", ServiceError);
}

TEST_CASE("aws.load_balancer: names are unique in a region of an account") {
    const auto type = load_balancer_type();
    const auto claims = [&](const Value& more) {
        return type->claims((more.is_map() ? more : Value::map({})).with("name", "front"));
    };
    const Value here = Value::map({{"region", "eu-central-1"}});
    CHECK(claims({}) == std::vector<std::string>{"aws load balancer front"});
    CHECK(claims(here) == std::vector<std::string>{"aws load balancer front in eu-central-1"});
    CHECK(claims(here.with("profile", "two")) ==
          std::vector<std::string>{"aws load balancer front in eu-central-1 of the profile two"});
    CHECK(claims(Value::map({{"profile", Value::unknown()}})).empty());
}
