#pragma once

#include "provider_api/provider.h"

#include <filesystem>
#include <string>

namespace hadeploy::ssh::docker {

/// Builds an image from a recipe (recipe_type()), which must be fully known, and returns its
/// archive for `docker load`. It is kept in the cache, and built only if it is not there. The
/// archive contains no times, names or other traces of this machine: the same recipe and the same
/// versions of the packages give the same bytes.
/// @param tag  "hadeploy/NAME:KEY"
/// @throws Error(failed)
std::filesystem::path build_image(const std::string& tag, const Value& recipe,
                                  const std::filesystem::path& cache_dir, const Notice& progress);

} // namespace hadeploy::ssh::docker
