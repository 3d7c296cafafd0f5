#pragma once

#include "providers/libvirt/image.h"

#include <string>

namespace hadeploy::libvirt {

/// Downloads an image, unless it is in the cache. `checksum`: "sha256:HEX".
/// @throws Error with the expected and the actual checksum if they differ
Image download_image(Session& session, const Value& url, const std::string& checksum);

} // namespace hadeploy::libvirt
