#include "providers/aws-ec2/requirements.h"

#include "providers/aws-ec2/credentials.h"
#include "providers/aws-ec2/region.h"

#include <fmt/format.h>

namespace hadeploy::aws {

Prerequisite check_credentials(const ProviderContext& context) {
    try {
        CredentialChain chain({.environment = context.environment, .stop = context.stop});
        (void)chain.get();
        return Prerequisite::met("credentials", "from " + chain.source());
    } catch (const Error& error) {
        return Prerequisite::missing("credentials", error);
    }
}

Prerequisite check_access(const Endpoint& endpoint, const ProviderContext& context) {
    const std::string profile = endpoint.config.text("profile");
    std::string name = "credentials";
    if (!profile.empty()) name += " of the profile " + profile;
    if (const std::string region = endpoint.config.text("region"); !region.empty())
        name += " in " + region;
    try {
        Region region(endpoint.config, context);
        try {
            return Prerequisite::met(name, fmt::format("AWS accepts them: {}", region.caller()));
        } catch (const ServiceError& error) {
            throw region.refused(error);
        }
    } catch (const Error& error) {
        return Prerequisite::missing(std::move(name), error);
    }
}

} // namespace hadeploy::aws
