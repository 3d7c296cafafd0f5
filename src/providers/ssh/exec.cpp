#include "providers/ssh/exec.h"

#include "providers/ssh/explain.h"
#include "providers/ssh/operation.h"
#include "providers/ssh/ssh_type.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// The number of attempts if the connection keeps breaking.
constexpr int kMostExecAttempts = 3;
/// Reads take seconds, but may have to wait for an operation first.
constexpr std::chrono::minutes kLongestLook{15};
} // namespace

Shell shell(const Login& login, std::string_view arguments) {
    if (login.user == "root") return {fmt::format("exec sh{}", arguments), ""};
    const std::string at_once = fmt::format("exec sudo -n sh{}", arguments);
    if (login.become_password.empty()) return {at_once, ""};
    // If sudo needs no password, the shell would execute the password line as the first line of the
    // script.
    const std::string either =
        fmt::format("if sudo -n true </dev/null 2>/dev/null; then IFS= read -r hadeploy_unused; "
                    "unset hadeploy_unused; {}; fi; exec sudo -S -p '' sh{}",
                    at_once, arguments);
    return {"exec sh -c " + shell_quote(either), login.become_password + "\n"};
}

std::string introduce(Pool& pool, const Login& login, const std::stop_token& stop) {
    const PublicKey key = pool.connect(login, stop);
    return fmt::format("hadeploy_host_key='{} {}'\n", key.type, key.base64);
}

Outcome exchange(Pool& pool, const Login& login, Exchange what, Frames& frames,
                 const std::function<void(std::string_view)>& notice, const std::stop_token& stop) {
    what.receive = [&, announced = false](bool err, std::string_view piece) mutable {
        err ? frames.err(piece) : frames.out(piece);
        constexpr std::string_view waits = "waiting ";
        if (notice && !announced && frames.notice().starts_with(waits)) {
            announced = true;
            notice(explain_wait(frames.notice().substr(waits.size())));
        }
        return frames.complete();
    };
    Outcome outcome;
    try {
        pool.run(login, what, stop);
        if (frames.notice().starts_with("busy "))
            outcome.broken = explain_busy(login.name(), frames.notice().substr(5));
        else if (!frames.complete())
            outcome.broken = explain_no_answer(login.name(), frames.started(), frames.stray());
    } catch (const Error& error) {
        outcome.broken = error;
        outcome.lost = error.kind == ErrorKind::unreachable && !error.transient;
    }
    outcome.finished = frames.finished();
    outcome.begun = frames.started();
    return outcome;
}

Outcome run_sections(Pool& pool, const Login& login, std::span<const Section> sections,
                     const Frames::OnSection& on_section,
                     const std::function<void(std::string_view)>& notice, std::stop_token stop) {
    Outcome all;
    for (int attempt = 0; attempt < kMostExecAttempts; ++attempt) {
        const std::size_t first = all.finished;
        std::string preamble;
        try {
            preamble = introduce(pool, login, stop) + wait_for_operations(pool.lineage);
        } catch (const Error& error) {
            all.broken = error;
            return all;
        }
        const std::string boundary = make_boundary();
        Frames frames(boundary, [&](std::size_t index, SectionResult result) {
            on_section(first + index, std::move(result));
        });
        Shell root = shell(login);
        Exchange what{.command = std::move(root.command),
                      .input = root.input + compose(sections.subspan(first), boundary, preamble),
                      .quiet = kLongestLook};
        const Outcome one = exchange(pool, login, std::move(what), frames, notice, stop);
        all.finished += one.finished;
        all.broken = one.broken;
        all.begun |= one.begun;
        all.lost = one.lost;
        if (!one.lost) break;
    }
    return all;
}

Outcome run_streaming(Pool& pool, const Login& login, const Section& section,
                      const std::filesystem::path& file, const Frames::OnSection& on_section,
                      std::stop_token stop) {
    Outcome outcome;
    for (int attempt = 0; attempt < 2; ++attempt) {
        const bool begun = outcome.begun;
        const std::string boundary = make_boundary();
        std::string text = compose_streaming(section, boundary);
        // The shell must not read ahead: it reads exactly its script, the rest is input of the
        // script. (`head -c` of BusyBox reads ahead.)
        Shell root = shell(
            login, fmt::format(" -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"'", text.size()));
        Exchange what{.command = std::move(root.command)};
        what.input = root.input + text.append(section.input);
        what.input_file = file;
        Frames frames(boundary, on_section);
        try {
            pool.connect(login, stop);
            outcome = exchange(pool, login, std::move(what), frames, {}, stop);
        } catch (const Error& error) {
            outcome = {.broken = error};
        }
        outcome.begun |= begun;
        if (!outcome.lost || outcome.finished > 0) break;
    }
    return outcome;
}

} // namespace hadeploy::ssh
