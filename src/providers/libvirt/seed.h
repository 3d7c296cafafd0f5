#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hadeploy::libvirt {

/// The input of a guest's cloud-init seed.
struct SeedShape {
    std::string instance_id, host_name;
    std::string user, authorized_key;
    std::string host_key_private, host_key_public; ///< ed25519, generated before the boot
};

/// cloud-init's `meta-data` and `user-data`. Pure functions.
std::string meta_data(const SeedShape& shape);
std::string user_data(const SeedShape& shape);

/// An ISO 9660 image with these files (name, contents) in its root and the label that cloud-init's
/// NoCloud data source looks for.
std::string seed_image(const std::vector<std::pair<std::string, std::string>>& files);
std::string seed_image(const SeedShape& shape);

} // namespace hadeploy::libvirt
