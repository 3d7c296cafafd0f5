#include "providers/ssh/provider.h"

#include "providers/ssh/apply.h"
#include "providers/ssh/explain.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
Outcome exchange(Pool& pool, const Login& login, Exchange what, std::string_view boundary,
                 const Frames::OnSection& on_section, const std::stop_token& stop) {
    Frames frames(boundary, on_section);
    what.receive = [&](bool err, std::string_view piece) {
        err ? frames.err(piece) : frames.out(piece);
        return frames.complete();
    };
    Outcome outcome;
    try {
        pool.run(login, what, stop);
        if (!frames.complete())
            outcome.broken = explain_no_answer(login.name(), frames.started(), frames.stray());
    } catch (const Error& error) {
        outcome.broken = error;
    }
    outcome.finished = frames.finished();
    outcome.begun = frames.started();
    return outcome;
}

std::string shell(const Login& login) {
    return login.user == "root" ? "exec sh" : "exec sudo -n sh";
}

Observation parse(const ReadRequest& request, const ProbeResult& result) {
    try {
        return static_cast<const SshType&>(*request.type).parse(request, result);
    } catch (const Error& error) {
        return Observation::failed(error);
    }
}
} // namespace

Outcome run_sections(Pool& pool, const Login& login, std::span<const Section> sections,
                     const Frames::OnSection& on_section, std::stop_token stop) {
    std::string preamble;
    try {
        const PublicKey key = pool.connect(login, stop);
        preamble = fmt::format("hadeploy_host_key='{} {}'\n", key.type, key.base64);
    } catch (const Error& error) {
        return {.broken = error};
    }
    const std::string boundary = make_boundary();
    Exchange what{.command = shell(login), .input = compose(sections, boundary, preamble)};
    return exchange(pool, login, std::move(what), boundary, on_section, stop);
}

Outcome run_streaming(Pool& pool, const Login& login, std::string_view script,
                      std::string_view input, const std::filesystem::path& file,
                      const Frames::OnSection& on_section, std::stop_token stop) {
    const std::string boundary = make_boundary();
    std::string text = compose_streaming(script, boundary);
    // The shell must not read ahead: it takes exactly its script, the rest is the script's input.
    Exchange what{.command =
                      fmt::format("{} -c 'eval \"$(head -c {})\"'", shell(login), text.size())};
    what.input = std::move(text.append(input));
    what.input_file = file;
    return exchange(pool, login, std::move(what), boundary, on_section, stop);
}

std::vector<Observation> SshProvider::read(std::span<const ReadRequest> requests) {
    std::vector<Observation> observations(requests.size());
    std::vector<Section> sections;
    std::vector<std::size_t> asked; ///< the request that a section belongs to
    for (std::size_t i = 0; i < requests.size(); ++i) {
        std::string script = static_cast<const SshType&>(*requests[i].type).probe(requests[i]);
        if (script.empty()) {
            observations[i] = parse(requests[i], {});
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
            observations[i] =
                parse(requests[i], {result.status, std::move(result.out), std::move(result.err)});
        },
        stop_);
    if (outcome.broken && !outcome.begun) throw *outcome.broken;
    for (std::size_t k = outcome.finished; k < asked.size(); ++k)
        observations[asked[k]] = Observation::failed(
            outcome.broken.value_or(Error(ErrorKind::failed, "the host did not answer")));
    return observations;
}

void SshProvider::apply(std::span<const Change> changes, ChangeSink& sink) {
    Application(*pool_, login_, stop_, changes, sink).run();
}

} // namespace hadeploy::ssh
