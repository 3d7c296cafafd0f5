#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadeploy::pack {

/// What an image is made of: one static program and a few lines of configuration.
struct ImageSpec {
    std::string name;              ///< the last part of `hadeploy/NAME`
    std::filesystem::path program; ///< becomes /NAME and the entry point
    std::uint16_t port = 0;        ///< documented as exposed
    std::uint32_t user = 0;        ///< user and group id that the program runs as
    std::string arch;              ///< as uname says it: x86_64, aarch64
};

struct Image {
    std::string id;      ///< `sha256:` and 64 hex digits, as Docker will call it
    std::string tag;     ///< `hadeploy/NAME:` and the first 12 digits of the id
    std::string archive; ///< bytes for `docker load`
};

/// Builds the archive. The same program gives the same bytes: no times, names of users or other
/// traces of the machine are in it. Throws std::runtime_error.
Image build_image(const ImageSpec& spec);

} // namespace hadeploy::pack
