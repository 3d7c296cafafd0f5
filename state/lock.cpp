#include "state/lock.h"

#include "core/clock.h"
#include "core/text.h"
#include "core/value.h"
#include "core/value_json.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace hadeploy::state {

namespace {
using Clock = std::chrono::steady_clock;
constexpr auto kPollInterval = std::chrono::milliseconds(10);
constexpr auto kBriefly = std::chrono::seconds(5);
constexpr std::size_t kMaxOwnerText = 4096;

/// Returns false when another process holds the lock.
bool try_lock(const Fd& fd, const std::filesystem::path& path) {
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET; // start 0, length 0: the whole file
    while (::fcntl(fd.get(), F_OFD_SETLK, &range) != 0) {
        if (errno == EAGAIN || errno == EACCES) return false;
        if (errno != EINTR) throw system_error("lock", path, ErrorKind::state);
    }
    return true;
}

std::string read_owner(const Fd& fd) {
    std::string text(kMaxOwnerText, '\0');
    const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

/// Waits for the owner's data, which a process writes shortly after taking the lock.
std::string read_owner_soon(const Fd& fd) {
    std::string text = read_owner(fd);
    for (int tries = 0; tries < 50 && !parse_owner(text); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        text = read_owner(fd);
    }
    return text;
}

std::string boot_id() {
    try {
        std::string id = read_file("/proc/sys/kernel/random/boot_id");
        id.erase(std::remove(id.begin(), id.end(), '\n'), id.end());
        return id;
    } catch (const Error&) {
        return ""; // no /proc; the ID is informational
    }
}

/// Field 22 of /proc/PID/stat: the start of a process in ticks since the boot; "ended" if the
/// process is a zombie, "" if the start is not known.
std::string start_time(std::int64_t pid) {
    try {
        const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
        std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
        std::string field;
        fields >> field;                  // field 3, after the name
        if (field == "Z") return "ended"; // and its parent has not noticed yet
        for (int number = 4; number <= 22; ++number) fields >> field;
        return field;
    } catch (const Error&) {
        return "";
    }
}

/// The PID namespace: in a different container the same PID is a different process.
std::string pid_namespace() {
    std::error_code none;
    return std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
}

Error locked_error(const std::filesystem::path& state, std::string_view text) {
    const std::string file = in_quotes(state.string(), 4096);
    if (const auto owner = parse_owner(text)) return in_use(file, *owner);
    return Error(ErrorKind::locked, fmt::format("the state {} is in use", file))
        .with_hint(fmt::format("to find the process: fuser -v {}", lock_file(state).string()));
}
} // namespace

Lock::Lock(const std::filesystem::path& state, const LockOwner& owner, std::int64_t timeout_ms) {
    const std::filesystem::path path = lock_file(state);
    fd_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd_) throw system_error("open the lock file", path, ErrorKind::state);
    const auto begin = Clock::now();
    const auto timeout = std::chrono::milliseconds(timeout_ms);
    while (!try_lock(fd_, path)) {
        if (Clock::now() - begin >= timeout) {
            const std::string text = read_owner_soon(fd_);
            const auto holder = parse_owner(text);
            if (!holder || !holder->brief || Clock::now() - begin >= kBriefly)
                throw locked_error(state, text);
        }
        std::this_thread::sleep_for(kPollInterval);
    }
    const std::string name = owner_text(owner);
    // Informational: the lock holds even if the disk is full.
    if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), name.data(), name.size(), 0) < 0)
        errno = 0;
}

Lock::~Lock() {
    if (::ftruncate(fd_.get(), 0) != 0) errno = 0; // outdated data in the file is harmless
    // Closing is not enough when a forked child process shares the open file description.
    struct flock range {};
    range.l_type = F_UNLCK;
    range.l_whence = SEEK_SET;
    ::fcntl(fd_.get(), F_OFD_SETLK, &range);
}

std::filesystem::path lock_file(const std::filesystem::path& state) {
    return state.string() + ".lock";
}

LockOwner this_process(const std::string& command, bool brief) {
    LockOwner owner;
    owner.pid = ::getpid();
    char name[256] = "";
    if (::gethostname(name, sizeof name - 1) == 0) owner.host = name;
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer, sizeof buffer, &found);
    owner.user = found != nullptr ? entry.pw_name : std::to_string(::geteuid());
    owner.boot_id = boot_id();
    owner.command = command;
    owner.since_ms = now_ms();
    owner.brief = brief;
    owner.process = pid_namespace() + " " + start_time(owner.pid);
    return owner;
}

bool is_dead(const LockOwner& owner) {
    const std::string here = pid_namespace();
    if (owner.boot_id.empty() || owner.boot_id != boot_id() || here.empty() ||
        !owner.process.starts_with(here + " "))
        return false;
    if (::kill(static_cast<pid_t>(owner.pid), 0) != 0 && errno == ESRCH) return true;
    const std::string start = start_time(owner.pid); // hidden for processes of other users
    return !start.empty() && owner.process != here + " " + start;
}

std::string owner_text(const LockOwner& owner) {
    return to_json(Value::map({{"pid", owner.pid},
                               {"host", owner.host},
                               {"user", owner.user},
                               {"boot_id", owner.boot_id},
                               {"command", owner.command},
                               {"since_ms", owner.since_ms},
                               {"brief", owner.brief},
                               {"process", owner.process}})) +
           "\n";
}

std::optional<LockOwner> parse_owner(std::string_view text) {
    try {
        const Value v = from_json(text);
        if (v.integer("pid") <= 0) return std::nullopt;
        return LockOwner{v.integer("pid"),  v.text("host"),    v.text("user"),
                         v.text("boot_id"), v.text("command"), v.integer("since_ms"),
                         v.flag("brief"),   v.text("process")};
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::string describe(const LockOwner& owner) {
    std::tm utc{};
    const std::time_t since = owner.since_ms / 1000;
    ::gmtime_r(&since, &utc);
    return fmt::format("{} by {} on {}, pid {}, since {:%F %T} UTC", in_quotes(owner.command),
                       owner.user, owner.host, owner.pid, utc);
}

Error in_use(const std::string& state, const LockOwner& owner) {
    Error error(ErrorKind::locked,
                fmt::format("the state {} is in use: {}", state, describe(owner)));
    const bool here = owner.host == this_process("").host;
    error.hint =
        here ? fmt::format("wait for it to finish, or interrupt it: kill -INT {}", owner.pid)
             : fmt::format("wait for it to finish, or interrupt it on {}", owner.host);
    return error;
}

} // namespace hadeploy::state
