#pragma once

#include "provider_api/schema.h"

/// The documentation of docker.image.
namespace hadeploy::ssh::docker {

extern const char* const kImageDoc;
extern const char* const kImageExample;
Schema image_schema();

} // namespace hadeploy::ssh::docker
