#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadeploy::pack {

/// The content of an image: one static program and some configuration.
struct ImageSpec {
    std::string name;              ///< the last part of `hadeploy/NAME`
    std::filesystem::path program; ///< becomes /NAME and the entry point
    std::uint16_t port = 0;        ///< documented as exposed
    std::uint32_t user = 0;        ///< user and group ID of the program
    std::string arch;              ///< as in uname: x86_64, aarch64
};

struct Image {
    std::string id;      ///< `sha256:` and 64 hex digits, as in Docker
    std::string tag;     ///< `hadeploy/NAME:` and the first 12 digits of the ID
    std::string archive; ///< bytes for `docker load`
};

/// Builds the archive. It is reproducible: it contains no times, user names or other traces of the
/// machine. Throws std::runtime_error.
Image build_image(const ImageSpec& spec);

} // namespace hadeploy::pack
