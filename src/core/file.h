#pragma once

#include "core/error.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace hadeploy {

/// An open file descriptor, closed at the end of its life.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Fd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    void reset(int fd = -1);

  private:
    int fd_ = -1;
};

/// "cannot open /a/b: No such file or directory", from errno.
Error system_error(std::string_view doing, const std::filesystem::path& path,
                   ErrorKind kind = ErrorKind::failed);

/// "a directory", "a FIFO", ...: for what is no regular file.
std::string_view file_type_name(mode_t mode);

/// Opens a regular file for reading. Never waits: a FIFO or a device is refused, not opened.
/// @throws Error(kind)
Fd open_regular(const std::filesystem::path& path, ErrorKind kind = ErrorKind::failed);

/// The whole of a regular file that is not larger than `limit` bytes.
/// @throws Error(kind)
std::string read_file(const std::filesystem::path& path, std::size_t limit = 64u << 20,
                      ErrorKind kind = ErrorKind::failed);

/// What writers of the file that were killed have left beside it. A live writer's is not among it.
std::vector<std::filesystem::path> leftovers_of(const std::filesystem::path& file);

/// Replaces the file's contents: whoever reads it sees the old or the new ones, even after a crash.
/// When it returns the new ones are on the disk. The file gets `mode`, whatever it had before.
/// @throws Error(failed); the old contents are then still there
void write_file(const std::filesystem::path& path, std::string_view contents, unsigned mode = 0600);

/// The same for a file that is there already: it keeps its mode and owner, and a link to it stays a
/// link.
/// @throws Error(failed)
void rewrite_file(const std::filesystem::path& path, std::string_view contents);

/// Makes the directory's entries (files made, renamed, removed) durable.
/// @throws Error(failed)
void sync_directory(const std::filesystem::path& directory);

} // namespace hadeploy
