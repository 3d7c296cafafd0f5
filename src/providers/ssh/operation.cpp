// A change on a host outlives the connection that asked for it.
//
// The script travels whole before any of it runs: it is one compound command, which a shell reads
// to its end, so that one that was cut off is never begun. The shell that sshd has started for it
// then turns away from the connection. Its output goes to two files under /run/hadeploy, which no
// reboot survives and only root may read; two `tail` follow them onto the connection's streams.
// When all has arrived the client says so, and the shell removes the files.
//
// A client that was cut off sends the very same script again, over another connection. It finds the
// file, whose exclusive creation is also what lets an operation begin only once, and follows it
// from its beginning. A step that runs while its client is away runs to its end, but nothing is
// begun after it: the client sends what is left as another operation. So the second Ctrl-C stops
// at the next step, and what it left running is waited for by the next run on the same state.
#include "providers/ssh/exec.h"

#include "providers/ssh/explain.h"
#include "providers/ssh/ssh_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// Attempts without anything new, after which a host is given up.
constexpr int kMostAttempts = 5;

// The second line of an operation's output is its first mark: boundary, "start", boot id, process.
// That process still works on it exactly if its standard output is that file; so no number that
// belongs to another process by now is mistaken for it.
constexpr std::string_view kWait = R"sh(hadeploy_works() {
    hadeploy_worker=
    [ -e "$1" ] || return 1
    { read -r hadeploy_word; read -r hadeploy_word hadeploy_word hadeploy_word hadeploy_worker; } 2>/dev/null <"$1"
    [ "/proc/$hadeploy_worker/fd/1" -ef "$1" ]
}
hadeploy_busy() {
    for hadeploy_file in "/run/hadeploy/$hadeploy_state".*.out; do
        hadeploy_works "$hadeploy_file" && return 0
    done
    return 1
}
hadeploy_wait() {
    hadeploy_rounds=0
    while hadeploy_busy; do
        if [ "$hadeploy_rounds" = "$hadeploy_patience" ]; then
            hadeploy_mark busy "$hadeploy_worker"
            exit 0
        fi
        [ "$hadeploy_rounds" != 0 ] || hadeploy_mark waiting "$hadeploy_worker"
        hadeploy_rounds=$((hadeploy_rounds + 1))
        sleep 0.5
    done
}
)sh";

// Descriptor 3 is the connection's way in. The parent is sshd's process for this connection, or
// sudo; the tails break with the connection too, when they next have something to tell. BusyBox's
// tail can't wait for a process, nor look more often than once a second: where it is the shell's
// own program, a loop does it.
constexpr std::string_view kFunctions = R"sh(hadeploy_is_busybox() {
    hadeploy_word=$(command -v tail)
    case $hadeploy_word in
    /*) [ "/proc/$$/exe" -ef "$hadeploy_word" ] ;;
    esac
}
hadeploy_copy() {
    exec <"$2"
    while kill -0 "$1" 2>/dev/null; do
        cat || exit
        sleep 0.2
    done
    cat
}
hadeploy_follow() {
    if hadeploy_is_busybox; then
        hadeploy_copy "$1" "$hadeploy_mine.out" 2>/dev/null 3<&- &
        hadeploy_tails=$!
        hadeploy_copy "$1" "$hadeploy_mine.err" 3<&- >&2 2>/dev/null &
        hadeploy_tails="$hadeploy_tails $!"
        return 0
    fi
    tail -c +1 -s 0.1 --pid="$1" -f -- "$hadeploy_mine.out" 2>/dev/null 3<&- &
    hadeploy_tails=$!
    tail -c +1 -s 0.1 --pid="$1" -f -- "$hadeploy_mine.err" 3<&- >&2 2>/dev/null &
    hadeploy_tails="$hadeploy_tails $!"
}
hadeploy_hear() {
    read -r hadeploy_word <&3 || return 0
    rm -f -- "$hadeploy_mine.out" "$hadeploy_mine.err"
    kill $hadeploy_tails 2>/dev/null
}
hadeploy_attach() {
    hadeploy_rounds=0
    hadeploy_works "$hadeploy_mine.out"
    while [ -z "$hadeploy_worker" ] && [ "$hadeploy_rounds" != 50 ]; do
        hadeploy_rounds=$((hadeploy_rounds + 1))
        sleep 0.1
        hadeploy_works "$hadeploy_mine.out"
    done
    [ -n "$hadeploy_worker" ] || exit 0
    hadeploy_follow "$hadeploy_worker"
    hadeploy_hear >/dev/null 2>&1 &
    wait $hadeploy_tails
    exit 0
}
hadeploy_clear() {
    for hadeploy_file in "/run/hadeploy/$hadeploy_state".*.err; do
        case $hadeploy_file in
        "/run/hadeploy/$hadeploy_state.$hadeploy_run".*) ;;
        *) [ ! -e "$hadeploy_file" ] || set -- "$@" "$hadeploy_file" "${hadeploy_file%err}out" ;;
        esac
    done
    [ $# = 0 ] || rm -f -- "$@"
}
hadeploy_listened_to() {
    kill -0 "$PPID" 2>/dev/null && kill -0 "${hadeploy_tails%% *}" 2>/dev/null
}
hadeploy_end() {
    hadeploy_mark end 0
    exec >/dev/null 2>&1
    hadeploy_hear
    exit 0
}
hadeploy_step() {
    hadeploy_mark "$1" "$2"
    [ "$2" = 0 ] && hadeploy_listened_to || hadeploy_end
}
hadeploy_look() {
    hadeploy_mark "$1" "$2"
    hadeploy_listened_to || hadeploy_end
}
)sh";

constexpr std::string_view kBegin = R"sh(exec 3<&0 </dev/null
read -r hadeploy_boot </proc/sys/kernel/random/boot_id
[ ! -e "$hadeploy_mine.out" ] || hadeploy_attach
if [ -n "$hadeploy_known" ]; then
    [ "$hadeploy_boot" = "$hadeploy_known" ] && hadeploy_mark gone 0 || hadeploy_mark rebooted 0
    exit 0
fi
hadeploy_wait
hadeploy_clear
[ -d /run/hadeploy ] || mkdir -p -m 0700 /run/hadeploy || exit 1
[ ! -d /var/lib/hadeploy ] || chmod -R go= /var/lib/hadeploy
: >>"$hadeploy_mine.err"
set -C
{ true >"$hadeploy_mine.out"; } 2>/dev/null || hadeploy_attach
set +C
hadeploy_follow $$
exec >>"$hadeploy_mine.out" 2>>"$hadeploy_mine.err"
hadeploy_start="$hadeploy_boot $$"
)sh";

/// One operation, over as many connections as it takes.
class Operation {
  public:
    Operation(Pool& pool, const Login& login, std::span<const Section> sections,
              const Frames::OnSection& on_section,
              const std::function<void(std::string_view)>& notice, std::stop_token stop)
        : pool_(pool), login_(login), sections_(sections), on_section_(on_section), notice_(notice),
          stop_(std::move(stop)), name_{pool.lineage, pool.process, make_boundary()} {}

    void run();
    /// What came of it; complete operations may have left sections out.
    [[nodiscard]] const Outcome& outcome() const { return outcome_; }
    [[nodiscard]] bool rebooted() const { return rebooted_; }
    /// A section failed, so that nothing after it was to run.
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
    std::string boot_; ///< of the host when it had begun, once that is known
    Outcome outcome_;
    bool complete_ = false, rebooted_ = false, failed_ = false;
    bool shell_ended_ = false; ///< without a trailer, over a connection that held
};

void Operation::take(std::size_t index, SectionResult result) {
    if (index < outcome_.finished) return; // told before the connection broke
    ++outcome_.finished;
    failed_ = sections_[index].strict && result.status != 0;
    on_section_(index, std::move(result));
}

/// @return whether it is worth another one
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
    const Outcome one =
        exchange(pool_, login_,
                 {.command = root.command,
                  .input = root.input + script,
                  .farewell = "done\n",
                  // what an earlier run left at work may have to be waited for before
                  .quiet = longest + std::chrono::seconds(kPatience / 2 + 60)},
                 frames, notice_, stop_);
    if (frames.started()) boot_ = frames.start();
    complete_ |= frames.complete();
    outcome_.begun |= one.begun || one.lost;
    outcome_.broken = complete_ ? std::nullopt : one.broken;
    if (one.lost) return true; // also when all has arrived: the host is to forget it
    if (complete_) return false;
    rebooted_ = frames.notice().starts_with("rebooted");
    if (rebooted_) outcome_.broken = explain_no_answer(login_.name(), true, "");
    if (frames.notice().starts_with("gone")) outcome_.broken = explain_no_result(login_.name());
    // Did the shell die alone, or with its host? The next attempt tells.
    return one.begun && !std::exchange(shell_ended_, true);
}

void Operation::run() {
    for (int attempts = 0; attempts < kMostAttempts; ++attempts) {
        const std::size_t before = outcome_.finished;
        if (!attempt()) return;
        if (outcome_.finished > before) attempts = 0;
        if (!complete_) notice_("the connection broke; connecting again");
    }
}
} // namespace

std::string wait_for_operations(std::string_view lineage, int patience) {
    return fmt::format("hadeploy_state={}\nhadeploy_patience={}\n{}hadeploy_wait\n",
                       shell_quote(lineage), patience, kWait);
}

std::string compose_operation(std::span<const Section> sections, const OperationName& name,
                              std::string_view preamble, std::string_view known_boot) {
    const std::string begin =
        fmt::format("{}hadeploy_state={} hadeploy_run={} hadeploy_patience={} hadeploy_known={}\n"
                    "hadeploy_mine=/run/hadeploy/$hadeploy_state.$hadeploy_run.{}\n{}{}{}",
                    preamble, shell_quote(name.lineage), shell_quote(name.process), kPatience,
                    shell_quote(known_boot), shell_quote(name.id), kWait, kFunctions, kBegin);
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
            // Every command can be run again, but one that brings its host down is not to do it
            // for ever.
            if (rebooted_in == all.finished) return all;
            rebooted_in = all.finished;
            notice("the host rebooted; running it again");
        } else if (all.broken || operation.failed() || all.finished == sections.size() ||
                   one.finished == 0) {
            return all;
        }
    }
}

} // namespace hadeploy::ssh
