#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy::aws {

/// The settings of one profile.
using Profile = std::map<std::string, std::string>;

/// The profiles of the files that the AWS tools share, by name.
class Profiles {
  public:
    using Environment = std::function<std::string(const std::string&)>;

    /// Reads ~/.aws/config and ~/.aws/credentials, or the files that AWS_CONFIG_FILE and
    /// AWS_SHARED_CREDENTIALS_FILE name. Settings of the latter win. Missing files are empty.
    /// @throws Error for a file that cannot be read
    static Profiles load(const Environment& environment);

    /// Adds the text of a file.
    /// @param config  its sections are named "profile NAME", except for the default
    void add(std::string_view text, bool config);
    /// nullptr if there is none.
    [[nodiscard]] const Profile* find(const std::string& name) const;

  private:
    std::map<std::string, Profile> by_name_;
};

} // namespace hadeploy::aws
