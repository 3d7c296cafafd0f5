#pragma once

#include "providers/ssh/framing.h"
#include "providers/ssh/pool.h"
#include "providers/ssh/ssh_type.h"

#include <memory>
#include <optional>

namespace hadeploy::ssh {

/// How an exec of sections ended.
struct Outcome {
    std::size_t finished = 0;         ///< sections that were reported
    std::optional<Error> broken = {}; ///< why there is no trailer; empty when there is one
    bool begun = false;               ///< the script has begun on the host
};

/// Runs sections on a host in one exec. They find the key that the host has shown, as verified, in
/// $hadeploy_host_key.
/// @throws Interrupted
Outcome run_sections(Pool& pool, const Login& login, std::span<const Section> sections,
                     const Frames::OnSection& on_section, std::stop_token stop);
/// Runs one script whose standard input is too large, or not text: `input`, then the file.
Outcome run_streaming(Pool& pool, const Login& login, std::string_view script,
                      std::string_view input, const std::filesystem::path& file,
                      const Frames::OnSection& on_section, std::stop_token stop);

/// One host. All reads go in one exec; changes that follow each other go in one exec too.
class SshProvider final : public Provider {
  public:
    SshProvider(std::shared_ptr<Pool> pool, Login login, std::stop_token stop)
        : pool_(std::move(pool)), login_(std::move(login)), stop_(std::move(stop)) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests) override;
    void apply(std::span<const Change> changes, ChangeSink& sink) override;

  private:
    std::shared_ptr<Pool> pool_;
    Login login_;
    std::stop_token stop_;
};

} // namespace hadeploy::ssh
