#pragma once

#include "providers/libvirt/libvirt_type.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadeploy::libvirt {

/// The files of a base image on this machine.
struct Image {
    std::filesystem::path disk;
    std::filesystem::path kernel = {}, initrd = {}; ///< empty if the image boots from its disk
};

/// Format and size from a disk image's header.
struct DiskFormat {
    std::string format;    ///< "qcow2" or "raw"
    std::int64_t size = 0; ///< virtual size in bytes
};
/// @throws Error if the file cannot be read, is compressed, or is a text instead of a disk
DiskFormat inspect_disk(const std::filesystem::path& path);

/// The cache key of a bootstrapped image, computed from all known inputs.
std::string recipe_key(const Value& recipe);

/// The files of a bootstrapped image in the cache. The disk exists once the image is complete.
Image cached_image(const std::filesystem::path& cache_dir, const Value& recipe);

/// Builds an image from the distribution's packages, unless it is in the cache.
Image bootstrap_image(Session& session, const Value& recipe);

} // namespace hadeploy::libvirt
