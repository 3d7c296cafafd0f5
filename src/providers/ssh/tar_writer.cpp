#include "providers/ssh/tar_writer.h"

#include "core/hash.h"

#include <fmt/format.h>
#include <unistd.h>

namespace hadeploy::ssh::docker {

namespace {
constexpr std::size_t kCopied = 1 << 20;
} // namespace

TarWriter::TarWriter(const std::filesystem::path& path, Format format)
    : file_(path), writer_(archive_write_new()) {
    check(format == Format::gnu ? archive_write_set_format_gnutar(writer_.get())
                                : archive_write_set_format_pax_restricted(writer_.get()));
    archive_write_set_bytes_in_last_block(writer_.get(), 1);
    check(archive_write_open(writer_.get(), this, nullptr, append, nullptr));
}

void TarWriter::directory(const std::string& path, unsigned mode) {
    check(archive_write_header(writer_.get(), entry(path, AE_IFDIR, mode, 0).get()));
}

void TarWriter::text(const std::string& path, std::string_view content, unsigned mode) {
    check(archive_write_header(writer_.get(), entry(path, AE_IFREG, mode, content.size()).get()));
    data(content);
}

void TarWriter::link(const std::string& path, const std::string& target) {
    const Entry link = entry(path, AE_IFLNK, 0777, 0);
    archive_entry_set_symlink(link.get(), target.c_str());
    check(archive_write_header(writer_.get(), link.get()));
}

void TarWriter::copy(const std::string& path, const std::filesystem::path& source, unsigned mode) {
    copy(path, open_regular(source), std::filesystem::file_size(source), mode);
}

std::string TarWriter::copy(const std::string& path, const Fd& source, std::uint64_t size,
                            unsigned mode) {
    check(archive_write_header(writer_.get(), entry(path, AE_IFREG, mode, size).get()));
    std::string block(kCopied, '\0');
    std::uint64_t copied = 0;
    Sha256 digest;
    for (ssize_t n = 0; (n = ::read(source.get(), block.data(), block.size())) != 0;) {
        if (n < 0) throw system_error("read", path);
        const std::string_view bytes(block.data(), static_cast<std::size_t>(n));
        data(bytes);
        digest.update(bytes);
        copied += bytes.size();
    }
    if (copied != size)
        throw Error(ErrorKind::failed, fmt::format("{} changed while it was read", path));
    return hex(digest.finish());
}

void TarWriter::copy(const std::string& path, struct archive* source, std::uint64_t size) {
    check(archive_write_header(writer_.get(), entry(path, AE_IFREG, 0644, size).get()));
    std::string block(kCopied, '\0');
    for (la_ssize_t n = 0; (n = archive_read_data(source, block.data(), block.size())) != 0;) {
        if (n < 0)
            throw Error(ErrorKind::failed,
                        fmt::format("{} cannot be read: {}", path, archive_error_string(source)));
        data(std::string_view(block.data(), static_cast<std::size_t>(n)));
    }
}

void TarWriter::finish() {
    check(archive_write_close(writer_.get()));
    file_.finish();
}

la_ssize_t TarWriter::append(archive*, void* self, const void* data, std::size_t size) {
    auto& out = *static_cast<TarWriter*>(self);
    try {
        out.file_.append({static_cast<const char*>(data), size});
        return static_cast<la_ssize_t>(size);
    } catch (const Error& error) { // an exception must not pass through libarchive
        out.failure_ = error;
        return -1;
    }
}

TarWriter::Entry TarWriter::entry(const std::string& path, unsigned type, unsigned mode,
                                  std::uint64_t size) {
    Entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), static_cast<__LA_MODE_T>(mode));
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    return entry;
}

void TarWriter::data(std::string_view bytes) {
    if (archive_write_data(writer_.get(), bytes.data(), bytes.size()) < 0) check(ARCHIVE_FATAL);
}

void TarWriter::check(int code) {
    if (code == ARCHIVE_OK) return;
    if (failure_) throw *failure_;
    const char* reason = archive_error_string(writer_.get());
    throw Error(ErrorKind::failed,
                fmt::format("cannot write a tar file: {}", reason ? reason : "no reason"));
}

} // namespace hadeploy::ssh::docker
