#include "providers/aws-ec2/aws.h"

#include "core/secrecy.h"
#include "providers/aws-ec2/addresses.h"
#include "providers/aws-ec2/checks.h"
#include "providers/aws-ec2/counters.h"
#include "providers/aws-ec2/endpoint.h"
#include "providers/aws-ec2/requirements.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

Schema settings_schema() {
    return {
        {.name = "region",
         .type = TypeKind::string,
         .doc = "Default region of resources. If not set: AWS_REGION, AWS_DEFAULT_REGION, the "
                "profile's region, or the region of the instance on which hadeploy runs, in this "
                "order."},
        {.name = "profile",
         .type = TypeKind::string,
         .doc = "Profile in `~/.aws` with the credentials."},
        {.name = "assume_role",
         .type = object_of({{.name = "role",
                             .type = TypeKind::string,
                             .doc = "ARN of the role.",
                             .required = true},
                            {.name = "session",
                             .type = TypeKind::string,
                             .doc = "Name of the session; it appears in AWS's logs.",
                             .default_value = Value("hadeploy")},
                            {.name = "external_id",
                             .type = TypeKind::string,
                             .doc = "External ID that the role's trust policy asks for."},
                            {.name = "duration",
                             .type = TypeKind::duration,
                             .doc = "Duration of the session. It is renewed before it expires.",
                             .min = 900'000,
                             .max = 43'200'000}}),
         .doc = "Role to assume with these credentials."},
        {.name = "endpoint",
         .type = TypeKind::string,
         .doc = "URL for all services, for an emulator. Defaults to AWS_ENDPOINT_URL_EC2, "
                "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2, "
                "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING, AWS_ENDPOINT_URL_EFS, "
                "AWS_ENDPOINT_URL_RDS, AWS_ENDPOINT_URL_AUTO_SCALING and AWS_ENDPOINT_URL."},
        {.name = "tags", .type = map_of(TypeKind::string), .doc = "Tags for all resources."},
    };
}

bool is_role(std::string_view arn) {
    return arn.starts_with("arn:") && arn.find(":role/") != arn.npos &&
           arn.find_first_of(" \t\r\n") == arn.npos;
}

class AwsProvider final : public Provider, public HasPrerequisites {
  public:
    AwsProvider() {
        name = "aws";
        doc = "Amazon Web Services. Credentials are never part of a spec and never recorded. They "
              "come from `profile`, or else from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
              "AWS_WEB_IDENTITY_TOKEN_FILE, AWS_PROFILE or the default profile, the service of a "
              "container, or the metadata service of an instance, in this order. A profile can "
              "have keys, `role_arn` with `source_profile` or `credential_source`, "
              "`web_identity_token_file`, or `credential_process`.";
        schema = settings_schema();
    }

    void check(const Value& settings, Diagnostics& problems) const override {
        check_common(settings, problems);
        const Value &url = settings["endpoint"], &role = settings["assume_role"];
        if (url.is_string())
            if (const std::string problem = url_problem(url.as_string()); !problem.empty())
                problems.add("the endpoint " + problem, url.loc())
                    .with_hint("for example http://127.0.0.1:5000");
        if (const Value& arn = role["role"]; arn.is_string() && !is_role(arn.as_string()))
            problems.add(fmt::format("{} is not the ARN of a role", quoted(arn)), arn.loc())
                .with_hint("for example arn:aws:iam::123456789012:role/deploy");
        check_text(role["session"],
                   {.noun = "the name of a session", .most = 64, .others = "+=,.@-_"}, problems);
        check_text(role["external_id"],
                   {.noun = "the external ID", .most = 1'224, .others = "+=,.@:/-_"}, problems);
    }

    std::vector<Endpoint> endpoints(const ResourceType&, const Value& config,
                                    const Value& settings) const override {
        Value access = settings;
        std::string key = "aws";
        for (const char* attribute : {"region", "profile"}) {
            if (config[attribute].is_unknown()) return {};
            if (config[attribute].is_string()) access = access.with(attribute, config[attribute]);
            if (access[attribute].is_string()) key += " " + access.text(attribute);
        }
        return {{.key = std::move(key), .machine = "", .config = std::move(access)}};
    }

    [[nodiscard]] std::vector<Prerequisite>
    prerequisites(const ProviderUse& use, const ProviderContext& context) const override {
        if (use.no_spec) return {check_credentials(context)};
        std::vector<Prerequisite> out;
        std::set<std::string> seen;
        for (const ProviderUse::Resource& used : use.resources)
            for (const Endpoint& endpoint : endpoints(*used.type, used.config, use.settings))
                if (seen.insert(endpoint.key).second)
                    out.push_back(check_access(endpoint, context));
        return out;
    }

    std::shared_ptr<OpenEndpoint> open(const Endpoint& endpoint,
                                       const ProviderContext& context) override {
        return std::make_shared<RegionEndpoint>(endpoint.config, context);
    }
};

} // namespace

std::int64_t requests() {
    return counters().reads + counters().changes;
}

void add_aws(Registry& registry) {
    registry.add(std::make_unique<AwsProvider>());
    registry.add(key_pair_type());
    registry.add(vpc_type());
    registry.add(subnet_type());
    registry.add(internet_gateway_type());
    registry.add(route_table_type());
    registry.add(security_group_type());
    registry.add(security_group_rule_type());
    registry.add(instance_type());
    registry.add(volume_type());
    registry.add(eip_type());
    registry.add(target_group_type());
    registry.add(target_type());
    registry.add(load_balancer_type());
    registry.add(classic_load_balancer_type());
    registry.add(classic_target_type());
    registry.add(efs_type());
    registry.add(db_subnet_group_type());
    registry.add(db_parameter_group_type());
    registry.add(db_instance_type());
    registry.add(launch_template_type());
    registry.add(scaling_group_type());
    registry.add(image_type());
    registry.add(zones_type());
    registry.add(caller_identity_type());
}

} // namespace hadeploy::aws
