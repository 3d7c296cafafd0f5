#include "providers/ssh/image_layers.h"

#include "core/hash.h"
#include "embedded/scripts.h"
#include "provider_api/local_build.h"
#include "providers/ssh/host.h"
#include "providers/ssh/image_archive.h"
#include "providers/ssh/tar_writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace hadeploy::ssh::docker {

namespace fs = std::filesystem;

namespace {

/// Fewer bytes are not worth another file.
constexpr std::uintmax_t kLeastGain = 1 << 20;

std::vector<std::string> texts_in(const nlohmann::json& list) {
    std::vector<std::string> out;
    if (list.is_array())
        for (const auto& one : list)
            if (one.is_string()) out.push_back(one.get<std::string>());
    return out;
}

/// How many of the lowest layers the host has: those in common with one of its images.
std::size_t layers_on_host(const std::vector<std::string>& layers, std::string_view known) {
    std::size_t most = 0;
    for (const std::string& image : lines(known)) {
        const std::vector<std::string> there = words(image);
        const auto [end, unused] =
            std::mismatch(layers.begin(), layers.end(), there.begin(), there.end());
        most = std::max(most, static_cast<std::size_t>(end - layers.begin()));
    }
    return most;
}

/// The files of layers in the archive that do not have to be sent.
std::set<std::string, std::less<>> files_to_omit(const fs::path& archive, std::string_view known) {
    const auto manifest =
        nlohmann::json::parse(text_in_archive(archive.string(), "manifest.json"), nullptr, false);
    if (!manifest.is_array() || manifest.size() != 1) return {};
    const std::vector<std::string> files = texts_in(manifest[0].value("Layers", nlohmann::json()));
    const auto config = nlohmann::json::parse(
        text_in_archive(archive.string(), manifest[0].value("Config", "")), nullptr, false);
    const auto root = config.is_object() ? config.value("rootfs", nlohmann::json::object())
                                         : nlohmann::json::object();
    const std::vector<std::string> layers = texts_in(root.value("diff_ids", nlohmann::json()));
    if (files.size() != layers.size()) return {};
    const auto end = files.begin() + static_cast<std::ptrdiff_t>(layers_on_host(layers, known));
    std::set<std::string, std::less<>> out(files.begin(), end);
    for (auto needed = end; needed != files.end(); ++needed) out.erase(*needed);
    return out;
}

/// Copies the entries of an archive except the omitted ones.
/// @returns false if it contains links, which may lead to an omitted file
bool copy_without(const fs::path& archive, const std::set<std::string, std::less<>>& omitted,
                  TarWriter& out) {
    const std::unique_ptr<struct archive, Freed<archive_read_free>> reader(archive_read_new());
    archive_read_support_format_tar(reader.get());
    archive_read_support_filter_all(reader.get());
    if (archive_read_open_filename(reader.get(), archive.c_str(), 1 << 16) != ARCHIVE_OK)
        throw system_error("open", archive);
    archive_entry* entry = nullptr;
    for (int status = 0;
         (status = archive_read_next_header(reader.get(), &entry)) != ARCHIVE_EOF;) {
        if (status < ARCHIVE_WARN)
            throw Error(ErrorKind::failed,
                        fmt::format("{} is not a complete tar file", archive.string()));
        const std::string name = archive_entry_pathname(entry);
        const auto type = archive_entry_filetype(entry);
        if (archive_entry_hardlink(entry) != nullptr || (type != AE_IFREG && type != AE_IFDIR))
            return false;
        if (omitted.contains(name)) continue;
        if (type == AE_IFDIR)
            out.directory(name);
        else
            out.copy(name, reader.get(), static_cast<std::uint64_t>(archive_entry_size(entry)));
    }
    out.finish();
    return true;
}

} // namespace

std::string_view known_layers() {
    return scripts::docker_image_layers;
}

fs::path without_known_layers(const fs::path& archive, std::string_view known,
                              const fs::path& cache_dir) {
    std::set<std::string, std::less<>> omitted;
    try {
        omitted = files_to_omit(archive, known);
    } catch (const Error&) { // an incomplete archive: Docker reports it
    }
    if (omitted.empty()) return archive;
    const fs::path cache = cache_dir / "docker-images";
    fs::create_directories(cache);
    std::string parts = image_in_archive(archive.string()).id;
    for (const std::string& file : omitted) parts += "\n" + file;
    const fs::path smaller = cache / (sha256_hex(parts) + ".part");
    const BuildLock lock(fs::path(smaller).replace_extension(".part.lock"), {});
    if (!fs::exists(smaller)) { // complete: named last
        TarWriter out(smaller);
        if (!copy_without(archive, omitted, out)) return archive;
    }
    if (fs::file_size(smaller) + kLeastGain <= fs::file_size(archive)) return smaller;
    fs::remove(smaller);
    return archive;
}

} // namespace hadeploy::ssh::docker
