#pragma once

#include <filesystem>
#include <string>

namespace hadeploy::cli {

/// Lets the user edit a text that nobody else may see, with $VISUAL, $EDITOR or vi. It lies in a
/// file of a private directory, in memory where there is such a place, which goes when the editor
/// ends and also when this process is killed.
/// @param name  the file's, so that the editor knows how to colour it
/// @throws Error(failed) when there is no editor, or it fails
std::string edit_privately(const std::string& text, const std::string& name);

} // namespace hadeploy::cli
