#include "providers/local/left.h"

#include "core/file.h"
#include "core/text.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace hadeploy::local {

namespace {
using Clock = std::chrono::steady_clock;
constexpr auto kMostWait = std::chrono::minutes(1);
constexpr auto kPollInterval = std::chrono::milliseconds(20);
constexpr const char* kMark = "HADEPLOY_RUN";

/// "" if the process has ended or belongs to another user.
std::string proc_file(const std::string& process, const char* name) {
    try {
        return read_file("/proc/" + process + "/" + name);
    } catch (const Error&) {
        return "";
    }
}

/// Whether the process is the shell of a script whose hadeploy has ended. Such a shell leads a
/// process group (see core/process.h) in hadeploy's session; processes that it started do not.
bool is_left(const std::string& process, const std::string& lineage) {
    const std::string stat = proc_file(process, "stat");
    const std::size_t name_end = stat.rfind(')'); // the name may contain any character
    if (name_end == std::string::npos) return false;
    char state = 0;
    long parent = 0, group = 0, session = 0;
    if (std::sscanf(stat.c_str() + name_end + 1, " %c %ld %ld %ld", &state, &parent, &group,
                    &session) != 4 ||
        std::to_string(group) != process || session == group)
        return false;
    const std::string environment = '\0' + proc_file(process, "environ");
    const std::string mark = fmt::format("{}{}={} ", '\0', kMark, lineage);
    const std::size_t at = environment.find(mark);
    return at != std::string::npos &&
           std::strtol(environment.c_str() + at + mark.size(), nullptr, 10) != parent;
}

/// The process number of a script left running; "" if there is none.
std::string find_left(const std::string& lineage) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") == name.npos && is_left(name, lineage))
            return name;
    }
    return "";
}

std::filesystem::path lock_file(const ProviderContext& context) {
    return context.data_dir / "scripts.lock";
}

/// Locked by each hadeploy that has started scripts, for as long as it lives.
std::filesystem::path owners_file(const ProviderContext& context) {
    return context.data_dir / "scripts.owners";
}

/// Does not follow a link, nor wait for the other end of a FIFO.
/// @param flags  for open(2)
/// @return  empty if there is no such file
Fd open_lock(const std::filesystem::path& path, int flags) {
    Fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!file && errno == ENOENT) return {};
    struct stat info {};
    const int cause = errno; // for a link, O_NOFOLLOW sets one of its own
    if ((file ? ::fstat(file.get(), &info) : ::lstat(path.c_str(), &info)) != 0)
        throw system_error("look at", path);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::failed,
                    fmt::format("{} is {}; hadeploy needs a regular file at this path to lock",
                                in_quotes(path.string(), 4096), file_type_name(info.st_mode)))
            .with_hint(fmt::format("remove it: rm -r {}", path.string()));
    errno = cause;
    if (!file) throw system_error("open", path);
    return file;
}

bool is_locked(const std::filesystem::path& path) {
    const Fd file = open_lock(path, O_RDONLY);
    return file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/// Whether a script runs whose hadeploy has ended. Called before this process starts a script.
bool is_left_locked(const ProviderContext& context) {
    return !context.data_dir.empty() && is_locked(lock_file(context)) &&
           !is_locked(owners_file(context));
}

Fd shared_lock(const std::filesystem::path& path) {
    Fd file = open_lock(path, O_RDWR | O_CREAT);
    if (!file || ::flock(file.get(), LOCK_SH) != 0) throw system_error("lock", path);
    return file;
}

Error still_at_work(const std::string& process) {
    if (process.empty())
        return Error(ErrorKind::unreachable,
                     "a script started by an earlier run is still running, in a different "
                     "container or as a different user: its process is not visible from here")
            .with_hint("let the script finish, or end it where that run was started; then run "
                       "the command again");
    return Error(ErrorKind::unreachable,
                 fmt::format("a script started by an earlier run is still running (process {})",
                             process))
        .with_hint(
            fmt::format("let the script finish, or end it and its child processes: kill -- -{}; "
                        "then run the command again",
                        process));
}
} // namespace

Fd script_lock(const ProviderContext& context) {
    std::error_code none;
    if (context.data_dir.empty() || !std::filesystem::is_directory(context.data_dir, none))
        return {};
    static const Fd owner = shared_lock(owners_file(context)); // held until this process ends
    return shared_lock(lock_file(context));
}

std::pair<std::string, std::string> script_mark(const ProviderContext& context) {
    return {kMark, fmt::format("{} {}", context.lineage, ::getpid())};
}

void wait_for_left_scripts(const ProviderContext& context, const Notice& notice) {
    const auto end = Clock::now() + kMostWait;
    std::optional<std::string> reported;
    for (;;) {
        const bool locked = is_left_locked(context); // first: the holder may end in between
        const std::string process = find_left(context.lineage);
        if (process.empty() && !locked) return;
        if (context.stop.stop_requested()) throw Interrupted();
        if (Clock::now() >= end) throw still_at_work(process);
        if (notice && std::exchange(reported, process) != process)
            notice(fmt::format("waiting for a script started by an earlier run{}",
                               process.empty() ? "" : fmt::format(" (process {})", process)));
        std::this_thread::sleep_for(kPollInterval);
    }
}

} // namespace hadeploy::local
