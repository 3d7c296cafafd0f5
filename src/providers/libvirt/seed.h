#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hadeploy::libvirt {

/// What a guest is told on its first boot.
struct SeedShape {
    std::string instance_id, host_name;
    std::string user, authorized_key;
    std::string host_key_private, host_key_public; ///< ed25519, made before the boot
};

/// cloud-init's `meta-data` and `user-data`. Pure.
std::string meta_data(const SeedShape& shape);
std::string user_data(const SeedShape& shape);

/// An ISO 9660 image with these files (name, contents) in its root, with the label that
/// cloud-init's NoCloud source looks for.
std::string seed_image(const std::vector<std::pair<std::string, std::string>>& files);
std::string seed_image(const SeedShape& shape);

} // namespace hadeploy::libvirt
