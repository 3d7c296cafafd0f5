#include "core/archive.h"
#include "core/file.h"
#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
struct Image {
    std::string id;  ///< "sha256:..."
    std::string tag; ///< "hadeploy/web:1a2b3c"
};

constexpr const char* kWanted =
    "`archive` must be a file written by `docker save IMAGE:TAG`: a tar with a manifest.json";

Error not_an_image(const std::string& path, std::string_view why) {
    return Error(ErrorKind::spec, fmt::format("{}: {}", path, why)).with_hint(kWanted);
}

using Archive = std::unique_ptr<struct archive, Freed<archive_read_free>>;

/// Reads manifest.json. Only headers and that entry are read: libarchive seeks over the layers.
std::string manifest_of(const std::string& path) {
    const Archive archive(archive_read_new());
    archive_read_support_format_tar(archive.get());
    archive_read_support_filter_all(archive.get());
    if (archive_read_open_filename(archive.get(), path.c_str(), 1 << 16) != ARCHIVE_OK)
        throw system_error("open", path, ErrorKind::spec).with_hint(kWanted);
    archive_entry* entry = nullptr;
    for (;;) {
        const int status = archive_read_next_header(archive.get(), &entry);
        if (status == ARCHIVE_EOF) throw not_an_image(path, "it has no manifest.json");
        if (status < ARCHIVE_WARN) throw not_an_image(path, "it is not a tar archive");
        if (std::string_view(archive_entry_pathname(entry)) == "manifest.json") break;
    }
    std::string text(1 << 20, '\0');
    const la_ssize_t size = archive_read_data(archive.get(), text.data(), text.size());
    if (size < 0) throw not_an_image(path, archive_error_string(archive.get()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

Image image_in(const std::string& path) {
    const auto manifest = nlohmann::json::parse(manifest_of(path), nullptr, false);
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
    return {"sha256:" + hex, tags[0].get<std::string>()};
}

class DockerImage final : public SshType {
  public:
    DockerImage();
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override {
        const std::string place = place_of(config["host"]);
        if (config.text("tag").empty() || place.empty())
            return {}; // derive() reports that the archive cannot be read
        return {fmt::format("image {} on {}", config.text("tag"), place)};
    }
    std::vector<std::string> needs(const Value& config) const override {
        return claim_of_host(config, "Docker on");
    }
    std::string probe(const ReadRequest& request) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

DockerImage::DockerImage() {
    name = "docker.image";
    summary = "An image on a host, loaded from an archive if it is missing.";
    doc = "Brings an image to a host without a registry. The archive is a local file in the "
          "format of `docker save`, e.g. `docker save web:1 -o images/web.tar`. In a compose "
          "file, refer to the image by a variable of docker.stack, `WEB_IMAGE: "
          "${values(web_image)[0].tag}`, and list this resource in its `depends_on`. The archive "
          "is not sent to a host that already has the image. The image is identified by its id, "
          "which is the digest of its configuration.\n\n"
          "Destroy removes the tag. It also removes the image, unless the image has other tags or "
          "a container still runs from it.";
    example = "web_image:\n"
              "  type: docker.image\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  archive: images/web.tar\n";
    adopts = true;
    slow = true;
    schema = {
        host_attribute(),
        {.name = "archive",
         .type = TypeKind::local_path,
         .doc = "Path of the archive, relative to the directory of the spec or module.",
         .required = true,
         .operational = true}, // the content counts, not the path: see id
        {.name = "id",
         .type = TypeKind::string,
         .doc = "\"sha256:\" and the digest of the image configuration.",
         .computed = true,
         .replaces = true},
        {.name = "tag",
         .type = TypeKind::string,
         .doc = "The first tag in the archive, e.g. \"hadeploy/web:3f2a...\".",
         .computed = true,
         .replaces = true},
    };
    bound_steps(std::chrono::hours(1));
}

Value DockerImage::derive(const Value& config) const {
    const Value& archive = config["archive"];
    if (!archive.is_string())
        return Value::map({{"id", Value::unknown()}, {"tag", Value::unknown()}});
    try {
        const Image image = image_in(archive.as_string());
        return Value::map({{"id", image.id}, {"tag", image.tag}});
    } catch (Error& error) {
        error.loc = archive.loc();
        throw;
    }
}

std::string DockerImage::probe(const ReadRequest& request) const {
    const std::string id = request.config.text("id"), tag = request.config.text("tag");
    if (id.empty()) return "";
    return functions() +
           fmt::format("hex={} tag={} tags=\n", shell_quote(id.substr(7)), shell_quote(tag)) +
           std::string(scripts::docker_image_probe);
}

Observation DockerImage::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value there = Value::map({{"id", request.config["id"]}, {"tag", request.config["tag"]}});
    if (result.out.starts_with("present")) return Observation::present(there);
    if (request.config.text("id").empty()) return Observation::absent(); // nothing was asked
    const std::string what =
        fmt::format("the image {} cannot be read: ", named(request.config, "tag"));
    if (result.out.starts_with("none")) return Observation::absent();
    if (result.out.starts_with("stopped")) {
        if (request.recorded == nullptr) return Observation::absent();
        return Observation::blocked(
            Error(ErrorKind::failed, what + "Docker does not run on the host")
                .with_hint("start it (systemctl start docker), or add a docker.engine on which "
                           "this resource depends"));
    }
    std::vector<Reply> replies;
    if (auto error = unusable(result, 1, replies)) {
        error->message = what + error->message;
        return Observation::failed(*std::move(error));
    }
    for (const auto& tag : replies[0].body.value("RepoTags", nlohmann::json::array()))
        if (tag == request.config.text("tag")) return Observation::present(there);
    return Observation::absent();
}

std::vector<Command> DockerImage::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove) {
        // --force: a stopped container would keep the tag; a running one still keeps the image
        const std::string tag = shell_quote(change.before.text("tag"));
        return {{.script = fmt::format("docker image rm --force {} >/dev/null\n", tag),
                 .step = "removing " + named(change.before, "tag")}};
    }
    const std::string tag = change.after.text("tag");
    return {{.script = "docker load --quiet >/dev/null\n",
             .input_file = change.after.text("archive"),
             .step = "loading " + named(change.after, "tag")}};
}

} // namespace

std::unique_ptr<SshType> docker_image_type() {
    return std::make_unique<DockerImage>();
}

} // namespace hadeploy::ssh::docker
