#include "core/own_way.h"

#include "core/hash.h"
#include "core/text.h"

#include <cerrno>
#include <climits>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace hadeploy {

namespace {
constexpr int kMaxLinks = 40; // MAXSYMLINKS of Linux

bool is_trusted_owner(const struct stat& info) {
    return info.st_uid == 0 || info.st_uid == ::geteuid();
}

/// A default ACL of the parent would give others access to a directory of root, and to everything
/// in it.
void remove_inherited_acl(const Fd& directory) {
    for (const char* acl : {"system.posix_acl_access", "system.posix_acl_default"})
        (void)::removexattr(own_name(directory).c_str(), acl); // the directory may have none
}

/// Resolves a path one name at a time.
class PathResolver {
  public:
    explicit PathResolver(const std::filesystem::path& path) : path_(path) { begin(path); }

    /// Opens the object at the end of the path with O_PATH. Returns no descriptor when it does not
    /// exist.
    /// @param make    whether to create missing directories
    /// @param follow  whether to follow a symbolic link at the end too
    Fd resolve(bool make, bool follow) {
        while (!rest_.empty()) {
            const std::string name = std::move(rest_.front());
            rest_.pop_front();
            Fd next(::openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            if (!next && errno == ENOENT && make) {
                const bool made = ::mkdirat(at_.get(), name.c_str(), 0755) == 0;
                if (!made && errno != EEXIST) fail("create");
                next = Fd(::openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
                if (made && next && ::geteuid() == 0) remove_inherited_acl(next);
            }
            if (!next && errno == ENOENT) return {};
            struct stat info {};
            if (!next || ::fstat(next.get(), &info) != 0) fail("open");
            const bool last = rest_.empty();
            if (S_ISLNK(info.st_mode) && (follow || !last)) {
                follow_link(next, info, name);
            } else if (S_ISDIR(info.st_mode)) {
                at_ = std::move(next);
            } else if (last) {
                return next;
            } else {
                errno = ENOTDIR;
                if (!make) return {};
                fail("open");
            }
        }
        return std::move(at_);
    }

  private:
    void begin(const std::filesystem::path& path) {
        if (path.is_absolute() || !at_)
            at_ = Fd(::open(path.is_absolute() ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        std::deque<std::string> names;
        for (const auto& name : path.relative_path())
            if (!name.empty() && name != ".") names.push_back(name.string());
        rest_.insert(rest_.begin(), names.begin(), names.end());
    }

    void follow_link(const Fd& link, const struct stat& info, const std::string& name) {
        struct stat around {};
        if (::fstat(at_.get(), &around) != 0) fail("examine");
        const bool anyone = (around.st_mode & S_IWOTH) != 0 && (around.st_mode & S_ISVTX) == 0;
        if (!is_trusted_owner(info) || !is_trusted_owner(around) || anyone)
            throw Error(
                ErrorKind::conflict,
                fmt::format("{} passes through {}, a symbolic link that another user may have "
                            "created",
                            in_quotes(path_.string(), 4096), in_quotes(name)))
                .with_hint("write the path to which the link points");
        std::string target(PATH_MAX, '\0');
        const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
        if (size < 0) fail("read a link in the path of");
        target.resize(static_cast<std::size_t>(size));
        if (++links_ > kMaxLinks) {
            errno = ELOOP;
            fail("open");
        }
        begin(target);
    }

    [[noreturn]] void fail(std::string_view doing) const { throw system_error(doing, path_); }

    const std::filesystem::path& path_;
    Fd at_;
    std::deque<std::string> rest_;
    int links_ = 0;
};
} // namespace

std::string own_name(const Fd& file) {
    return fmt::format("/proc/self/fd/{}", file.get());
}

Fd open_own_way(const std::filesystem::path& path, bool make) {
    const Fd end = PathResolver(path).resolve(make, true);
    if (!end) return {};
    Fd directory(::openat(end.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory && (make || errno != ENOTDIR)) throw system_error("open", path);
    return directory;
}

std::string read_own_way(const std::filesystem::path& path, std::size_t limit) {
    const Fd file = open_file_own_way(path);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) throw system_error("examine", path);
    if (static_cast<std::size_t>(info.st_size) > limit)
        throw Error(ErrorKind::failed, fmt::format("{} is larger than {} bytes",
                                                   in_quotes(path.string(), 4096), limit));
    return read_file(own_name(file), limit);
}

std::string sha256_own_way(const std::filesystem::path& path) {
    return sha256_file(own_name(open_file_own_way(path)));
}

std::optional<struct stat> look_own_way(const std::filesystem::path& path, bool follow) {
    const Fd end = PathResolver(path).resolve(false, follow);
    if (!end) return std::nullopt;
    struct stat info {};
    if (::fstat(end.get(), &info) != 0) throw system_error("examine", path);
    return info;
}

Fd open_file_own_way(const std::filesystem::path& path) {
    const Fd end = PathResolver(path).resolve(false, true);
    if (!end) {
        errno = ENOENT;
        throw system_error("open", path);
    }
    struct stat info {};
    if (::fstat(end.get(), &info) != 0) throw system_error("examine", path);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::failed,
                    fmt::format("cannot read {}: it is {}", in_quotes(path.string(), 4096),
                                file_type_name(info.st_mode)));
    // Opens the object that was checked, because the path may lead elsewhere by now.
    Fd file(::open(own_name(end).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) throw system_error("open", path);
    return file;
}

void set_mode_in(const Fd& directory, const std::filesystem::path& path, unsigned mode) {
    const std::string name = path.filename();
    const Fd file(::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {
    }, around{};
    if (!file || ::fstat(file.get(), &info) != 0 || ::fstat(directory.get(), &around) != 0)
        throw system_error("examine", path);
    const std::string shown = in_quotes(path.string(), 4096);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::conflict, fmt::format("{} is not a regular file", shown));
    if (info.st_nlink > 1 && !is_trusted_owner(around))
        throw Error(ErrorKind::conflict, fmt::format("{} has further names (hard links)", shown));
    // fchmod() does not accept a descriptor opened with O_PATH.
    if (::chmod(own_name(file).c_str(), mode) != 0) throw system_error("set the mode of", path);
}

} // namespace hadeploy
