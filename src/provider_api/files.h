#pragma once

#include "core/value.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Backups of files: interfaces that few resource types and endpoints have besides their own.
namespace hadeploy {

/// A directory on a machine whose files a backup saves.
struct FilesAt {
    std::string path;
    bool mount_point = false; ///< a file system must be mounted there
};

/// A ResourceType whose objects are directories with files of users.
class HoldsFiles {
  public:
    virtual ~HoldsFiles() = default;
    virtual FilesAt files(const Value& attributes) const = 0;
};

/// Where a compressed tar archive of files is stored in a local file.
struct Archive {
    std::filesystem::path file;
    std::uint64_t offset = 0, size = 0; ///< bytes
    std::string compression;            ///< the program that unpacks it: "zstd" or "gzip"
};

/// The result of saving files.
struct SavedFiles {
    std::string compression;          ///< as in Archive
    std::int64_t entries = 0;         ///< files, directories and others in the directory
    std::vector<std::string> remarks; ///< files that changed while they were read
};

/// An OpenEndpoint that can save and restore files.
class KeepsFiles {
  public:
    virtual ~KeepsFiles() = default;
    /// Saves the files below a directory with owners, modes, ACLs, extended attributes and links,
    /// as a compressed tar archive, of which `take` gets the bytes in order.
    /// @throws Error, Interrupted; the bytes so far are then useless
    virtual SavedFiles save_files(const FilesAt& from,
                                  const std::function<void(std::string_view)>& take) = 0;
    /// Replaces the contents of a directory by such an archive. They change only after everything
    /// was unpacked beside them.
    /// @param overwrite  the directory need not be empty
    /// @throws Error, Interrupted
    virtual void restore_files(const FilesAt& to, const Archive& archive, bool overwrite) = 0;
};

} // namespace hadeploy
