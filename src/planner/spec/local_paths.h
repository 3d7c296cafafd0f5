#pragma once

#include "core/value.h"
#include "provider_api/schema.h"

#include <string>

namespace hadeploy {

/// Paths of this machine within a project's directory are recorded relative to it, so that a
/// project that was copied together with its state and files is as it was, and has nothing to do
/// with the files of the one that it was copied from. A canonical local_path is absolute: so a
/// relative one is known by its form.
///
/// `config` as it is recorded: its local paths (and those of connections in it) that are in
/// `directory` relative to that. All else stays.
Value with_paths_in(const Schema& schema, const Value& config, const std::string& directory);

/// The way back.
Value with_whole_paths(const Schema& schema, const Value& config, const std::string& directory);

} // namespace hadeploy
