#pragma once

#include "providers/libvirt/libvirt_type.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadeploy::libvirt {

/// The files of a base image on this machine.
struct Image {
    std::filesystem::path disk;
    std::filesystem::path kernel = {}, initrd = {}; ///< "" when it boots from its disk
};

/// What a disk image's first bytes say.
struct DiskFormat {
    std::string format;    ///< "qcow2" or "raw"
    std::int64_t size = 0; ///< bytes that the guest sees
};
/// @throws Error when it cannot be read, or is a compressed file or text and no disk
DiskFormat inspect_disk(const std::filesystem::path& path);

/// Key of a bootstrapped image in the cache: whatever has an influence on its content that is known
/// beforehand.
std::string recipe_key(const Value& recipe);

/// Makes an image from the distribution's packages, or takes the one that the cache has.
Image bootstrap_image(Session& session, const Value& recipe);

/// Downloads a file, or takes the one that the cache has. `checksum`: "sha256:HEX".
/// @throws Error with the wanted and the actual checksum when they differ
Image download_image(Session& session, const std::string& url, const std::string& checksum);

} // namespace hadeploy::libvirt
