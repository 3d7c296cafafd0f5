#pragma once

#include "core/hash.h"
#include "core/new_file.h"
#include "provider_api/files.h"

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace hadeploy::cli {

// A backup is a tar file with two members: the compressed archive of the files, and a manifest. So
// it can be opened without hadeploy. The manifest comes last, because it contains the checksum of
// the archive. The tar header of the archive is completed when the size of the archive is known.

/// What a backup contains.
struct Manifest {
    std::string project, lineage; ///< of the state
    std::string address, type, path;
    std::string time; ///< when it was made: timestamp()
    std::string compression;
    std::string sha256; ///< of the compressed archive
    std::uint64_t size = 0;
    std::int64_t entries = 0;
    bool changed = false; ///< files changed while they were read
};

/// Writes a backup.
class BackupWriter {
  public:
    /// @throws Error(failed), including when the file exists
    explicit BackupWriter(const std::filesystem::path& file);
    /// A piece of the compressed archive.
    /// @throws Error(failed)
    void append(std::string_view piece);
    /// Completes the file. Sets size and checksum in the manifest.
    /// @throws Error(failed)
    void finish(Manifest& manifest);

  private:
    NewFile file_;
    Sha256 sum_;
};

/// A backup whose checksum was verified.
struct Backup {
    Manifest manifest;
    Archive archive;
};

/// Opens a backup and verifies it.
/// @throws Error(failed) if the file is not a backup, or is damaged or incomplete; Interrupted
Backup open_backup(const std::filesystem::path& file);

} // namespace hadeploy::cli
