// The format of tar: POSIX.1-1988 ("ustar"); a size of 8 GiB or more is stored as GNU tar does, in
// base 256.
#include "cli/backup/backup_file.h"

#include "core/clock.h"
#include "core/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
constexpr std::string_view kFormat = "hadeploy backup 1", kManifest = "manifest.json";
constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kMostOctal = std::uint64_t{1} << 33;
constexpr std::uint64_t kMostManifest = 1 << 20;

struct Field {
    std::size_t at, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUser{108, 8}, kGroup{116, 8}, kSize{124, 12},
    kTime{136, 12}, kSum{148, 8};

void put(std::string& header, Field field, std::string_view text) {
    header.replace(field.at, text.size(), text);
}
void put_octal(std::string& header, Field field, std::uint64_t value) {
    put(header, field, fmt::format("{:0{}o}", value, field.size - 1));
}

/// The sum of the bytes, with spaces in the checksum's own field.
unsigned sum_of(std::string_view header) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < header.size(); ++i)
        sum +=
            i >= kSum.at && i < kSum.at + kSum.size ? ' ' : static_cast<unsigned char>(header[i]);
    return sum;
}

std::string header_of(std::string_view name, std::uint64_t size) {
    std::string out(kBlock, '\0');
    put(out, kName, name);
    put_octal(out, kMode, 0600);
    put_octal(out, kUser, 0);
    put_octal(out, kGroup, 0);
    if (size < kMostOctal) {
        put_octal(out, kSize, size);
    } else {
        out[kSize.at] = '\x80';
        for (std::size_t i = 0; i < 8; ++i)
            out[kSize.at + kSize.size - 1 - i] = static_cast<char>(size >> (8 * i) & 0xff);
    }
    put_octal(out, kTime, static_cast<std::uint64_t>(now_ms() / 1000));
    out[156] = '0'; // a regular file
    put(out, {257, 8}, std::string_view("ustar\00000", 8));
    put(out, kSum, fmt::format("{:06o}", sum_of(out)) + std::string("\0 ", 2));
    return out;
}

std::string padding_of(std::uint64_t size) {
    return std::string((kBlock - size % kBlock) % kBlock, '\0');
}

Error damaged(const std::filesystem::path& file, std::string_view why) {
    return Error(ErrorKind::failed,
                 fmt::format("{} is damaged: {}", in_quotes(file.string(), 4096), why))
        .with_hint("nothing was changed; use another backup");
}

Error no_backup(const std::filesystem::path& file) {
    return Error(ErrorKind::failed,
                 fmt::format("{} is not a backup made by hadeploy", in_quotes(file.string(), 4096)))
        .with_hint("nothing was changed");
}

/// Reads a backup from its beginning.
class Reader {
  public:
    explicit Reader(const std::filesystem::path& path) : path_(path), fd_(open_regular(path)) {}

    struct Member {
        std::string name;
        std::uint64_t size = 0;
    };
    /// The header of the next member; no name at the end.
    Member next() {
        const std::string header = read(kBlock);
        if (header.size() != kBlock) return {};
        const std::string text = header.substr(kSum.at, 6);
        if (text != fmt::format("{:06o}", sum_of(header))) return {};
        Member out{header.substr(0, header.find('\0')), 0};
        if (header[kSize.at] == '\x80') {
            for (std::size_t i = 4; i < kSize.size; ++i)
                out.size = out.size << 8 | static_cast<unsigned char>(header[kSize.at + i]);
        } else {
            for (std::size_t i = 0; i + 1 < kSize.size; ++i)
                out.size = out.size << 3 | static_cast<unsigned>(header[kSize.at + i] - '0');
        }
        return out;
    }
    /// The digest of the next bytes; "" if there are fewer than asked for.
    std::string digest(std::uint64_t size) {
        Sha256 sum;
        for (std::uint64_t left = size; left > 0;) {
            constexpr std::uint64_t piece = 1 << 20;
            const std::string data = read(std::min(left, piece));
            if (data.empty()) return "";
            if (stop_hashing) throw Interrupted();
            sum.update(data);
            left -= data.size();
        }
        return hex(sum.finish());
    }
    /// At most this number of bytes.
    std::string read(std::uint64_t size) {
        std::string out(size, '\0');
        std::size_t filled = 0;
        while (filled < out.size()) {
            const ssize_t n = ::read(fd_.get(), out.data() + filled, out.size() - filled);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw system_error("read", path_);
            if (n == 0) break;
            filled += static_cast<std::size_t>(n);
        }
        out.resize(filled);
        return out;
    }

  private:
    const std::filesystem::path& path_;
    Fd fd_;
};

std::string name_of(std::string_view compression) {
    return fmt::format("files.tar.{}", compression == "zstd" ? "zst" : "gz");
}

nlohmann::json json_of(const Manifest& m) {
    return {{"format", kFormat},    {"project", m.project},
            {"lineage", m.lineage}, {"address", m.address},
            {"type", m.type},       {"path", m.path},
            {"time", m.time},       {"compression", m.compression},
            {"size", m.size},       {"sha256", m.sha256},
            {"entries", m.entries}, {"changed", m.changed}};
}

/// @throws nlohmann::json::exception
Manifest manifest_of(const nlohmann::json& json) {
    const auto text = [&](const char* key) { return json.at(key).get<std::string>(); };
    return {.project = text("project"),
            .lineage = text("lineage"),
            .address = text("address"),
            .type = text("type"),
            .path = text("path"),
            .time = text("time"),
            .compression = text("compression"),
            .sha256 = text("sha256"),
            .size = json.at("size").get<std::uint64_t>(),
            .entries = json.at("entries").get<std::int64_t>(),
            .changed = json.at("changed").get<bool>()};
}
} // namespace

BackupWriter::BackupWriter(const std::filesystem::path& file) : file_(file) {
    file_.append(std::string(kBlock, '\0')); // the header, written by finish()
}

void BackupWriter::append(std::string_view piece) {
    sum_.update(piece);
    file_.append(piece);
}

void BackupWriter::finish(Manifest& manifest) {
    manifest.size = file_.size() - kBlock;
    manifest.sha256 = hex(sum_.finish());
    file_.append(padding_of(manifest.size));
    const std::string text = json_of(manifest).dump(2) + "\n";
    file_.append(header_of(kManifest, text.size()) + text + padding_of(text.size()));
    file_.append(std::string(2 * kBlock, '\0')); // the end of a tar file
    file_.rewrite_beginning(header_of(name_of(manifest.compression), manifest.size));
    file_.finish();
}

Backup open_backup(const std::filesystem::path& file) {
    Reader reader(file);
    const Reader::Member files = reader.next();
    if (files.name != name_of("zstd") && files.name != name_of("gzip")) throw no_backup(file);
    const std::string sum = reader.digest(files.size);
    (void)reader.read(padding_of(files.size).size());
    const Reader::Member manifest = sum.empty() ? Reader::Member{} : reader.next();
    if (manifest.name != kManifest || manifest.size > kMostManifest)
        throw damaged(file, "it is truncated");
    Backup out;
    try {
        const auto json = nlohmann::json::parse(reader.read(manifest.size));
        if (json.at("format").get<std::string>() != kFormat) throw no_backup(file);
        out.manifest = manifest_of(json);
    } catch (const nlohmann::json::exception&) {
        throw damaged(file, "its manifest cannot be read");
    }
    if (out.manifest.sha256 != sum || out.manifest.size != files.size ||
        files.name != name_of(out.manifest.compression))
        throw damaged(file, "the checksum of the files differs from the checksum in its manifest");
    out.archive = {file, kBlock, files.size, out.manifest.compression == "zstd" ? "zstd" : "gzip"};
    return out;
}

} // namespace hadeploy::cli
