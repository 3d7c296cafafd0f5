// Preloaded into a real hadeploy, this library ends the process or fails a call at one selected
// point. Points are the calls that make something durable or known: writes, syncs, renames and
// removals of regular files, and the end of a child whose result has not been read yet. The program
// under test is therefore the unmodified one.
//
//   HADEPLOY_FAULT_AT=N     the point, from 1; 0 only counts
//   HADEPLOY_FAULT=kill     sends SIGKILL before the call
//   HADEPLOY_FAULT=ENOSPC   fails the call once with this error; also EIO. Only writes and syncs
//                           below a directory `.hadeploy` (the state) are then points.
//   HADEPLOY_FAULT_COUNT=F  writes the number of points to this file at the end of the process
//
// Power failures, in which the kernel loses unsynced data, are not covered.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Fault {
    long at = 0;
    int error = 0; ///< 0: SIGKILL
    bool active = false;
    std::atomic<long> count = 0;

    Fault() {
        const char* at_text = std::getenv("HADEPLOY_FAULT_AT");
        if (at_text == nullptr || std::strcmp(program_invocation_short_name, "hadeploy") != 0)
            return;
        active = true;
        ::unsetenv("LD_PRELOAD"); // not for hadeploy's children
        at = std::atol(at_text);
        const char* kind = std::getenv("HADEPLOY_FAULT");
        if (kind != nullptr && std::strcmp(kind, "ENOSPC") == 0) error = ENOSPC;
        if (kind != nullptr && std::strcmp(kind, "EIO") == 0) error = EIO;
    }
    ~Fault() {
        const char* file = std::getenv("HADEPLOY_FAULT_COUNT");
        if (!active || file == nullptr) return;
        active = false;
        if (std::FILE* out = std::fopen(file, "w")) {
            std::fprintf(out, "%ld\n", count.load());
            std::fclose(out);
        }
    }
};

Fault& fault() {
    static Fault the;
    return the;
}
[[gnu::constructor]] void begin() {
    fault();
}

/// Counts a point; returns whether the call has to fail, or does not return if the process is
/// killed.
bool point() {
    Fault& f = fault();
    if (!f.active || ++f.count != f.at) return false;
    if (f.error == 0) ::raise(SIGKILL);
    errno = f.error;
    return true;
}

bool is_regular(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

bool is_state(int fd) {
    char link[64], path[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = ::readlink(link, path, sizeof path - 1);
    if (n <= 0) return false;
    path[n] = '\0';
    return std::strstr(path, "/.hadeploy/") != nullptr;
}

bool at_file(int fd) {
    const int kept = errno;
    Fault& f = fault();
    const bool counts = f.active && is_regular(fd) && (f.error == 0 || is_state(fd));
    errno = kept;
    return counts && point();
}

bool at_name() {
    Fault& f = fault();
    return f.active && f.error == 0 && point();
}

template<class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
    return at_file(fd) ? -1 : real(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    return at_file(fd) ? -1 : real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    return at_file(fd) ? -1 : real(fd, data, size, at);
}
int fsync(int fd) {
    static const auto real = next<int (*)(int)>("fsync");
    return at_file(fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
    static const auto real = next<int (*)(int)>("fdatasync");
    return at_file(fd) ? -1 : real(fd);
}
int ftruncate64(int fd, off64_t size) {
    static const auto real = next<int (*)(int, off64_t)>("ftruncate64");
    return at_file(fd) ? -1 : real(fd, size);
}
int rename(const char* from, const char* to) {
    static const auto real = next<int (*)(const char*, const char*)>("rename");
    return at_name() ? -1 : real(from, to);
}
int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) {
    static const auto real =
        next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
    return at_name() ? -1 : real(from_at, from, to_at, to, flags);
}
int renameat(int from_at, const char* from, int to_at, const char* to) {
    static const auto real = next<int (*)(int, const char*, int, const char*)>("renameat");
    return at_name() ? -1 : real(from_at, from, to_at, to);
}
int unlinkat(int at, const char* path, int flags) {
    static const auto real = next<int (*)(int, const char*, int)>("unlinkat");
    return at_name() ? -1 : real(at, path, flags);
}
int unlink(const char* path) {
    static const auto real = next<int (*)(const char*)>("unlink");
    return at_name() ? -1 : real(path);
}
pid_t waitpid(pid_t pid, int* status, int options) {
    static const auto real = next<pid_t (*)(pid_t, int*, int)>("waitpid");
    const pid_t ended = real(pid, status, options);
    if (ended > 0) at_name();
    return ended;
}

} // extern "C"
