#pragma once

#include <filesystem>
#include <string>

namespace hadeploy::cli {

/// Lets the user edit a confidential text with $VISUAL, $EDITOR or vi. The text is in a file in a
/// private directory, which is in memory if possible. The directory is removed when the editor ends
/// or this process is killed.
/// @param name  name of the file, for syntax highlighting
/// @throws Error(failed) if there is no editor, or it fails
std::string edit_privately(const std::string& text, const std::string& name);

} // namespace hadeploy::cli
