#pragma once

#include <filesystem>
#include <string_view>

namespace hadeploy::ssh::docker {

/// Prints the digests of the layers of each image on a host, an image a line. A shell script.
std::string_view known_layers();

/// An archive of `docker save` without the layers that the host has, which `docker load` does not
/// read there. It is written to the cache. Returns `archive` itself if leaving them out gains
/// nothing, or if its form is not that of `docker save`.
/// @param known  the output of known_layers()
/// @throws Error
std::filesystem::path without_known_layers(const std::filesystem::path& archive,
                                           std::string_view known,
                                           const std::filesystem::path& cache_dir);

} // namespace hadeploy::ssh::docker
