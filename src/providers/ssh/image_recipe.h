#pragma once

#include "provider_api/schema.h"

#include <string>
#include <string_view>

/// Images from packages of a distribution: the attribute `packages` of docker.image.
namespace hadeploy::ssh::docker {

Type recipe_type();
/// Checks of a normalized recipe beyond its schema. Accepts unknown values.
void check_recipe(const Value& recipe, Diagnostics& problems);

/// The files to add, in order of their paths.
Value::Map added_files(const Value& recipe);
/// Docker's name of the architecture of this machine: "amd64", "arm64".
std::string image_architecture();
/// The digest of everything that determines the layer with the packages, so that images with the
/// same packages share it. The recipe must be fully known.
std::string layer_key(const Value& recipe);
/// The digest of everything that determines the image, including the contents of local files.
/// @throws Error if such a file cannot be read, with the place of its path in the spec
std::string recipe_key(const Value& recipe);

/// The largest file that a recipe can add to an image, in bytes.
inline constexpr std::int64_t kMostInImage = std::int64_t{4} << 30;

} // namespace hadeploy::ssh::docker
