#include "core/new_file.h"

#include "core/hash.h"
#include "core/text.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy {

namespace {
Error is_there(const std::filesystem::path& path) {
    return Error(ErrorKind::failed,
                 fmt::format("{} exists already", in_quotes(path.string(), 4096)))
        .with_hint("choose a different name, or remove it first");
}
} // namespace

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)) {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) == 0) throw is_there(path_);
    const auto parent = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    directory_ = Fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory_) throw system_error("create a file in", parent);
    for (const auto& leftover : leftovers_of(path_)) // removes the file of a killed writer
        ::unlinkat(directory_.get(), leftover.filename().c_str(), 0);
    constexpr std::size_t token = 8; // random bytes in the form that leftovers_of() expects
    temporary_ = fmt::format(".{}.{}", path_.filename().string(), hex(random_bytes(token)));
    fd_ = Fd(::openat(directory_.get(), temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                      0600));
    if (!fd_) throw system_error("create a file in", parent);
    (void)::flock(fd_.get(), LOCK_EX | LOCK_NB); // see leftovers_of()
}

NewFile::~NewFile() {
    if (fd_) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

void NewFile::append(std::string_view data) {
    while (!data.empty()) {
        const ssize_t n = ::write(fd_.get(), data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw system_error("write", path_);
        size_ += static_cast<std::uint64_t>(n);
        data.remove_prefix(static_cast<std::size_t>(n));
    }
}

void NewFile::rewrite_beginning(std::string_view data) {
    const ssize_t n = ::pwrite(fd_.get(), data.data(), data.size(), 0);
    if (n != static_cast<ssize_t>(data.size())) throw system_error("write", path_);
}

void NewFile::finish() {
    if (::fsync(fd_.get()) != 0) throw system_error("write", path_);
    const std::string name = path_.filename().string();
    int failed = ::renameat2(directory_.get(), temporary_.c_str(), directory_.get(), name.c_str(),
                             RENAME_NOREPLACE);
    if (failed != 0 && errno == EEXIST) throw is_there(path_);
    if (failed != 0 && errno == EINVAL) // this file system does not support RENAME_NOREPLACE
        failed = ::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name.c_str());
    if (failed != 0) throw system_error("create", path_);
    fd_.reset();
    if (::fsync(directory_.get()) != 0) throw system_error("write the directory of", path_);
}

} // namespace hadeploy
