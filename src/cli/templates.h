#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// The templates of `hadeploy init`: the folders in templates/ of the source tree, which are part
/// of the program. Each is a complete project in the source tree too.
namespace hadeploy::cli {

/// A file to write.
struct ProjectFile {
    std::filesystem::path path; ///< relative to the project's directory
    std::string text;
};

inline constexpr const char* kDefaultTemplate = "minimal";

std::vector<std::string> template_names();

/// What the template creates, in one sentence: the first line of its spec.
std::string template_summary(std::string_view name);

/// Whether the template uses the images of the demo's app.
bool template_needs_images(std::string_view name);

/// The files of a new project: those of the template with the project's name, and copies of the
/// modules that it calls, so that the project does not depend on the place of hadeploy's own files.
/// @param images  the directory with the images of the demo's app
std::vector<ProjectFile> project_files(std::string_view name, const std::string& project,
                                       const std::filesystem::path& images);

/// A project's name from that of its directory: lower case, with `-` for other characters.
std::string project_name(const std::filesystem::path& directory);

} // namespace hadeploy::cli
