#pragma once

#include "providers/ssh/exec.h"
#include "providers/ssh/ssh_type.h"

#include <memory>

namespace hadeploy::ssh {

/// What a type makes of a probe's answer. What it can't make sense of (a daemon that answers in
/// another form, say) is a failed observation, whatever parse() throws.
Observation observation_from(const ReadRequest& request, const ProbeResult& result);

/// One host. All reads go in one exec; changes that follow each other go in one exec too.
class SshEndpoint final : public OpenEndpoint {
  public:
    SshEndpoint(std::shared_ptr<Pool> pool, Login login, std::stop_token stop)
        : pool_(std::move(pool)), login_(std::move(login)), stop_(std::move(stop)) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& notice) override;
    void apply(std::span<const Change> changes, ChangeSink& sink) override;

  private:
    std::shared_ptr<Pool> pool_;
    Login login_;
    std::stop_token stop_;
};

} // namespace hadeploy::ssh
