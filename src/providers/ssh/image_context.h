#pragma once

#include "provider_api/provider.h"
#include "provider_api/schema.h"

#include <filesystem>
#include <string>

/// Images from a Dockerfile: the attribute `build` of docker.image.
namespace hadeploy::ssh::docker {

Type build_type();
/// Checks of a normalized `build` beyond its schema. Accepts unknown values.
void check_build(const Value& build, Diagnostics& problems);

/// The digest of everything that determines the image: the Dockerfile, the files of the context
/// that .dockerignore does not exclude, and the arguments. `build` must be fully known.
/// @throws Error with the place of the context in the spec
std::string build_key(const Value& build);

/// Whether the image is built on this machine.
bool builds_here(const Value& build);

/// The words of `docker build` on the image's host, quoted for a shell, which reads the context
/// from its standard input.
std::string build_command(const std::string& tag, const Value& build);

/// Writes the context to a tar file in the cache, unless it is there.
/// @param tag  the tag of the plan, which contains the beginning of build_key()
/// @throws Error(failed), including when the context has changed since the plan
std::filesystem::path pack_context(const std::string& tag, const Value& build,
                                   const std::filesystem::path& cache_dir, const Notice& progress);

/// Builds the image with the Docker of this machine, and returns its archive for `docker load`,
/// which is kept in the cache.
/// @throws Error(failed)
std::filesystem::path build_here(const std::string& tag, const Value& build,
                                 const std::filesystem::path& cache_dir, const Notice& progress);

} // namespace hadeploy::ssh::docker
