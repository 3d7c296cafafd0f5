#include "providers/aws-ec2/classic_listener.h"

#include "core/secrecy.h"
#include "providers/aws-ec2/checks.h"
#include "providers/aws-ec2/elb_type.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

bool is_encrypted(std::string_view protocol) {
    return protocol == "HTTPS" || protocol == "SSL";
}

bool is_of_http(std::string_view protocol) {
    return protocol == "HTTP" || protocol == "HTTPS";
}

} // namespace

ClassicListeners classic_listeners_of(const Value& list) {
    ClassicListeners out;
    if (!list.is_list()) return out;
    for (const Value& one : list.as_list()) {
        const std::string protocol = one.text("protocol");
        out[one.integer("port")] = {.protocol = protocol,
                                    .instance_protocol = one.text(
                                        "instance_protocol", is_of_http(protocol) ? "HTTP" : "TCP"),
                                    .instance_port = one.integer("instance_port"),
                                    .certificate = one.text("certificate")};
    }
    return out;
}

ClassicListeners classic_listeners_of(const pugi::xml_node& descriptions) {
    ClassicListeners out;
    for (const pugi::xml_node& one : descriptions.children("member")) {
        const pugi::xml_node listener = one.child("Listener");
        const std::string port = listener.child_value("LoadBalancerPort");
        if (port.empty()) throw wrong_answer({}, "the response has a listener without its port");
        const std::string protocol = listener.child_value("Protocol");
        const std::string inside = listener.child_value("InstanceProtocol");
        out[to_number(port)] = {
            .protocol = protocol,
            .instance_protocol = !inside.empty()        ? inside
                                 : is_of_http(protocol) ? "HTTP"
                                                        : "TCP",
            .instance_port = to_number(listener.child_value("InstancePort")),
            .certificate = is_encrypted(protocol) ? listener.child_value("SSLCertificateId") : ""};
    }
    return out;
}

Value value_of(const ClassicListeners& listeners) {
    Value::List out;
    for (const auto& [port, one] : listeners) {
        Value listener = Value::map({{"port", port},
                                     {"protocol", one.protocol},
                                     {"instance_port", one.instance_port},
                                     {"instance_protocol", one.instance_protocol}});
        if (!one.certificate.empty()) listener = listener.with("certificate", one.certificate);
        out.push_back(std::move(listener));
    }
    return Value::list(std::move(out));
}

void specify_listeners(Params& params, const ClassicListeners& listeners) {
    int n = 0;
    for (const auto& [port, one] : listeners) {
        const std::string prefix = fmt::format("Listeners.member.{}.", ++n);
        params.add(prefix + "Protocol", one.protocol)
            .add(prefix + "LoadBalancerPort", std::to_string(port))
            .add(prefix + "InstanceProtocol", one.instance_protocol)
            .add(prefix + "InstancePort", std::to_string(one.instance_port));
        if (!one.certificate.empty()) params.add(prefix + "SSLCertificateId", one.certificate);
    }
}

void check_classic_listeners(const Value& list, Diagnostics& problems) {
    if (!list.is_list()) return;
    std::set<std::int64_t> ports;
    for (const Value& one : list.as_list()) {
        if (!one.is_map()) continue;
        if (one["port"].is_integer() && !ports.insert(one.integer("port")).second)
            problems.add(fmt::format("two listeners have the port {}", one.integer("port")),
                         one["port"].loc());
        const Value& certificate = one["certificate"];
        if (certificate.is_string() && certificate.as_string().find(":iam:") == std::string::npos)
            check_arn(certificate, "acm", "certificate/", "a certificate",
                      "for example arn:aws:acm:eu-central-1:123456789012:certificate/...",
                      problems);
        if (!one["protocol"].is_string()) continue;
        const std::string protocol = one.text("protocol");
        if (is_encrypted(protocol) && certificate.is_null())
            problems.add(fmt::format("the listener for {} has no certificate", protocol), one.loc())
                .with_hint("set `certificate` to the ARN of a certificate");
        if (!is_encrypted(protocol) && !certificate.is_null())
            problems.add(fmt::format("a listener for {} has no certificate", protocol),
                         certificate.loc());
        const Value& inside = one["instance_protocol"];
        if (inside.is_string() && is_of_http(inside.as_string()) != is_of_http(protocol))
            problems
                .add(fmt::format("a listener for {} cannot forward connections as {}", protocol,
                                 inside.as_string()),
                     inside.loc())
                .with_hint("HTTP and HTTPS go together, and TCP and SSL");
    }
}

std::vector<Attribute> classic_listener_fields() {
    const std::vector<std::string> protocols{"HTTP", "HTTPS", "TCP", "SSL"};
    return {{.name = "port", .type = TypeKind::port, .doc = "The port.", .required = true},
            {.name = "protocol",
             .type = TypeKind::string,
             .doc = "The protocol of clients.",
             .required = true,
             .one_of = protocols},
            {.name = "instance_port",
             .type = TypeKind::port,
             .doc = "Port of the instances.",
             .required = true},
            {.name = "instance_protocol",
             .type = TypeKind::string,
             .doc = "The protocol of the instances. If not set: HTTP for listeners with HTTP or "
                    "HTTPS, otherwise TCP.",
             .one_of = protocols},
            {.name = "certificate",
             .type = TypeKind::string,
             .doc = "ARN of the certificate, for HTTPS and SSL."}};
}

Value classic_check_of(const pugi::xml_node& described) {
    // "HTTP:80/ping", "TCP:22"
    const std::string target = described.child_value("Target");
    const std::size_t colon = target.find(':'), slash = target.find('/');
    if (colon == target.npos) return Value::map({});
    Value out = Value::map(
        {{"protocol", target.substr(0, colon)},
         {"port",
          to_number(target.substr(colon + 1, slash == target.npos ? slash : slash - colon - 1))},
         {"interval", from_seconds(described.child_value("Interval"))},
         {"timeout", from_seconds(described.child_value("Timeout"))},
         {"healthy_threshold", to_number(described.child_value("HealthyThreshold"))},
         {"unhealthy_threshold", to_number(described.child_value("UnhealthyThreshold"))}});
    return slash == target.npos ? out : out.with("path", target.substr(slash));
}

Params classic_check_params(const Value& check) {
    const std::string prefix = "HealthCheck.", protocol = check.text("protocol");
    const std::string path = is_of_http(protocol) ? check.text("path", "/") : "";
    return Params()
        .add(prefix + "Target", fmt::format("{}:{}{}", protocol, check.integer("port"), path))
        .add(prefix + "Interval", in_seconds(check["interval"]))
        .add(prefix + "Timeout", in_seconds(check["timeout"]))
        .add(prefix + "HealthyThreshold", std::to_string(check.integer("healthy_threshold")))
        .add(prefix + "UnhealthyThreshold", std::to_string(check.integer("unhealthy_threshold")));
}

void check_classic_check(const Value& check, Diagnostics& problems) {
    if (!check.is_map()) return;
    const Value &path = check["path"], &interval = check["interval"], &timeout = check["timeout"];
    check_seconds(interval, "the interval of the health check", problems);
    check_seconds(timeout, "the timeout of the health check", problems);
    if (interval.is_integer() && timeout.is_integer() &&
        timeout.as_integer() >= interval.as_integer())
        problems.add("the timeout of the health check is not shorter than its interval",
                     timeout.loc().known() ? timeout.loc() : interval.loc());
    if (path.is_string() && (!path.as_string().starts_with('/') || path.as_string().size() > 1'024))
        problems.add(fmt::format("{} is not a path for a health check", quoted(path)), path.loc())
            .with_hint("it begins with / and has at most 1024 characters");
    check_plain(path, "the path of the health check", problems);
    if (!check["protocol"].is_string() || path.is_unknown()) return;
    const std::string protocol = check.text("protocol");
    if (is_of_http(protocol) == path.is_null())
        problems.add(is_of_http(protocol)
                         ? fmt::format("a health check by {} needs a path", protocol)
                         : fmt::format("a health check by {} has no path", protocol),
                     is_of_http(protocol) ? check["protocol"].loc() : path.loc());
}

std::vector<Attribute> classic_check_fields() {
    return {
        {.name = "protocol",
         .type = TypeKind::string,
         .doc = "Protocol of the check.",
         .required = true,
         .one_of = {"HTTP", "HTTPS", "TCP", "SSL"}},
        {.name = "port", .type = TypeKind::port, .doc = "Port of the instances.", .required = true},
        {.name = "path",
         .type = TypeKind::string,
         .doc = "Path to request, with HTTP and HTTPS. The check passes if the response has status "
                "200."},
        {.name = "interval",
         .type = TypeKind::duration,
         .doc = "Time between two checks.",
         .default_value = Value(30'000),
         .min = 5'000,
         .max = 300'000},
        {.name = "timeout",
         .type = TypeKind::duration,
         .doc = "Maximum time to wait for a response.",
         .default_value = Value(5'000),
         .min = 2'000,
         .max = 60'000},
        {.name = "healthy_threshold",
         .type = TypeKind::integer,
         .doc = "Number of consecutive checks that must pass before an instance is in service.",
         .default_value = Value(10),
         .min = 2,
         .max = 10},
        {.name = "unhealthy_threshold",
         .type = TypeKind::integer,
         .doc = "Number of consecutive checks that must fail before an instance is out of service.",
         .default_value = Value(2),
         .min = 2,
         .max = 10}};
}

} // namespace hadeploy::aws
