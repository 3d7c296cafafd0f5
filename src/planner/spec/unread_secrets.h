#pragma once

#include "core/loc.h"

#include <string>
#include <vector>

namespace hadeploy {

/// Hides possible secrets in a file that is not valid YAML, so that errors can show the other
/// lines. The file is divided into blocks by indentation. If a block contains a word that suggests
/// a secret, everything in it is hidden except its first name.
/// @param names  names of attributes that are secret in any schema
void hide_unread(Sources& sources, std::uint16_t file, const std::vector<std::string>& names);

} // namespace hadeploy
