#include "providers/ssh/provider.h"

#include "providers/ssh/change_batch.h"
#include "providers/ssh/files.h"
#include "providers/ssh/run_script.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

Observation observation_from(const ReadRequest& request, const ProbeResult& result) {
    try {
        return static_cast<const SshType&>(*request.type).parse(request, result);
    } catch (const Error& error) {
        return Observation::failed(error);
    } catch (const std::exception& e) { // from the JSON library: an unexpected type
        return Observation::failed(
            Error(ErrorKind::failed,
                  fmt::format("the host's response about {} cannot be parsed: {}", request.address,
                              e.what()))
                .with_hint("the host may run a version that hadeploy does not support"));
    }
}

std::vector<Observation> SshEndpoint::read(std::span<const ReadRequest> requests,
                                           const Notice& notice) {
    std::vector<Observation> observations(requests.size());
    std::vector<Section> sections;
    std::vector<std::size_t> asked; ///< by section: its request
    for (std::size_t i = 0; i < requests.size(); ++i) {
        std::string script = static_cast<const SshType&>(*requests[i].type).probe(requests[i]);
        if (script.empty()) {
            observations[i] = observation_from(requests[i], {});
            continue;
        }
        sections.push_back({.script = std::move(script), .strict = false});
        asked.push_back(i);
    }
    if (sections.empty()) return observations;

    const Outcome outcome = run_sections(
        *pool_, login_, sections,
        [&](std::size_t index, SectionResult result) {
            const std::size_t i = asked[index];
            observations[i] = observation_from(
                requests[i], {result.status, std::move(result.out), std::move(result.err)});
        },
        notice, stop_);
    if (outcome.broken && !outcome.begun) throw *outcome.broken;
    for (std::size_t k = outcome.finished; k < asked.size(); ++k)
        observations[asked[k]] = Observation::failed(
            outcome.broken.value_or(Error(ErrorKind::failed, "the host did not answer")));
    return observations;
}

void SshEndpoint::apply(std::span<const Change> changes, ChangeSink& sink) {
    Application(*pool_, login_, {}, cache_dir_, changes, sink)
        .run(); // no stop token: started changes run to their end
}

SavedFiles SshEndpoint::save_files(const FilesAt& from,
                                   const std::function<void(std::string_view)>& take) {
    return ssh::save_files(*pool_, login_, from, take, stop_);
}

void SshEndpoint::restore_files(const FilesAt& to, const Archive& archive, bool overwrite) {
    ssh::restore_files(*pool_, login_, to, archive, overwrite, stop_);
}

int SshEndpoint::run_script(const std::string& script, const Take& take) {
    return ssh::run_script(*pool_, login_, script, take, stop_);
}

} // namespace hadeploy::ssh
