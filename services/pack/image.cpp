#include "pack/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

namespace hadeploy::pack {
namespace {

using Json = nlohmann::ordered_json;

/// A tar in memory with only the name, mode, owner and content of its entries.
class Tar {
  public:
    Tar() : writer_(archive_write_new()) {
        archive_write_set_format_ustar(writer_.get());
        archive_write_set_bytes_per_block(writer_.get(), 512);
        check(archive_write_open(writer_.get(), this, nullptr, append, nullptr));
    }

    void directory(const std::string& path, int mode) { add(path, AE_IFDIR, mode, {}); }
    void file(const std::string& path, int mode, const std::string& content) {
        add(path, AE_IFREG, mode, content);
    }

    std::string finish() {
        check(archive_write_close(writer_.get()));
        return std::move(bytes_);
    }

  private:
    struct Free {
        void operator()(archive* one) const { archive_write_free(one); }
        void operator()(archive_entry* one) const { archive_entry_free(one); }
    };

    static la_ssize_t append(archive*, void* self, const void* data, size_t size) {
        static_cast<Tar*>(self)->bytes_.append(static_cast<const char*>(data), size);
        return static_cast<la_ssize_t>(size);
    }

    void check(int code) {
        if (code != ARCHIVE_OK)
            throw std::runtime_error(std::string("tar: ") + archive_error_string(writer_.get()));
    }

    void add(const std::string& path, unsigned type, int mode, const std::string& content) {
        const std::unique_ptr<archive_entry, Free> entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), path.c_str());
        archive_entry_set_filetype(entry.get(), type);
        archive_entry_set_perm(entry.get(), static_cast<__LA_MODE_T>(mode));
        archive_entry_set_uid(entry.get(), 0);
        archive_entry_set_gid(entry.get(), 0);
        archive_entry_set_mtime(entry.get(), 0, 0);
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
        check(archive_write_header(writer_.get(), entry.get()));
        if (!content.empty() &&
            archive_write_data(writer_.get(), content.data(), content.size()) < 0)
            check(ARCHIVE_FATAL);
    }

    std::string bytes_;
    std::unique_ptr<archive, Free> writer_;
};

std::string sha256_hex(const std::string& bytes) {
    std::array<unsigned char, 32> digest{};
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("sha256 failed");
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
    }
    return hex;
}

std::string read_program(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in || bytes.empty()) throw std::runtime_error("cannot read the program " + path.string());
    return bytes;
}

std::string docker_arch(const std::string& arch) {
    const std::map<std::string, std::string> names = {
        {"x86_64", "amd64"}, {"amd64", "amd64"}, {"aarch64", "arm64"}, {"arm64", "arm64"}};
    const auto found = names.find(arch);
    if (found == names.end())
        throw std::runtime_error("unknown architecture " + arch + "; known: x86_64, aarch64");
    return found->second;
}

std::string build_layer(const ImageSpec& spec) {
    const std::string user = std::to_string(spec.user);
    std::string passwd = "root:x:0:0:root:/:/none\n";
    std::string group = "root:x:0:\n";
    if (spec.user != 0) {
        passwd += "service:x:" + user + ":" + user + ":service:/:/none\n";
        group += "service:x:" + user + ":\n";
    }
    Tar tar; // entries in the order of their names
    tar.directory("data/", 0755);
    tar.directory("etc/", 0755);
    tar.file("etc/group", 0644, group);
    tar.file("etc/nsswitch.conf", 0644, "hosts: files dns\n");
    tar.file("etc/passwd", 0644, passwd);
    tar.directory("tmp/", 01777);
    tar.file(spec.name, 0755, read_program(spec.program));
    return tar.finish();
}

std::string build_config(const ImageSpec& spec, const std::string& layer_digest) {
    const std::string user = std::to_string(spec.user);
    Json config;
    config["architecture"] = docker_arch(spec.arch);
    config["os"] = "linux";
    config["created"] = "1970-01-01T00:00:00Z";
    // In nanoseconds. A task receives requests only after its first successful check, so it is
    // checked often while it starts (Docker 25 and later; earlier ones wait for a whole interval).
    // Each check starts a process in the container, which takes half a minute on a busy emulated
    // machine.
    constexpr std::int64_t kSecond = 1'000'000'000;
    const Json healthcheck = {{"Test", Json::array({"CMD", "/" + spec.name, "--healthcheck"})},
                              {"Interval", 30 * kSecond},
                              {"Timeout", 60 * kSecond},
                              {"StartPeriod", 600 * kSecond},
                              {"StartInterval", 2 * kSecond},
                              {"Retries", 3}};
    config["config"] = {{"Entrypoint", Json::array({"/" + spec.name})},
                        {"Healthcheck", healthcheck},
                        {"User", user + ":" + user},
                        {"WorkingDir", "/"},
                        {"ExposedPorts", {{std::to_string(spec.port) + "/tcp", Json::object()}}}};
    config["rootfs"] = {{"type", "layers"}, {"diff_ids", Json::array({"sha256:" + layer_digest})}};
    config["history"] = Json::array(
        {{{"created", "1970-01-01T00:00:00Z"}, {"created_by", "hadeploy services/pack"}}});
    return config.dump();
}

} // namespace

Image build_image(const ImageSpec& spec) {
    const std::string layer = build_layer(spec);
    const std::string layer_digest = sha256_hex(layer);
    const std::string config = build_config(spec, layer_digest);
    const std::string id = sha256_hex(config);
    Image image{"sha256:" + id, "hadeploy/" + spec.name + ":" + id.substr(0, 12), {}};
    const std::string layer_path = layer_digest + "/layer.tar";
    const Json manifest = Json::array({{{"Config", id + ".json"},
                                        {"RepoTags", Json::array({image.tag})},
                                        {"Layers", Json::array({layer_path})}}});
    Tar archive; // the manifest first: a reader finds the tag without reading the layer
    archive.file("manifest.json", 0644, manifest.dump());
    archive.file(id + ".json", 0644, config);
    archive.directory(layer_digest + "/", 0755);
    archive.file(layer_path, 0644, layer);
    image.archive = archive.finish();
    return image;
}

} // namespace hadeploy::pack
