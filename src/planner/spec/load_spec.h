#pragma once

#include "planner/spec/spec.h"

#include <filesystem>
#include <functional>
#include <string>

namespace hadeploy {

/// Reads one file for the loader. For a saved plan, the contents come from the plan.
/// @throws Error(spec) if the file cannot be read
using FileReader = std::function<std::string(const std::filesystem::path&)>;

/// Reads regular files up to the loader's size limit; never blocks on a FIFO or a device.
FileReader disk_reader();

/// Loads the spec and, recursively, its modules. Checks everything that can be checked without
/// values: form, names, sources, expression syntax.
/// @throws Error with all problems. `spec.sources` is filled in even then, so that errors can be
///         shown with their lines.
void load_spec(const std::filesystem::path& file, const FileReader& read, Spec& spec);

/// Loads only a module's file, as the root of an unnamed spec whose variables are the module's
/// inputs.
/// @throws Error as load_spec()
void load_module_alone(const std::filesystem::path& file, const FileReader& read, Spec& spec);

} // namespace hadeploy
