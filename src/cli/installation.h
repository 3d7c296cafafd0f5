#pragma once

#include <filesystem>

/// Where the files are that come with hadeploy.
namespace hadeploy::cli {

/// The directory with the images of the demo's app: `share/hadeploy/images` of the installation to
/// which this program belongs, or `images` of the build tree. "" if there is none.
std::filesystem::path images_directory();

} // namespace hadeploy::cli
