#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace hadeploy::aws {

struct Setting {
    std::string value;
    std::string place; ///< for messages: "/home/ann/.aws/config:3"
};

/// The settings of one profile.
using Profile = std::map<std::string, Setting>;

/// The profiles in the files that all AWS tools read, by name.
class Profiles {
  public:
    using Environment = std::function<std::string(const std::string&)>;

    /// Reads ~/.aws/config and ~/.aws/credentials, or the files that AWS_CONFIG_FILE and
    /// AWS_SHARED_CREDENTIALS_FILE name. Settings in the credentials file take precedence. A
    /// missing file counts as empty.
    /// @throws Error if a file cannot be read, or has an unsupported format; the error names the
    /// line
    static Profiles load(const Environment& environment);

    /// Adds the content of a file.
    /// @param name    name of the file, for messages
    /// @param config  whether sections are named "profile NAME", except for the default
    void add(std::string_view text, const std::string& name, bool config);
    /// nullptr if there is no such profile.
    [[nodiscard]] const Profile* find(const std::string& name) const;

  private:
    std::map<std::string, Profile> by_name_;
};

} // namespace hadeploy::aws
