#include "providers/ssh/image_archive.h"

#include "core/archive.h"
#include "core/file.h"
#include "providers/ssh/image_reference.h"

#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace hadeploy::ssh::docker {

namespace {

constexpr const char* kWanted =
    "`archive` must be a file written by `docker save IMAGE:TAG`: a tar with a manifest.json";

Error not_an_image(const std::string& path, std::string_view why) {
    return Error(ErrorKind::spec, fmt::format("{}: {}", path, why)).with_hint(kWanted);
}

using Archive = std::unique_ptr<struct archive, Freed<archive_read_free>>;

} // namespace

// libarchive seeks over the layers.
std::string text_in_archive(const std::string& path, const std::string& name) {
    const Archive archive(archive_read_new());
    archive_read_support_format_tar(archive.get());
    archive_read_support_filter_all(archive.get());
    if (archive_read_open_filename(archive.get(), path.c_str(), 1 << 16) != ARCHIVE_OK)
        throw system_error("open", path, ErrorKind::spec).with_hint(kWanted);
    archive_entry* entry = nullptr;
    for (;;) {
        const int status = archive_read_next_header(archive.get(), &entry);
        if (status == ARCHIVE_EOF) throw not_an_image(path, fmt::format("it has no {}", name));
        if (status < ARCHIVE_WARN) throw not_an_image(path, "it is not a tar archive");
        if (archive_entry_pathname(entry) == name) break;
    }
    std::string text(1 << 20, '\0');
    const la_ssize_t size = archive_read_data(archive.get(), text.data(), text.size());
    if (size < 0) throw not_an_image(path, archive_error_string(archive.get()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

ArchivedImage image_in_archive(const std::string& path) {
    const auto manifest =
        nlohmann::json::parse(text_in_archive(path, "manifest.json"), nullptr, false);
    if (!manifest.is_array() || manifest.size() != 1 || !manifest[0].is_object())
        throw not_an_image(path, "its manifest.json does not describe exactly one image");
    const std::string config = manifest[0].value("Config", "");
    const auto tags = manifest[0].value("RepoTags", nlohmann::json::array());
    // "HEX.json", or "blobs/sha256/HEX" in newer archives
    std::string hex = config.substr(config.rfind('/') + 1);
    if (hex.ends_with(".json")) hex.resize(hex.size() - 5);
    if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw not_an_image(path, "its manifest.json does not name the config by its digest");
    if (!tags.is_array() || tags.empty() || !tags[0].is_string())
        throw not_an_image(path, "its image has no tag");
    const std::string tag = tags[0].get<std::string>();
    if (!parse_reference(tag)) throw not_an_image(path, "its tag is not the name of an image");
    return {"sha256:" + hex, tag};
}

} // namespace hadeploy::ssh::docker
