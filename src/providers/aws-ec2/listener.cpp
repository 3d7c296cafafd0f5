#include "providers/aws-ec2/listener.h"

#include "core/secrecy.h"
#include "providers/aws-ec2/aws_type.h"
#include "providers/aws-ec2/checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

/// AWS's own default still accepts TLS 1.0.
constexpr const char* kPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06";

bool has_tls(std::string_view protocol) {
    return protocol == "HTTPS" || protocol == "TLS";
}

Redirect redirect_of(const Value& config) {
    return {.protocol = config.text("protocol"),
            .port = config.text("port"),
            .host = config.text("host"),
            .path = config.text("path"),
            .query = config.text("query"),
            .status = config.flag("permanent", true) ? "HTTP_301" : "HTTP_302"};
}

Redirect redirect_of(const pugi::xml_node& config) {
    return {.protocol = config.child_value("Protocol"),
            .port = config.child_value("Port"),
            .host = config.child_value("Host"),
            .path = config.child_value("Path"),
            .query = config.child_value("Query"),
            .status = config.child_value("StatusCode")};
}

/// The target group to which an action forwards; "" if it forwards to several, or is a different
/// action.
std::string forwards_to(const pugi::xml_node& action) {
    const pugi::xml_node groups = action.child("ForwardConfig").child("TargetGroups");
    if (groups.child("member").next_sibling("member")) return {};
    const std::string group = action.child_value("TargetGroupArn");
    return group.empty() ? groups.child("member").child_value("TargetGroupArn") : group;
}

} // namespace

Listeners listeners_of(const Value& list) {
    Listeners out;
    if (!list.is_list()) return out;
    for (const Value& one : list.as_list()) {
        Listener& listener = out[one.integer("port")];
        listener.protocol = one.text("protocol");
        listener.target_group = one.text("target_group");
        if (has_tls(listener.protocol)) {
            listener.certificate = one.text("certificate");
            listener.policy = one.text("policy", kPolicy);
        }
        if (one["redirect"].is_map()) listener.redirect = redirect_of(one["redirect"]);
    }
    return out;
}

Listeners listeners_of(const std::vector<pugi::xml_node>& described) {
    Listeners out;
    for (const pugi::xml_node& one : described) {
        const std::string port = one.child_value("Port");
        if (port.empty()) throw wrong_answer({}, "the response has a listener without its <Port>");
        Listener& listener = out[to_number(port)];
        listener.protocol = one.child_value("Protocol");
        if (has_tls(listener.protocol)) {
            listener.certificate =
                one.child("Certificates").child("member").child_value("CertificateArn");
            listener.policy = one.child_value("SslPolicy");
        }
        const pugi::xml_node action = one.child("DefaultActions").child("member");
        if (action.next_sibling("member")) continue; // a config cannot describe several actions
        listener.target_group = forwards_to(action);
        if (const pugi::xml_node to = action.child("RedirectConfig"))
            listener.redirect = redirect_of(to);
    }
    return out;
}

namespace {
/// The listener of this port in a config; null if it has none.
Value written_listener(const Value& wanted, std::int64_t port) {
    if (!wanted.is_list()) return {};
    const auto& all = wanted.as_list();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Value& listener) {
        return listener.integer("port") == port;
    });
    return found == all.end() ? Value() : *found;
}
} // namespace

Value value_of(const Listeners& listeners, const Value& wanted) {
    Value::List out;
    for (const auto& [port, one] : listeners) {
        const Value written = written_listener(wanted, port);
        if (written.is_map() && listeners_of(Value::list({written})).at(port) == one) {
            out.push_back(written);
            continue;
        }
        const bool default_policy =
            one.policy == kPolicy && written.is_map() && written["policy"].is_null();
        Value listener = Value::map({{"port", port}, {"protocol", one.protocol}});
        if (!one.certificate.empty()) listener = listener.with("certificate", one.certificate);
        if (!one.policy.empty() && !default_policy) listener = listener.with("policy", one.policy);
        if (!one.target_group.empty()) listener = listener.with("target_group", one.target_group);
        if (const Redirect& to = one.redirect; !to.status.empty())
            listener =
                listener.with("redirect", Value::map({{"protocol", to.protocol},
                                                      {"port", to.port},
                                                      {"host", to.host},
                                                      {"path", to.path},
                                                      {"query", to.query},
                                                      {"permanent", to.status == "HTTP_301"}}));
        out.push_back(std::move(listener));
    }
    return Value::list(std::move(out));
}

Params listener_params(std::int64_t port, const Listener& listener) {
    Params out;
    out.add("Port", std::to_string(port)).add("Protocol", listener.protocol);
    if (!listener.policy.empty()) out.add("SslPolicy", listener.policy);
    if (!listener.certificate.empty())
        out.add("Certificates.member.1.CertificateArn", listener.certificate);
    const std::string action = "DefaultActions.member.1.";
    if (!listener.target_group.empty())
        return out.add(action + "Type", std::string("forward"))
            .add(action + "TargetGroupArn", listener.target_group);
    const Redirect& to = listener.redirect;
    const std::string config = action + "RedirectConfig.";
    return out.add(action + "Type", std::string("redirect"))
        .add(config + "Protocol", to.protocol)
        .add(config + "Port", to.port)
        .add(config + "Host", to.host)
        .add(config + "Path", to.path)
        .add(config + "Query", to.query)
        .add(config + "StatusCode", to.status);
}

namespace {

void check_protocol(const Value& listener, const std::string& kind, Diagnostics& problems) {
    if (!listener["protocol"].is_string()) return;
    const std::string protocol = listener.text("protocol");
    const bool http = protocol == "HTTP" || protocol == "HTTPS";
    if (!kind.empty() && http != (kind == "application"))
        problems
            .add(fmt::format("{} load balancers do not support {} listeners", kind, protocol),
                 listener["protocol"].loc())
            .with_hint(kind == "application"
                           ? "use HTTP or HTTPS, or set `balancer_type: network`"
                           : "use TCP, TLS, UDP or TCP_UDP, or set `balancer_type: application`");
    if (has_tls(protocol) && listener["certificate"].is_null())
        problems.add(fmt::format("a listener for {} needs a certificate", protocol), listener.loc())
            .with_hint("set `certificate` to the ARN of a certificate");
    for (const char* name : {"certificate", "policy"})
        if (!has_tls(protocol) && !listener[name].is_null())
            problems.add(fmt::format("a listener for {} cannot have a {}", protocol, name),
                         listener[name].loc());
    if (!http && !listener["redirect"].is_null())
        problems.add(fmt::format("a listener for {} cannot redirect", protocol),
                     listener["redirect"].loc());
}

} // namespace

void check_listeners(const Value& list, const std::string& kind, Diagnostics& problems) {
    if (!list.is_list()) return;
    std::set<std::int64_t> ports;
    for (const Value& listener : list.as_list()) {
        if (!listener.is_map()) continue;
        if (listener["port"].is_integer() && !ports.insert(listener.integer("port")).second)
            problems.add(fmt::format("two listeners have the port {}", listener.integer("port")),
                         listener["port"].loc());
        check_protocol(listener, kind, problems);
        check_arn(listener["target_group"], kElb.name, "targetgroup/", "a target group",
                  "use ${NAME.id} of an aws.target_group", problems);
        const Value& certificate = listener["certificate"];
        if (certificate.is_string() && certificate.as_string().find(":iam:") == std::string::npos)
            check_arn(certificate, "acm", "certificate/", "a certificate",
                      "for example arn:aws:acm:eu-central-1:123456789012:certificate/...",
                      problems);
        if (listener["target_group"].is_null() == listener["redirect"].is_null())
            problems.add("a listener needs either a target group or a redirect", listener.loc())
                .with_hint("set `target_group` or `redirect`");
    }
}

std::vector<Attribute> listener_fields() {
    return {
        {.name = "port", .type = TypeKind::port, .doc = "The port.", .required = true},
        {.name = "protocol",
         .type = TypeKind::string,
         .doc = "HTTP or HTTPS for an application load balancer, the others for a network load "
                "balancer.",
         .required = true,
         .one_of = {"HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"}},
        {.name = "certificate",
         .type = TypeKind::string,
         .doc = "ARN of the certificate, for HTTPS and TLS."},
        {.name = "policy",
         .type = TypeKind::string,
         .doc =
             fmt::format("Name of AWS's security policy, which sets the TLS versions and ciphers. "
                         "Default: {}.",
                         kPolicy)},
        {.name = "target_group",
         .type = TypeKind::string,
         .doc = "ARN of the target group that receives the connections."},
        {.name = "redirect",
         .type = object_of({{.name = "protocol",
                             .type = TypeKind::string,
                             .doc = "HTTP or HTTPS.",
                             .default_value = Value("HTTPS"),
                             .one_of = {"HTTP", "HTTPS", "#{protocol}"}},
                            {.name = "port",
                             .type = TypeKind::string,
                             .doc = "The port.",
                             .default_value = Value("443")},
                            {.name = "host",
                             .type = TypeKind::string,
                             .doc = "The host.",
                             .default_value = Value("#{host}")},
                            {.name = "path",
                             .type = TypeKind::string,
                             .doc = "The path.",
                             .default_value = Value("/#{path}")},
                            {.name = "query",
                             .type = TypeKind::string,
                             .doc = "The query.",
                             .default_value = Value("#{query}")},
                            {.name = "permanent",
                             .type = TypeKind::boolean,
                             .doc = "Whether the redirect is permanent (status 301) or temporary "
                                    "(302).",
                             .default_value = Value(true)}}),
         .doc = "Redirect target of the requests. `{}` redirects to the same address with HTTPS."},
    };
}

} // namespace hadeploy::aws
