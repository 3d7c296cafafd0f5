#include "core/file.h"

#include "core/hash.h"
#include "core/text.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>

namespace hadeploy {

namespace {
void write_all(int fd, std::string_view data, const std::filesystem::path& path) {
    while (!data.empty()) {
        const ssize_t n = ::write(fd, data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw system_error("write", path);
        data.remove_prefix(static_cast<std::size_t>(n));
    }
}

/// Removes a file on destruction unless it was renamed to its final name.
struct Temporary {
    int directory;
    std::string name;
    bool kept = false;
    ~Temporary() {
        if (!kept) ::unlinkat(directory, name.c_str(), 0);
    }
};
} // namespace

std::string_view file_type_name(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a directory";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFLNK: return "a symbolic link";
    case S_IFCHR:
    case S_IFBLK: return "a device";
    default: return "not a regular file";
    }
}

void Fd::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Error system_error(std::string_view doing, const std::filesystem::path& path, ErrorKind kind) {
    const int number = errno;
    return {kind, fmt::format("cannot {} {}: {}", doing, in_quotes(path.string(), 4096),
                              std::generic_category().message(number))};
}

Fd open_regular(const std::filesystem::path& path, ErrorKind kind) {
    // Without O_NONBLOCK, opening a FIFO would block until it has a writer.
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) throw system_error("open", path, kind);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("examine", path, kind);
    if (!S_ISREG(info.st_mode))
        throw Error(kind, fmt::format("cannot read {}: it is {}", in_quotes(path.string(), 4096),
                                      file_type_name(info.st_mode)));
    return fd;
}

std::string read_file(const std::filesystem::path& path, std::size_t limit, ErrorKind kind) {
    const Fd fd = open_regular(path, kind);
    std::string out;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw system_error("read", path, kind);
        if (n == 0) return out;
        out.append(buffer, static_cast<std::size_t>(n));
        if (out.size() > limit)
            throw Error(kind, fmt::format("{} is larger than {} bytes",
                                          in_quotes(path.string(), 4096), limit));
    }
}

namespace {
constexpr std::size_t kTokenDigits = 16;

std::filesystem::path directory_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}
std::string leftover_prefix(const std::filesystem::path& file) {
    return fmt::format(".{}.", file.filename().string());
}
} // namespace

std::vector<std::filesystem::path> leftovers_of(const std::filesystem::path& file) {
    const std::string prefix = leftover_prefix(file);
    std::vector<std::filesystem::path> out;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory_of(file), ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(prefix) || name.size() != prefix.size() + kTokenDigits ||
            !unhex(std::string_view(name).substr(prefix.size())))
            continue;
        const Fd fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) out.push_back(entry.path());
    }
    return out;
}

namespace {
/// Removes leftovers_of() a file relative to its open directory.
void remove_leftovers(const Fd& directory, const std::filesystem::path& path) {
    for (const auto& leftover : leftovers_of(path))
        ::unlinkat(directory.get(), leftover.filename().c_str(), 0);
}

void replace_file(const Fd& directory, const std::filesystem::path& path, std::string_view contents,
                  unsigned mode, uid_t user, gid_t group) {
    remove_leftovers(directory, path);
    Temporary temporary{directory.get(),
                        leftover_prefix(path) + hex(random_bytes(kTokenDigits / 2))};
    const Fd fd(::openat(directory.get(), temporary.name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) throw system_error("create a file beside", path);
    (void)::flock(fd.get(), LOCK_EX | LOCK_NB); // see leftovers_of()
    struct stat around {};
    if (::fstat(directory.get(), &around) != 0)
        throw system_error("examine the directory of", path);
    // A default ACL of the directory would give other users access to a file of root, and the owner
    // of the directory access to another user's file in it.
    if (::geteuid() == 0 || (around.st_uid != 0 && around.st_uid != ::geteuid()))
        (void)::fremovexattr(fd.get(), "system.posix_acl_access");
    write_all(fd.get(), contents, path);
    if (::fchown(fd.get(), user, group) != 0) throw system_error("set the owner of", path);
    if (::fchmod(fd.get(), mode) != 0) throw system_error("set the mode of", path);
    if (::fsync(fd.get()) != 0) throw system_error("write", path);
    if (::renameat(directory.get(), temporary.name.c_str(), directory.get(),
                   path.filename().c_str()) != 0)
        throw system_error("replace", path);
    temporary.kept = true;
    if (::fsync(directory.get()) != 0) throw system_error("write the directory of", path);
}

Fd open_directory_of(const std::filesystem::path& path) {
    Fd directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) throw system_error("create a file beside", path);
    return directory;
}
} // namespace

void write_file(const std::filesystem::path& path, std::string_view contents, unsigned mode) {
    write_file_in(open_directory_of(path), path, contents, mode);
}

void write_file_in(const Fd& directory, const std::filesystem::path& path,
                   std::string_view contents, unsigned mode) {
    replace_file(directory, path, contents, mode, static_cast<uid_t>(-1), static_cast<gid_t>(-1));
}

void rewrite_file(const std::filesystem::path& path, std::string_view contents) {
    std::error_code error;
    const auto target = std::filesystem::canonical(path, error);
    if (error) errno = error.value();
    struct stat info {};
    if (error || ::stat(target.c_str(), &info) != 0) throw system_error("examine", path);
    replace_file(open_directory_of(target), target, contents, info.st_mode & 07777u, info.st_uid,
                 info.st_gid);
}

void sync_directory(const std::filesystem::path& directory) {
    const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) throw system_error("write the directory", directory);
}

} // namespace hadeploy
