#pragma once

#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>

/// A directory that is removed at the end of a test. It is in memory if possible, where syncs are
/// fast and data survives a killed process as well. TMPDIR changes its place.
struct TempDir {
    std::filesystem::path path;
    TempDir() {
        std::filesystem::path base = std::filesystem::temp_directory_path();
        if (getenv("TMPDIR") == nullptr && std::filesystem::is_directory("/dev/shm"))
            base = "/dev/shm";
        std::string name = (base / "hadeploy-test-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path = name;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return path / name; }
};
