#pragma once

#include "core/value.h"
#include "providers/aws-ec2/profiles.h"
#include "providers/aws-ec2/query.h"

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

/// Finds the credentials. They are never part of a spec, and therefore not part of the state
/// either.
namespace hadeploy::aws {

/// The provider's settings, with a resource's own settings applied.
struct Access {
    std::function<std::string(const std::string&)> environment;
    std::string region = {};   ///< "": from the environment, the profile or the metadata service
    std::string profile = {};  ///< "": AWS_PROFILE, or the default
    std::string endpoint = {}; ///< URL of all services; "": see endpoint_of()
    Value assume_role = {};    ///< null, or the role to assume with these credentials
    std::stop_token stop = {}; ///< ends all waiting
};

/// The credentials for an Access, renewed before they expire. The sources, in order: the profile in
/// the settings; AWS_ACCESS_KEY_ID; AWS_WEB_IDENTITY_TOKEN_FILE; AWS_PROFILE or the default
/// profile; the container's credential service; the instance's metadata service (version 2).
class CredentialChain {
  public:
    explicit CredentialChain(Access access);

    /// @param renew  AWS rejected the previous credentials
    /// @throws Error(failed) that names the sources without credentials; Interrupted
    Credentials get(bool renew = false);
    /// The region from the settings, AWS_REGION, AWS_DEFAULT_REGION, the profile or the instance,
    /// in this order.
    /// @throws Error(failed) if there is none, or if it is not the name of a region
    std::string region();
    /// The URL of a service from the settings, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL or the
    /// profile's endpoint_url, in this order; otherwise AWS's own URL.
    /// @throws Error(failed) if it is not a URL
    std::string endpoint_of(const Service& service, const std::string& region) const;
    /// Where the credentials came from, for messages: "the profile work".
    [[nodiscard]] std::string source() const {
        const std::lock_guard lock(mutex_);
        return source_;
    }

  private:
    [[nodiscard]] std::string profile_name() const;
    std::pair<std::string, std::string> region_and_source();
    [[nodiscard]] std::pair<std::string, std::string>
    endpoint_and_source(const Service& service) const;
    Credentials find();
    std::optional<Credentials> from_environment();
    std::optional<Credentials> from_profile(const std::string& name, int depth);
    std::optional<Credentials> from_container();
    std::optional<Credentials> from_instance();
    Credentials from_process(const std::string& command);
    Credentials from_web_identity(const std::string& file, const std::string& role,
                                  const std::string& session);
    Credentials assume(const Credentials& with, const Value& role);
    std::optional<Credentials> from_role(const std::string& name, const Profile& profile,
                                         int depth);
    std::optional<std::string> metadata(const std::string& path);

    Access access_;
    Profiles profiles_;
    mutable std::mutex mutex_;
    std::optional<Credentials> last_;
    std::string source_;
};

} // namespace hadeploy::aws
