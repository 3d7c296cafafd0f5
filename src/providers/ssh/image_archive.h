#pragma once

#include <string>

namespace hadeploy::ssh::docker {

/// The image in an archive of `docker save`.
struct ArchivedImage {
    std::string id;  ///< "sha256:...", the digest of its configuration
    std::string tag; ///< "hadeploy/web:1a2b3c"
};

/// Reads the manifest of an archive; the layers are skipped.
/// @throws Error(spec) if the file cannot be read, or does not contain exactly one image with a tag
ArchivedImage image_in_archive(const std::string& path);

/// The content of a small file in an archive. Only headers and that file are read.
/// @throws Error(spec)
std::string text_in_archive(const std::string& path, const std::string& name);

} // namespace hadeploy::ssh::docker
