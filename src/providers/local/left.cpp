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

/// "" when the process has gone, or is somebody else's.
std::string proc_file(const std::string& process, const char* name) {
    try {
        return read_file("/proc/" + process + "/" + name);
    } catch (const Error&) {
        return "";
    }
}

/// Whether the process is the shell of a script whose hadeploy has gone. That shell leads a group
/// of its own (see core/process.h), in hadeploy's session; what it has begun does not.
bool is_left(const std::string& process, const std::string& lineage) {
    const std::string stat = proc_file(process, "stat");
    const std::size_t name_end = stat.rfind(')'); // the name may hold anything
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

/// The process of one that is left; "" when there is none.
std::string find_left(const std::string& lineage) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") == name.npos && is_left(name, lineage))
            return name;
    }
    return "";
}

std::filesystem::path lock_file(const ProviderContext& setting) {
    return setting.data_dir / "scripts.lock";
}

/// Held by each hadeploy that has begun scripts, for as long as it lives.
std::filesystem::path owners_file(const ProviderContext& setting) {
    return setting.data_dir / "scripts.owners";
}

/// Follows no link, and waits for no FIFO's other end.
/// @param flags  of open(2)
/// @return  no descriptor where there is no such file
Fd open_lock(const std::filesystem::path& path, int flags) {
    Fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!file && errno == ENOENT) return {};
    struct stat info {};
    const int cause = errno; // O_NOFOLLOW has one of its own for a link
    if ((file ? ::fstat(file.get(), &info) : ::lstat(path.c_str(), &info)) != 0)
        throw system_error("look at", path);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::failed,
                    fmt::format("{} is {}, and hadeploy needs a regular file there to lock",
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

/// Whether a script runs whose hadeploy has gone. This process has begun none yet.
bool is_left_locked(const ProviderContext& setting) {
    return !setting.data_dir.empty() && is_locked(lock_file(setting)) &&
           !is_locked(owners_file(setting));
}

Fd shared_lock(const std::filesystem::path& path) {
    Fd file = open_lock(path, O_RDWR | O_CREAT);
    if (!file || ::flock(file.get(), LOCK_SH) != 0) throw system_error("lock", path);
    return file;
}

Error still_at_work(const std::string& process) {
    if (process.empty())
        return Error(ErrorKind::unreachable,
                     "a script that an earlier run began is still at work, in another container or "
                     "as another user: its process cannot be seen from here")
            .with_hint("let it end, or end it where that run was started; then run the command "
                       "again");
    return Error(ErrorKind::unreachable,
                 fmt::format("a script that an earlier run began is still at work (process {})",
                             process))
        .with_hint(
            fmt::format("let it end, or end it with all that it has begun: kill -- -{}; then "
                        "run the command again",
                        process));
}
} // namespace

Fd script_lock(const ProviderContext& setting) {
    std::error_code none;
    if (setting.data_dir.empty() || !std::filesystem::is_directory(setting.data_dir, none))
        return {};
    static const Fd owner = shared_lock(owners_file(setting)); // until this process ends
    return shared_lock(lock_file(setting));
}

std::pair<std::string, std::string> script_mark(const ProviderContext& setting) {
    return {kMark, fmt::format("{} {}", setting.lineage, ::getpid())};
}

void wait_for_left_scripts(const ProviderContext& setting, const Notice& notice) {
    const auto end = Clock::now() + kMostWait;
    std::optional<std::string> redacted;
    for (;;) {
        const bool locked = is_left_locked(setting); // first: who holds it may end in between
        const std::string process = find_left(setting.lineage);
        if (process.empty() && !locked) return;
        if (setting.stop.stop_requested()) throw Interrupted();
        if (Clock::now() >= end) throw still_at_work(process);
        if (notice && std::exchange(redacted, process) != process)
            notice(fmt::format("waiting for a script that an earlier run began{}",
                               process.empty() ? "" : fmt::format(" (process {})", process)));
        std::this_thread::sleep_for(kPollInterval);
    }
}

} // namespace hadeploy::local
