#include "providers/aws-ec2/elb_type.h"

#include "core/secrecy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::int64_t kDefaultDelay = 300'000; ///< milliseconds

/// A field of `health_check`, and the parameter of CreateTargetGroup and ModifyTargetGroup.
struct CheckField {
    const char* name;
    const char* parameter;
    const char* element; ///< element of a response
};
constexpr std::array<CheckField, 8> kCheckFields{
    {{"protocol", "HealthCheckProtocol", "HealthCheckProtocol"},
     {"port", "HealthCheckPort", "HealthCheckPort"},
     {"path", "HealthCheckPath", "HealthCheckPath"},
     {"interval", "HealthCheckIntervalSeconds", "HealthCheckIntervalSeconds"},
     {"timeout", "HealthCheckTimeoutSeconds", "HealthCheckTimeoutSeconds"},
     {"healthy_threshold", "HealthyThresholdCount", "HealthyThresholdCount"},
     {"unhealthy_threshold", "UnhealthyThresholdCount", "UnhealthyThresholdCount"},
     {"matcher", "Matcher.HttpCode", "Matcher/HttpCode"}}};

bool is_duration(std::string_view field) {
    return field == "interval" || field == "timeout";
}

bool speaks_http(std::string_view protocol) {
    return protocol == "HTTP" || protocol == "HTTPS";
}

Value observed_check(const Item& item) {
    Value out = Value::map({});
    for (const CheckField& field : kCheckFields) {
        const std::string text = item.text(field.element);
        if (text.empty()) continue;
        const std::string_view name = field.name;
        out = out.with(name, is_duration(name)              ? from_seconds(text)
                             : name.ends_with("_threshold") ? Value(to_number(text))
                                                            : Value(text));
    }
    return out;
}

/// Adds the fields that are set and differ; returns whether there are any.
bool specify_check(Params& params, const Value& before, const Value& after) {
    bool any = false;
    for (const CheckField& field : kCheckFields) {
        const Value& value = after[field.name];
        if ((!value.is_string() && !value.is_integer()) || value == before[field.name]) continue;
        any = true;
        params.add(field.parameter, is_duration(field.name) ? in_seconds(value)
                                    : value.is_integer()    ? std::to_string(value.as_integer())
                                                            : value.as_string());
    }
    return any;
}

Value observed_stickiness(const std::map<std::string, std::string>& attributes) {
    const auto of = [&](const std::string& key) {
        const auto it = attributes.find(key);
        return it == attributes.end() ? "" : it->second;
    };
    if (of("stickiness.enabled") != "true") return Value::map({{"type", "none"}});
    const std::string type = of("stickiness.type");
    Value out = Value::map({{"type", type}});
    if (const Value time = from_seconds(of("stickiness." + type + ".duration_seconds"));
        !time.is_null())
        out = out.with("duration", time);
    if (type == "app_cookie") out = out.with("cookie", of("stickiness.app_cookie.cookie_name"));
    return out;
}

std::map<std::string, std::string> stickiness_attributes(const Value& stickiness) {
    const std::string type = stickiness.text("type", "none");
    if (type == "none") return {{"stickiness.enabled", "false"}};
    std::map<std::string, std::string> out{{"stickiness.enabled", "true"},
                                           {"stickiness.type", type}};
    if (stickiness["duration"].is_integer())
        out["stickiness." + type + ".duration_seconds"] = in_seconds(stickiness["duration"]);
    if (stickiness["cookie"].is_string())
        out["stickiness.app_cookie.cookie_name"] = stickiness.text("cookie");
    return out;
}

void check_stickiness(const Value& stickiness, const std::string& protocol, Diagnostics& problems) {
    if (!stickiness.is_map() || !stickiness["type"].is_string()) return;
    const std::string type = stickiness.text("type");
    const bool cookie = type == "lb_cookie" || type == "app_cookie";
    const bool fits = type == "none" || (cookie ? speaks_http(protocol)
                                                : !speaks_http(protocol) && protocol != "TLS");
    if (!protocol.empty() && !fits)
        problems
            .add(fmt::format("stickiness by {} is not supported for the protocol {}", type,
                             protocol),
                 stickiness["type"].loc())
            .with_hint("lb_cookie and app_cookie need HTTP or HTTPS; source_ip needs TCP, UDP or "
                       "TCP_UDP");
    check_seconds(stickiness["duration"], "the duration of the stickiness", problems);
    if (!cookie && !stickiness["duration"].is_null())
        problems.add(fmt::format("stickiness by {} cannot have a duration", type),
                     stickiness["duration"].loc());
    if (type == "app_cookie" && stickiness["cookie"].is_null())
        problems
            .add("stickiness by app_cookie needs the name of the cookie", stickiness["type"].loc())
            .with_hint("for example cookie: JSESSIONID");
    if (type != "app_cookie" && !stickiness["cookie"].is_null())
        problems.add(fmt::format("stickiness by {} cannot have a cookie name", type),
                     stickiness["cookie"].loc());
}

/// "200", "200-299", "200,302".
bool is_matcher(std::string_view text) {
    bool digits = false;
    for (const char c : text) {
        if (c >= '0' && c <= '9')
            digits = true;
        else if ((c == ',' || c == '-') && digits)
            digits = false;
        else
            return false;
    }
    return digits;
}

bool is_check_port(const Value& port) {
    const std::string& text = port.as_string();
    return text == "traffic-port" || (!text.empty() && text.size() <= 5 &&
                                      text.find_first_not_of("0123456789") == text.npos &&
                                      std::stoi(text) >= 1 && std::stoi(text) <= 65'535);
}

void check_times(const Value& check, bool http, Diagnostics& problems) {
    const Value &interval = check["interval"], &timeout = check["timeout"];
    check_seconds(interval, "the interval of the health check", problems);
    check_seconds(timeout, "the timeout of the health check", problems);
    if (!interval.is_integer() && !timeout.is_integer()) return;
    if (interval.is_unknown() || timeout.is_unknown()) return;
    // AWS's defaults (CreateTargetGroup); for TCP the timeout is 6 s or more
    const std::int64_t usual_interval = 30'000, usual_timeout = http ? 5'000 : 6'000;
    const std::int64_t time = timeout.is_integer() ? timeout.as_integer() : usual_timeout;
    const std::int64_t every = interval.is_integer() ? interval.as_integer() : usual_interval;
    if (time < every || (!http && time == every)) return;
    Error& error = problems.add("the timeout of the health check must be shorter than its interval",
                                (timeout.is_integer() ? timeout : interval).loc());
    if (!interval.is_integer() || !timeout.is_integer())
        error.with_hint(
            "AWS's defaults: an interval of 30s and a timeout of 5s, or longer for TCP");
}

/// @param protocol  protocol of the group; "" if it is not known
void check_health_check(const Value& check, const std::string& protocol, Diagnostics& problems) {
    if (!check.is_map()) return;
    const std::string group_check = speaks_http(protocol) || protocol.empty() ? protocol : "TCP";
    const std::string by =
        check["protocol"].is_unknown() ? "" : check.text("protocol", group_check);
    const Value &path = check["path"], &port = check["port"], &matcher = check["matcher"];
    check_times(check, speaks_http(protocol), problems);
    if (path.is_string() && (!path.as_string().starts_with('/') || path.as_string().size() > 1'024))
        problems
            .add(fmt::format("{} is not a valid path for a health check", quoted(path)), path.loc())
            .with_hint("a path begins with / and has at most 1024 characters");
    check_plain(path, "the path of the health check", problems);
    if (port.is_string() && !is_check_port(port))
        problems.add(fmt::format("{} is not a port", quoted(port)), port.loc())
            .with_hint("use a number, or traffic-port for the target's own port");
    if (matcher.is_string() && !is_matcher(matcher.as_string()))
        problems
            .add(fmt::format("{} is not a list of HTTP status codes", quoted(matcher)),
                 matcher.loc())
            .with_hint("for example \"200\", \"200-299\" or \"200,302\"");
    if (by == "TCP" && speaks_http(protocol))
        problems.add(fmt::format("the health check of a group for {} cannot use TCP", protocol),
                     check["protocol"].loc());
    if (by == "TCP" && (!path.is_null() || !matcher.is_null()))
        problems
            .add("a TCP health check cannot have a path or a matcher",
                 path.is_null() ? matcher.loc() : path.loc())
            .with_hint("set `protocol: HTTP` under `health_check`");
}

class TargetGroup final : public ElbType {
  public:
    TargetGroup();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_name(config["name"], problems);
        check_id(config["vpc"], "vpc-", "a VPC", problems);
        const std::string protocol =
            config["protocol"].is_string() ? config.text("protocol") : std::string();
        check_health_check(config["health_check"], protocol, problems);
        check_stickiness(config["stickiness"], protocol, problems);
        check_seconds(config["deregistration_delay"], "the deregistration delay", problems);
    }
    /// The name alone is not a claim, because two generations of a group can have it. Creates are
    /// serialized: AWS answers two requests for the same name with the same group.
    std::vector<std::string> claims(const Value&) const override { return {}; }
    std::vector<std::string> exclusive(const Value& config) const override {
        return ElbType::claims(config);
    }
    std::string conflict(Region& region, const Value& config) const override {
        if (!config["name"].is_string()) return {};
        const auto other = named(region, config.text("name"));
        const char* project = other ? other->tag(kProjectTag) : nullptr;
        if (project != nullptr && region.context().project == project) return {};
        return other ? fmt::format("the {} {}", names.noun, other->text(names.id)) : "";
    }
    Value observed(Region& region, const Item& item, const Value& config) const override {
        const auto attributes = elb_attributes(region, "DescribeTargetGroupAttributes",
                                               "TargetGroupArn", item.text("TargetGroupArn"));
        Value out = Value::map({{"name", observed_name(item, config)},
                                {"protocol", item.required("Protocol")},
                                {"port", to_number(item.required("Port"))},
                                {"vpc", item.required("VpcId")},
                                {"target_type", item.required("TargetType")},
                                {"health_check", observed_check(item)},
                                {"stickiness", observed_stickiness(attributes)}});
        if (const auto delay = attributes.find("deregistration_delay.timeout_seconds");
            delay != attributes.end())
            out = out.with("deregistration_delay", from_seconds(delay->second));
        return out;
    }
    bool needs_more(const Value& config) const override {
        return config.integer("deregistration_delay", kDefaultDelay) != kDefaultDelay ||
               config["stickiness"].text("type", "none") != "none";
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        const std::string id = item.text("TargetGroupArn");
        Params check;
        check.add("TargetGroupArn", id);
        if (specify_check(check, before["health_check"], after["health_check"]))
            region.elb().call("ModifyTargetGroup", check, true);
        std::map<std::string, std::string> attributes;
        if (changes_from(before, after, "stickiness"))
            attributes = stickiness_attributes(after["stickiness"]);
        if (changes_from(before, after, "deregistration_delay"))
            attributes["deregistration_delay.timeout_seconds"] =
                in_seconds(after["deregistration_delay"]);
        set_elb_attributes(region, "ModifyTargetGroupAttributes", "TargetGroupArn", id, attributes);
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.elb().call("DeleteTargetGroup", Params().add("TargetGroupArn", id), true);
    }

  protected:
    void specify(Region&, Params& params, const Value& config) const override {
        params.add("Protocol", config.text("protocol"))
            .add("Port", std::to_string(config.integer("port")))
            .add("VpcId", config.text("vpc"))
            .add("TargetType", config.text("target_type"));
        specify_check(params, {}, config["health_check"]);
    }
};

Schema check_fields() {
    return {{.name = "protocol",
             .type = TypeKind::string,
             .doc = "Protocol of the health check. Default: the group's protocol if that is HTTP "
                    "or HTTPS, otherwise TCP.",
             .filled = true,
             .one_of = {"HTTP", "HTTPS", "TCP"}},
            {.name = "port",
             .type = TypeKind::string,
             .doc = "Port to check. `traffic-port`: the target's own port.",
             .filled = true},
            {.name = "path", .type = TypeKind::string, .doc = "Path to request.", .filled = true},
            {.name = "interval",
             .type = TypeKind::duration,
             .doc = "Time between two checks.",
             .filled = true,
             .min = 5'000,
             .max = 300'000},
            {.name = "timeout",
             .type = TypeKind::duration,
             .doc = "Time limit for a response.",
             .filled = true,
             .min = 2'000,
             .max = 120'000},
            {.name = "healthy_threshold",
             .type = TypeKind::integer,
             .doc = "Number of consecutive successes after which a target is healthy.",
             .filled = true,
             .min = 2,
             .max = 10},
            {.name = "unhealthy_threshold",
             .type = TypeKind::integer,
             .doc = "Number of consecutive failures after which a target is unhealthy.",
             .filled = true,
             .min = 2,
             .max = 10},
            {.name = "matcher",
             .type = TypeKind::string,
             .doc = "HTTP status codes of a healthy target: \"200-299\".",
             .filled = true}};
}

Schema group_schema() {
    return {
        {.name = "name",
         .type = TypeKind::string,
         .doc =
             "Name, unique in the region; at most 32 characters. If a different group of the "
             "project still has the name, such as the group that this one replaces, a part of the "
             "identity is appended.",
         .required = true,
         .replaces = true},
        {.name = "protocol",
         .type = TypeKind::string,
         .doc = "Protocol to the targets: HTTP or HTTPS behind an application load balancer, the "
                "others behind a network load balancer.",
         .replaces = true,
         .default_value = Value("HTTP"),
         .one_of = {"HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"}},
        {.name = "port",
         .type = TypeKind::port,
         .doc = "Default port of targets.",
         .required = true,
         .replaces = true},
        {.name = "vpc",
         .type = TypeKind::string,
         .doc = "ID of the VPC.",
         .required = true,
         .replaces = true},
        {.name = "target_type",
         .type = TypeKind::string,
         .doc = "How targets are registered: by instance ID or by IP address.",
         .replaces = true,
         .default_value = Value("instance"),
         .one_of = {"instance", "ip"}},
        {.name = "health_check",
         .type = object_of(check_fields()),
         .doc = "How targets are checked. AWS chooses defaults for settings that are not given.",
         .filled = true},
        {.name = "deregistration_delay",
         .type = TypeKind::duration,
         .doc = "Time in which a deregistered target may complete its requests. Set it to at "
                "least the duration of the longest request.",
         .default_value = Value(kDefaultDelay),
         .min = 0,
         .max = 3'600'000},
        {.name = "stickiness",
         .type = object_of({{.name = "type",
                             .type = TypeKind::string,
                             .doc = "How a client is recognized.",
                             .required = true,
                             .one_of = {"none", "lb_cookie", "app_cookie", "source_ip"}},
                            {.name = "duration",
                             .type = TypeKind::duration,
                             .doc = "Lifetime of the cookie. Default: one day.",
                             .filled = true,
                             .min = 1'000,
                             .max = 604'800'000},
                            {.name = "cookie",
                             .type = TypeKind::string,
                             .doc = "Name of the application's cookie."}}),
         .doc = "Sends all requests of a client to the same target.",
         .default_value = Value::map({{"type", "none"}})},
    };
}

TargetGroup::TargetGroup()
    : ElbType({.noun = "target group",
               .describe = "DescribeTargetGroups",
               .create = "CreateTargetGroup",
               .set = "TargetGroups",
               .id = "TargetGroupArn",
               .name = "TargetGroupName"}) {
    name = "aws.target_group";
    summary = "Instances or IP addresses behind a load balancer, and their health check";
    doc = "Targets are separate resources, `aws.target`. A replacement is created before the old "
          "group is removed (`create_before_destroy`), so that listeners can change to the new "
          "group first.\n\n"
          "Detected and repaired: health check, deregistration delay, stickiness and tags; a group "
          "that is gone is created again. Destroy waits up to ten minutes until no listener uses "
          "the group.";
    import_id = "the ARN of the target group";
    create_before_destroy = true;
    example = "web:\n"
              "  type: aws.target_group\n"
              "  name: web\n"
              "  port: 80\n"
              "  vpc: ${network.id}\n"
              "  health_check: {path: /ping, interval: 5s, timeout: 2s, healthy_threshold: 2, "
              "unhealthy_threshold: 2}\n"
              "  deregistration_delay: 30s\n";
    schema = with_common(group_schema(), true, "ARN.");
}

} // namespace

std::unique_ptr<ResourceType> target_group_type() {
    return std::make_unique<TargetGroup>();
}

} // namespace hadeploy::aws
