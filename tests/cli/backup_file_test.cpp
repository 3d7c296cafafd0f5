// The file format of backups: the content is read as written, and damage is found.
#include "cli/backup/backup_file.h"
#include "core/file.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>

using namespace hadeploy;
using namespace hadeploy::cli;
namespace fs = std::filesystem;

namespace {
struct Directory {
    Directory() {
        std::string pattern = (fs::temp_directory_path() / "hadeploy-backup-XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    ~Directory() { fs::remove_all(path); }
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(path), fs::directory_iterator()));
    }
    fs::path path;
};

Manifest written(const fs::path& file, std::string_view content,
                 const std::string& compression = "zstd") {
    BackupWriter writer(file);
    for (std::size_t at = 0; at < content.size(); at += 700) writer.append(content.substr(at, 700));
    Manifest manifest{.project = "p",
                      .lineage = "l",
                      .address = "a[\"\xc3\xbc\"]",
                      .type = "host.directory",
                      .path = "/srv",
                      .time = "now",
                      .compression = compression,
                      .entries = 7,
                      .changed = true};
    writer.finish(manifest);
    return manifest;
}
} // namespace

TEST_CASE("backup files: the content is read as written") {
    const Directory directory;
    for (const std::size_t size : {0, 1, 511, 512, 513, 5000}) {
        const fs::path file = directory.path / std::to_string(size);
        const std::string content(size, 'x');
        const Manifest manifest = written(file, content, size % 2 == 0 ? "zstd" : "gzip");
        CHECK(manifest.size == size);
        CHECK(manifest.sha256 == sha256_hex(content));
        const Backup read = open_backup(file);
        CHECK(read.archive.size == size);
        CHECK(read.archive.compression == manifest.compression);
        CHECK(read_file(file).substr(read.archive.offset, size) == content);
        CHECK(read.manifest.address == manifest.address);
        CHECK(read.manifest.entries == 7);
        CHECK(read.manifest.changed);
        CHECK(fs::status(file).permissions() == fs::perms(0600));
    }
}

TEST_CASE("backup files: every changed byte that matters, and every shorter file, is found") {
    const Directory directory;
    const fs::path file = directory.path / "good", bad = directory.path / "bad";
    const std::string content(1000, 'x');
    written(file, content);
    const std::string good = read_file(file);
    const std::size_t manifest = 512 + 1024; // its header
    const std::size_t end = good.find('}') + 1;
    for (std::size_t at = 0; at < manifest; ++at) {
        const bool after_sum = at == 154 || at == 155;
        if (after_sum || at >= 512 + content.size()) continue; // padding
        std::string flipped = good;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        write_file(bad, flipped);
        CHECK_THROWS_AS_MESSAGE(open_backup(bad), Error, at);
    }
    for (std::size_t size = 0; size < end; ++size) {
        write_file(bad, good.substr(0, size));
        CHECK_THROWS_AS_MESSAGE(open_backup(bad), Error, size);
    }
    write_file(bad, good.substr(0, end)); // only padding is missing
    CHECK(open_backup(bad).archive.size == content.size());
}

TEST_CASE("backup files: an unfinished one leaves nothing, an existing one is kept") {
    const Directory directory;
    const fs::path file = directory.path / "file";
    {
        BackupWriter writer(file);
        writer.append("half");
        CHECK_FALSE(fs::exists(file));
        CHECK(directory.count() == 1); // a temporary file
    }
    CHECK(directory.count() == 0);
    {
        BackupWriter writer(file);
        write_file(file, "made meanwhile");
        Manifest manifest;
        CHECK_THROWS_AS(writer.finish(manifest), Error);
    }
    CHECK(read_file(file) == "made meanwhile");
    CHECK_THROWS_AS(BackupWriter{file}, Error);
    CHECK(directory.count() == 1);
}

TEST_CASE("backup files: sizes beyond 8 GiB") {
    const Directory directory;
    const fs::path file = directory.path / "sparse";
    const std::uint64_t size = (std::uint64_t{1} << 33) + 5;
    written(file, "x");
    std::string header = read_file(file).substr(0, 512);
    header.replace(124, 12, std::string("\x80\0\0\0\0\0\0\x02\0\0\0\x05", 12));
    header.replace(148, 8, 8, ' ');
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    header.replace(148, 7, std::string_view(text, 7));
    write_file(file, header);
    try {
        (void)open_backup(file);
        CHECK(false);
    } catch (const Error& error) { // read as a size, not as junk
        CHECK(error.message.find("it is truncated") != std::string::npos);
    }
    CHECK(size > fs::file_size(file));
}
