// A change on a host outlives the connection that requested it.
//
// The script is one compound command, which a shell reads to its end before it runs any of it, so a
// truncated script never starts. The shell that sshd has started for it then detaches from the
// connection. It writes its output to two files under /run/hadeploy, which does not survive a
// reboot and which only root may read; two `tail` processes copy them to the streams of the
// connection. When the client has received everything it sends a confirmation, and the shell
// removes the files.
//
// A client that lost its connection sends the same script again over another one. The script finds
// the output file, whose exclusive creation also ensures that an operation starts only once, and
// copies it from its beginning. A step that runs while its client is disconnected runs to its end,
// but no further step is started: the client sends the remaining ones as another operation. So a
// second Ctrl-C stops at the next step, and the next run on the same state waits for a step that is
// still running.
#include "providers/ssh/exec.h"

#include "providers/ssh/explain.h"
#include "providers/ssh/ssh_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// The number of attempts without progress before a host is given up.
constexpr int kMostAttempts = 5;

// The second line of the output of an operation is its first mark: boundary, "start", boot id,
// process. The operation is running if and only if the standard output of that process is that
// file, so a reused process id is not mistaken for it.
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

// Descriptor 3 is the input of the connection. The parent is the sshd process of this connection,
// or sudo; the tails also end with the connection, at their next write. tail of BusyBox cannot wait
// for a process or poll more than once a second, so if tail is the BusyBox that runs the shell, a
// loop replaces it.
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
    for (int attempts = 0; attempts < kMostAttempts; ++attempts) {
        const std::size_t before = outcome_.finished;
        if (!attempt()) return;
        if (outcome_.finished > before) attempts = 0;
        if (!complete_) notice_("the connection broke; reconnecting");
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
            // Every command can be run again, but a command that reboots its host must not be
            // repeated forever.
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
