// A change on a host outlives the connection that requested it.
//
// The script is one compound command, which a shell reads to its end before it runs any of it, so a
// truncated script never starts. The shell that sshd has started for it then detaches from the
// connection. It writes its output to two files under /run/hadeploy, which does not survive a
// reboot and which only root may read; two `tail` processes copy them to the streams of the
// connection. When the client has received everything it sends a confirmation, and the shell
// removes the files.
//
// A client that lost its connection sends the same script again over a new one. The script finds
// the output file, whose exclusive creation also ensures that an operation starts only once, and
// copies it from its beginning. A step that runs while its client is disconnected runs to its end,
// but no further step is started: the client sends the remaining steps as a new operation. So a
// second Ctrl-C stops at the next step, and the next run on the same state waits for a step that is
// still running.
#include "providers/ssh/operation.h"

#include "embedded/scripts.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/ssh_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// The number of attempts without progress before hadeploy gives up on a host.
constexpr int kMostOperationAttempts = 5;

/// One operation, over as many connections as needed.
class Operation {
  public:
    Operation(Pool& pool, const Login& login, std::span<const Section> sections,
              const Frames::OnSection& on_section,
              const std::function<void(std::string_view)>& notice, std::stop_token stop)
        : pool_(pool), login_(login), sections_(sections), on_section_(on_section), notice_(notice),
          stop_(std::move(stop)), name_{pool.lineage, pool.process, make_boundary()} {}

    void run();
    /// The outcome; a complete operation may have skipped sections.
    [[nodiscard]] const Outcome& outcome() const { return outcome_; }
    [[nodiscard]] bool rebooted() const { return rebooted_; }
    /// Whether a section failed, so that later sections were skipped.
    [[nodiscard]] bool failed() const { return failed_; }

  private:
    bool attempt();
    void take(std::size_t index, SectionResult result);

    Pool& pool_;
    const Login& login_;
    std::span<const Section> sections_;
    const Frames::OnSection& on_section_;
    const std::function<void(std::string_view)>& notice_;
    std::stop_token stop_;
    OperationName name_;
    std::string boot_; ///< boot id of the host when the operation started, once known
    Outcome outcome_;
    bool complete_ = false, rebooted_ = false, failed_ = false;
    bool shell_ended_ = false; ///< without a trailer, although the connection held
};

void Operation::take(std::size_t index, SectionResult result) {
    if (index < outcome_.finished) return; // reported before the connection broke
    ++outcome_.finished;
    failed_ = sections_[index].strict && result.status != 0;
    on_section_(index, std::move(result));
}

/// @return whether to try again
bool Operation::attempt() {
    std::string script;
    try {
        script = compose_operation(sections_, name_, introduce(pool_, login_, stop_), boot_);
    } catch (const Error& error) {
        if (!complete_) outcome_.broken = error;
        return false;
    }
    std::chrono::milliseconds longest{0};
    for (const Section& section : sections_) longest = std::max(longest, section.limit);
    Frames frames(name_.id,
                  [&](std::size_t index, SectionResult result) { take(index, std::move(result)); });
    const Shell root = shell(login_);
    const Outcome one = exchange(pool_, login_,
                                 {.command = root.command,
                                  .input = root.input + script,
                                  .farewell = "done\n",
                                  // the script may first wait for operations of an earlier run
                                  .quiet = longest + std::chrono::seconds(kPatience / 2 + 60)},
                                 frames, notice_, stop_);
    if (frames.started()) boot_ = frames.start();
    complete_ |= frames.complete();
    outcome_.begun |= one.begun || one.lost;
    outcome_.broken = complete_ ? std::nullopt : one.broken;
    if (one.lost) return true; // even if complete: the host must still remove its files
    if (complete_) return false;
    rebooted_ = frames.notice().starts_with("rebooted");
    if (rebooted_) outcome_.broken = explain_no_answer(login_.name(), true, "");
    if (frames.notice().starts_with("gone")) outcome_.broken = explain_no_result(login_.name());
    // The next attempt shows whether only the shell died, or the host rebooted.
    return one.begun && !std::exchange(shell_ended_, true);
}

void Operation::run() {
    for (int attempts = 0; attempts < kMostOperationAttempts; ++attempts) {
        const std::size_t before = outcome_.finished;
        if (!attempt()) return;
        if (outcome_.finished > before) attempts = 0;
        if (!complete_) notice_("the connection broke; reconnecting");
    }
}
} // namespace

std::string wait_for_operations(std::string_view lineage, int patience) {
    return fmt::format("hadeploy_state={}\nhadeploy_patience={}\n{}hadeploy_wait\n",
                       shell_quote(lineage), patience, scripts::operation_wait);
}

std::string compose_operation(std::span<const Section> sections, const OperationName& name,
                              std::string_view preamble, std::string_view known_boot) {
    const std::string begin = fmt::format(
        "{}hadeploy_state={} hadeploy_run={} hadeploy_patience={} hadeploy_known={}\n"
        "hadeploy_mine=/run/hadeploy/$hadeploy_state.$hadeploy_run.{}\n{}{}",
        preamble, shell_quote(name.lineage), shell_quote(name.process), kPatience,
        shell_quote(known_boot), shell_quote(name.id), scripts::operation_wait, scripts::operation);
    return "{\n" + compose(sections, name.id, begin) + "}\n";
}

Outcome run_operation(Pool& pool, const Login& login, std::span<const Section> sections,
                      const Frames::OnSection& on_section,
                      const std::function<void(std::string_view)>& notice, std::stop_token stop) {
    Outcome all;
    std::optional<std::size_t> rebooted_in;
    for (;;) {
        const std::size_t first = all.finished;
        const Frames::OnSection from_here = [&](std::size_t index, SectionResult result) {
            on_section(first + index, std::move(result));
        };
        Operation operation(pool, login, sections.subspan(first), from_here, notice, stop);
        operation.run();
        const Outcome& one = operation.outcome();
        all.finished += one.finished;
        all.begun |= one.begun;
        all.broken = one.broken;
        all.lost = one.lost;
        if (operation.rebooted()) {
            // Every command can be run again, but a command that reboots its host must not be
            // repeated forever.
            if (rebooted_in == all.finished) return all;
            rebooted_in = all.finished;
            notice("the host rebooted; running the command again");
        } else if (all.broken || operation.failed() || all.finished == sections.size() ||
                   one.finished == 0) {
            return all;
        }
    }
}

} // namespace hadeploy::ssh
