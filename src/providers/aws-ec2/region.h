#pragma once

#include "core/error.h"
#include "provider_api/provider.h"
#include "providers/aws-ec2/credentials.h"
#include "providers/aws-ec2/query.h"

#include <map>
#include <mutex>
#include <string>

namespace hadeploy::aws {

/// One region of one account.
class Region {
  public:
    /// @param settings  the provider's settings, with the region and the profile of a resource
    /// @throws Error(failed) if there is no region, or an endpoint is not a URL
    Region(const Value& settings, ProviderContext context);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const ProviderContext& context() const { return context_; }
    /// The account ID and the ARN of the caller; both are requested only once.
    std::string account();
    std::string caller();
    /// The tags for all objects; those of a resource override them.
    [[nodiscard]] const std::map<std::string, std::string>& default_tags() const { return tags_; }

    /// The host to which requests are sent over the network without encryption; "" if there is
    /// none.
    [[nodiscard]] std::string unencrypted() const;

    /// Send requests to EC2 (see Client). A stop ends reads and pauses, but not the requests of
    /// changes.
    std::shared_ptr<pugi::xml_document> read(std::string_view action, const Params& params);
    void each(std::string_view action, const Params& params, const char* set,
              const std::function<void(const pugi::xml_node&)>& take);
    /// @param repeatable  see Client::call
    std::shared_ptr<pugi::xml_document> change(std::string_view action, const Params& params,
                                               bool repeatable);
    /// The clients of other services.
    [[nodiscard]] Client& elb() { return elb_; }
    [[nodiscard]] Client& classic_elb() { return classic_elb_; }
    [[nodiscard]] Client& efs() { return efs_; }
    [[nodiscard]] Client& rds() { return rds_; }
    [[nodiscard]] Client& scaling() { return scaling_; }
    [[nodiscard]] const std::stop_token& stop() const { return context_.stop; }

    /// The error for a refused request, with a hint.
    Error refused(const ServiceError& error);

  private:
    void ask_identity();
    Client client(const Service& service);

    ProviderContext context_;
    CredentialChain chain_;
    std::string name_;
    std::map<std::string, std::string> tags_;
    Client ec2_, sts_, elb_, classic_elb_, efs_, rds_, scaling_;
    std::mutex mutex_;
    std::string account_, caller_;
};

} // namespace hadeploy::aws
