#include "providers/local/path.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "provider_api/normalize.h"

#include <fmt/format.h>

namespace hadeploy::local {

Attribute path_attribute(std::string_view what) {
    return {.name = "path",
            .type = TypeKind::local_path,
            .doc = fmt::format("Path of the {}, relative to the directory of the spec or module.",
                               what),
            .required = true,
            .replaces = true};
}

std::vector<std::string> path_claim(const Value& config) {
    if (!config["path"].is_string()) return {};
    return {"this machine's " + real_place(config.text("path"))};
}

Observation in_the_way(const std::string& path, std::string_view wanted) {
    return Observation::failed(
        Error(ErrorKind::conflict,
              fmt::format("{} exists, but is not {}", in_quotes(path, 4096), wanted))
            .with_hint("remove or rename it, or choose a different path"));
}

std::string mode_text(const struct stat& info) {
    return fmt::format("{:04o}", info.st_mode & 07777u);
}

unsigned mode_of(const Value& config) {
    return static_cast<unsigned>(std::stoul(config.text("mode", "0644"), nullptr, 8));
}

} // namespace hadeploy::local
