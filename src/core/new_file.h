#pragma once

#include "core/file.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hadeploy {

/// A file that is written in pieces, with mode 0600. It gets its name only when it is complete and
/// on disk. Never replaces an existing file. If the object is destroyed before finish(), no file is
/// left.
class NewFile {
  public:
    /// Begins the file. @throws Error(failed), including when the file exists
    explicit NewFile(std::filesystem::path path);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    /// Appends data. @throws Error(failed)
    void append(std::string_view data);
    /// Overwrites the beginning of the file.
    /// @throws Error(failed)
    void rewrite_beginning(std::string_view data);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Gives the file its name. @throws Error(failed), including when a file of this name exists by
    /// now
    void finish();

  private:
    std::filesystem::path path_;
    Fd directory_;
    std::string temporary_; ///< its name until finish()
    Fd fd_;
    std::uint64_t size_ = 0;
};

} // namespace hadeploy
