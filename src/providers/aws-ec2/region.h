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
    /// @param settings  those of the provider, with the region and the profile of a resource
    /// @throws Error(unreachable) without a region
    Region(const Value& settings, ProviderContext context);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const ProviderContext& context() const { return context_; }
    /// The number of the account, and the ARN of the caller: asked for once.
    std::string account();
    std::string caller();
    /// The tags of all objects, over which those of a resource are laid.
    [[nodiscard]] const std::map<std::string, std::string>& default_tags() const { return tags_; }

    /// EC2's clients, see Client. A read ends with a stop, a change does not.
    std::shared_ptr<pugi::xml_document> read(std::string_view action, const Params& params);
    void each(std::string_view action, const Params& params, const char* set,
              const std::function<void(const pugi::xml_node&)>& take);
    /// @param repeatable  see Client::call
    std::shared_ptr<pugi::xml_document> change(std::string_view action, const Params& params,
                                               bool repeatable);
    /// In an apply, reads belong to a change.
    [[nodiscard]] std::stop_token stop() const {
        return applying_ ? std::stop_token() : context_.stop;
    }
    void applying() { applying_ = true; }

    /// The error of a refused request, with a hint.
    Error refused(const ServiceError& error);

  private:
    void ask_identity();

    ProviderContext context_;
    CredentialChain chain_;
    std::string name_;
    std::map<std::string, std::string> tags_;
    Client ec2_, sts_;
    std::atomic<bool> applying_ = false;
    std::mutex mutex_;
    std::string account_, caller_;
};

} // namespace hadeploy::aws
