#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Names of images and registries, as Docker reads them.
namespace hadeploy::ssh::docker {

/// The server of images whose name has none.
inline constexpr std::string_view kDockerHub = "docker.io";

/// "registry.example.com:5000/shop/web:1", "nginx:1.27", "nginx@sha256:..."
struct ImageReference {
    std::string server; ///< "registry.example.com:5000"; kDockerHub if the text has none
    std::string tag;    ///< "" if there is none
    std::string digest; ///< "sha256:" and 64 hex digits; "" if there is none
};

/// nullopt if Docker does not accept the text, or if it could be the ID of an image.
std::optional<ImageReference> parse_reference(std::string_view text);

/// Whether the text is the address of a registry: HOST or HOST:PORT, without a scheme and a path.
bool is_registry(std::string_view text);

/// Whether the text is one component of the name of an image: "web", "my-web.2".
bool is_image_name(std::string_view text);

/// The claim of a docker.registry_login on a host.
std::string claim_of_login(std::string_view server, std::string_view place);

} // namespace hadeploy::ssh::docker
