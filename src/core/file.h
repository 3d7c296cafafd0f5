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

/// An open file descriptor, closed on destruction.
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

/// "a directory", "a FIFO", ... for a message about a file that is not a regular file.
std::string_view file_type_name(mode_t mode);

/// Opens a regular file for reading. Refuses FIFOs and devices, so it never blocks.
/// @throws Error(kind)
Fd open_regular(const std::filesystem::path& path, ErrorKind kind = ErrorKind::failed);

/// Reads a regular file of at most `limit` bytes.
/// @throws Error(kind), including when the file is larger
std::string read_file(const std::filesystem::path& path, std::size_t limit = 64u << 20,
                      ErrorKind kind = ErrorKind::failed);

/// The temporary files that killed writers of `file` left beside it. Excludes the files of writers
/// that still run.
std::vector<std::filesystem::path> leftovers_of(const std::filesystem::path& file);

/// Replaces the file atomically: readers see the old or the new contents, even after a crash. On
/// return the new contents are on disk. Sets the mode of an existing file too.
/// @throws Error(failed), leaving the old contents in place
void write_file(const std::filesystem::path& path, std::string_view contents, unsigned mode = 0600);

/// Like write_file(), for a file in an open directory.
/// @throws Error(failed), leaving the old contents in place
void write_file_in(const Fd& directory, const std::filesystem::path& path,
                   std::string_view contents, unsigned mode);

/// Like write_file(), for an existing file: keeps the mode and owner of the file, and follows a
/// symbolic link instead of replacing the link.
/// @throws Error(failed)
void rewrite_file(const std::filesystem::path& path, std::string_view contents);

/// Flushes the directory's entries (created, renamed and removed files) to disk.
/// @throws Error(failed)
void sync_directory(const std::filesystem::path& directory);

} // namespace hadeploy
