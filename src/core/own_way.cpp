#include "core/own_way.h"

#include "core/hash.h"
#include "core/text.h"

#include <cerrno>
#include <climits>
#include <deque>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy {

namespace {
constexpr int kMostLinks = 40; // as the kernel has it

bool ours(const struct stat& info) {
    return info.st_uid == 0 || info.st_uid == ::geteuid();
}

/// A way that is walked one name at a time.
class Way {
  public:
    explicit Way(const std::filesystem::path& path) : path_(path) { begin(path); }

    Fd walk(bool make) {
        while (!rest_.empty()) {
            const std::string name = std::move(rest_.front());
            rest_.pop_front();
            Fd next(::openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            if (!next && errno == ENOENT && make) {
                if (::mkdirat(at_.get(), name.c_str(), 0755) != 0 && errno != EEXIST) fail("make");
                next = Fd(::openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            }
            if (!next && errno == ENOENT) return {};
            struct stat info {};
            if (!next || ::fstat(next.get(), &info) != 0) fail("open");
            if (S_ISLNK(info.st_mode)) {
                follow(next, info, name);
            } else if (!S_ISDIR(info.st_mode)) {
                errno = ENOTDIR;
                if (!make) return {};
                fail("open");
            } else {
                at_ = std::move(next);
            }
        }
        Fd directory(::openat(at_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!directory) fail("open");
        return directory;
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

    void follow(const Fd& link, const struct stat& info, const std::string& name) {
        struct stat around {};
        if (::fstat(at_.get(), &around) != 0) fail("look at");
        const bool anyone = (around.st_mode & S_IWOTH) != 0 && (around.st_mode & S_ISVTX) == 0;
        if (!ours(info) || !ours(around) || anyone)
            throw Error(ErrorKind::conflict,
                        fmt::format("{} leads over {}, a symbolic link that another user may have "
                                    "put there",
                                    in_quotes(path_.string(), 4096), in_quotes(name)))
                .with_hint("write the path that it leads to");
        std::string target(PATH_MAX, '\0');
        const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
        if (size < 0) fail("read a link on the way to");
        target.resize(static_cast<std::size_t>(size));
        if (++links_ > kMostLinks) {
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

Fd open_own_way(const std::filesystem::path& path, bool make) {
    return Way(path).walk(make);
}

void set_mode_in(const Fd& directory, const std::filesystem::path& path, unsigned mode) {
    const std::string name = path.filename();
    const Fd file(::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {
    }, around{};
    if (!file || ::fstat(file.get(), &info) != 0 || ::fstat(directory.get(), &around) != 0)
        throw system_error("look at", path);
    const std::string shown = in_quotes(path.string(), 4096);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::conflict, fmt::format("{} is not a regular file", shown));
    if (info.st_nlink > 1 && !ours(around))
        throw Error(ErrorKind::conflict, fmt::format("{} has more names (hard links)", shown));
    // The kernel's name for what is open; a descriptor without access has no fchmod().
    if (::chmod(fmt::format("/proc/self/fd/{}", file.get()).c_str(), mode) != 0)
        throw system_error("set the mode of", path);
}

} // namespace hadeploy
