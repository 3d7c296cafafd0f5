#include "providers/libvirt/image.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/process.h"
#include "embedded/bootstrap_script.h"
#include "provider_api/local_build.h"
#include "provider_api/prerequisites.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace hadeploy::libvirt {

namespace fs = std::filesystem;

namespace {
std::uint64_t big_endian(const unsigned char* bytes, int count) {
    std::uint64_t out = 0;
    for (int i = 0; i < count; ++i) out = out << 8 | bytes[i];
    return out;
}

/// Recognizes files that are often downloaded by mistake instead of a disk image.
const char* no_disk(std::string_view head) {
    if (head.starts_with("\xfd"
                         "7zXZ"))
        return "xz-compressed";
    if (head.starts_with("\x1f\x8b")) return "gzip-compressed";
    if (head.starts_with("\x28\xb5\x2f\xfd")) return "zstd-compressed";
    if (head.starts_with("<!DOCTYPE") || head.starts_with("<html")) return "a web page";
    return nullptr;
}
} // namespace

DiskFormat inspect_disk(const fs::path& path) {
    const Fd file = open_regular(path);
    std::array<unsigned char, 64> head = {};
    const ssize_t got = pread(file.get(), head.data(), head.size(), 0);
    if (got < 0) throw system_error("read", path);
    const std::string_view text(reinterpret_cast<const char*>(head.data()),
                                static_cast<std::size_t>(got));
    if (got == 0)
        throw Error(ErrorKind::failed, fmt::format("the disk image {} is empty", path.string()));
    if (const char* what = no_disk(text))
        throw Error(ErrorKind::failed,
                    fmt::format("{} is {}, not a disk image", path.string(), what))
            .with_hint("use an uncompressed image in the format qcow2 or raw");
    if (text.starts_with("QFI\xfb"))
        return {"qcow2", static_cast<std::int64_t>(big_endian(head.data() + 24, 8))};
    return {"raw", static_cast<std::int64_t>(fs::file_size(path))};
}

namespace {
std::string packages_of(const Value& recipe) {
    std::string out;
    if (const Value& packages = recipe["packages"]; packages.is_list())
        for (const Value& p : packages.as_list()) out += (out.empty() ? "" : " ") + p.as_string();
    return out;
}

/// Enough for emulation and a slow mirror; a bootstrap that takes longer is aborted.
constexpr std::chrono::hours kLongestBootstrap{1};
} // namespace

std::string recipe_key(const Value& recipe) {
    return sha256_hex(fmt::format("{}{}\n{}\n{}\n{}", apt_source_functions(),
                                  embedded::bootstrap_script, recipe.text("suite"),
                                  recipe.integer("size"), packages_of(recipe)))
        .substr(0, 32);
}

Image cached_image(const fs::path& cache_dir, const Value& recipe) {
    const fs::path directory = cache_dir / "images" / recipe_key(recipe);
    return {directory / "root.qcow2", directory / "vmlinuz", directory / "initrd.img"};
}

Image bootstrap_image(Session& session, const Value& recipe) {
    const fs::path cache = session.context.cache_dir / "images";
    const std::string key = recipe_key(recipe);
    const Image image = cached_image(session.context.cache_dir, recipe);
    fs::create_directories(cache / key);
    const BuildLock lock(
        cache / (key + ".lock"), [&](std::string_view step) { session.progress(step); },
        session.context.stop);
    if (fs::exists(image.disk)) { // complete: the disk is renamed into place last
        session.progress("base image: found in the cache");
        return image;
    }
    const fs::path script = cache / (key + ".sh");
    write_file(script,
               std::string(apt_source_functions()) + std::string(embedded::bootstrap_script));
    ProcessSpec process{.argv = {"bash", script.string(), (cache / key).string()}};
    process.environment = {{"HADEPLOY_SUITE", recipe.text("suite")},
                           {"HADEPLOY_SIZE", std::to_string(recipe.integer("size"))},
                           {"HADEPLOY_PACKAGES", packages_of(recipe)}};
    process.stop = session.context.stop;
    process.timeout = kLongestBootstrap;
    process.on_line = [&](std::string_view line) {
        constexpr std::string_view kStep = "bootstrap: ";
        if (line.starts_with(kStep))
            session.progress(fmt::format("base image: {}", line.substr(kStep.size())));
    };
    try {
        run_checked(process);
    } catch (Error& error) {
        error.message = "cannot build the base image: " + error.message;
        if (error.hint.empty())
            error.hint = fmt::format("it is built from this machine's apt packages, as root; see "
                                     "the lines above, or use an existing image (file:, or url: "
                                     "with checksum:){}",
                                     kSeeDoctor);
        throw;
    }
    fs::remove(script);
    return image;
}

} // namespace hadeploy::libvirt
