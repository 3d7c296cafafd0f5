#pragma once

#include "provider_api/files.h"
#include "provider_api/runs_scripts.h"
#include "providers/ssh/exec.h"
#include "providers/ssh/ssh_type.h"

#include <memory>

namespace hadeploy::ssh {

/// Parses the output of a probe. An exception from parse(), for example for an unexpected response
/// of a daemon, becomes a failed observation.
Observation observation_from(const ReadRequest& request, const ProbeResult& result);

/// A host. All its reads share one exec; consecutive changes share one too.
class SshEndpoint final : public OpenEndpoint, public KeepsFiles, public RunsScripts {
  public:
    /// @param cache_dir  as in ProviderContext, for Command::build_input
    SshEndpoint(std::shared_ptr<Pool> pool, Login login, std::stop_token stop,
                std::filesystem::path cache_dir = {})
        : pool_(std::move(pool)), login_(std::move(login)), stop_(std::move(stop)),
          cache_dir_(std::move(cache_dir)) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& notice) override;
    void apply(std::span<const Change> changes, ChangeSink& sink) override;
    SavedFiles save_files(const FilesAt& from,
                          const std::function<void(std::string_view)>& take) override;
    void restore_files(const FilesAt& to, const Archive& archive, bool overwrite) override;
    int run_script(const std::string& script, const Take& take) override;

  private:
    std::shared_ptr<Pool> pool_;
    Login login_;
    std::stop_token stop_;
    std::filesystem::path cache_dir_;
};

} // namespace hadeploy::ssh
