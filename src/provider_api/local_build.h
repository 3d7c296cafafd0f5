#pragma once

#include "core/file.h"
#include "provider_api/provider.h"

#include <filesystem>
#include <stop_token>
#include <string_view>

/// Shared by the providers that build images on this machine.
namespace hadeploy {

/// Shell functions (bash) that precede a script: `apt_sources` prints the sources of this machine's
/// distribution as one-line entries, `apt_options` the settings that apt needs to reach them.
std::string_view apt_source_functions();

/// Held while a file in the cache is built: another build of the same file, in this process or in
/// another one, waits and then uses the result. A process that inherits get() holds the lock too,
/// even after hadeploy was killed.
class BuildLock {
  public:
    /// @param path      the lock file, which is created and stays
    /// @param progress  reports a wait for another build
    /// @throws Error(failed); Interrupted if `stop` is requested while it waits
    BuildLock(const std::filesystem::path& path, const Notice& progress, std::stop_token stop = {});
    [[nodiscard]] int get() const { return file_.get(); }

  private:
    Fd file_;
};

} // namespace hadeploy
