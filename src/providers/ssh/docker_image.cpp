#include "core/archive.h"
#include "core/file.h"
#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/image_build.h"
#include "providers/ssh/image_recipe.h"

#include <algorithm>
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
    void check(const Value& config, Diagnostics& problems) const override;
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
    summary = "An image on a host, from an archive or from packages, loaded if it is missing.";
    doc =
        "Brings an image to a host without a registry. `archive` is a local file in the format "
        "of `docker save`, e.g. `docker save web:1 -o images/web.tar`. `packages` builds the "
        "image on this machine from packages of Debian or Ubuntu and files, without Docker: this "
        "needs mmdebstrap and root. The image is built once, when a host needs it, and kept in "
        "the cache; the same recipe and the same versions of the packages give the same image.\n\n"
        "In a compose file, refer to the image by a variable of docker.stack, `WEB_IMAGE: "
        "${values(web_image)[0].tag}`, and list this resource in its `depends_on`. The archive "
        "is not sent to a host that already has the image. An image from an archive is "
        "identified by its id, which is the digest of its configuration; an image from packages "
        "by its tag, which contains the digest of the recipe and the files.\n\n"
        "Destroy removes the tag. It also removes the image, unless the image has other tags or "
        "a container still runs from it.";
    example = "web_image:\n"
              "  type: docker.image\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  archive: images/web.tar\n"
              "haproxy_image:\n"
              "  type: docker.image\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  name: haproxy\n"
              "  packages:\n"
              "    suite: bookworm\n"
              "    install: [haproxy]\n"
              "    files: {/etc/haproxy/haproxy.cfg: {source: haproxy.cfg}}\n"
              "    command: [haproxy, -f, /etc/haproxy/haproxy.cfg]\n";
    adopts = true;
    slow = true;
    schema = {
        host_attribute(),
        {.name = "archive",
         .type = TypeKind::local_path,
         .doc = "Path of the archive, relative to the directory of the spec or module. Set either "
                "this or `packages`.",
         .operational = true}, // the content counts, not the path: see id
        {.name = "packages",
         .type = recipe_type(),
         .doc = "Builds the image from packages.",
         .operational = true}, // the content counts: see tag
        {.name = "name",
         .type = TypeKind::name,
         .doc = "With `packages`: the image is tagged `hadeploy/NAME:DIGEST`.",
         .operational = true},
        {.name = "id",
         .type = TypeKind::string,
         .doc =
             "\"sha256:\" and the digest of the image configuration; with `packages` known after "
             "apply.",
         .computed = true,
         .replaces = true},
        {.name = "tag",
         .type = TypeKind::string,
         .doc = "The first tag in the archive, or that of the built image: "
                "\"hadeploy/web:3f2a...\".",
         .computed = true,
         .replaces = true},
    };
    bound_steps(std::chrono::hours(1));
}

/// Whether Docker accepts the text, which has the form of a name, as a part of a tag.
bool is_image_name(std::string_view text) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789";
    while (!text.empty()) {
        text.remove_prefix(std::min(text.find_first_not_of(kAllowed), text.size()));
        if (text.empty()) return true;
        const std::string_view separator = text.substr(0, text.find_first_of(kAllowed));
        if (separator != "." && separator != "_" && separator != "__" &&
            separator.find_first_not_of('-') != separator.npos)
            return false;
        text.remove_prefix(separator.size());
    }
    return false; // it is empty, or ends with a separator
}

void DockerImage::check(const Value& config, Diagnostics& problems) const {
    const Value &recipe = config["packages"], &image_name = config["name"];
    if (config["archive"].is_null() && recipe.is_null())
        problems.add("a docker.image needs either `archive` or `packages`", config.loc());
    if (!config["archive"].is_null() && !recipe.is_null())
        problems.add("set either `archive` or `packages`, not both", recipe.loc());
    if (image_name.is_null() != recipe.is_null())
        problems
            .add(recipe.is_null() ? "`name` is only allowed with `packages`"
                                  : "an image from packages needs a `name`",
                 (recipe.is_null() ? image_name : recipe).loc())
            .with_hint(recipe.is_null() ? "the name of an archive's image is in the archive"
                                        : "name: haproxy tags the image hadeploy/haproxy:DIGEST");
    if (image_name.is_string() && !is_image_name(image_name.as_string()))
        problems
            .add(fmt::format("{} is not a name of an image", quoted(image_name)), image_name.loc())
            .with_hint("Docker allows lower-case letters and digits, separated by '.', '_', '__' "
                       "or any number of '-'");
    if (recipe.is_map()) check_recipe(recipe, problems);
}

/// Whether hadeploy builds the image.
bool is_built(const Value& config) {
    return !config["packages"].is_null();
}

/// Whether the part that identifies the image is known.
bool is_known(const Value& config) {
    return !config.text(is_built(config) ? "tag" : "id").empty();
}

/// The tag of an image from packages; unknown until the recipe is known.
Value tag_of_recipe(const Value& config) {
    constexpr std::size_t kDigits = 16;
    if (config["packages"].contains_unknown() || !config["name"].is_string())
        return Value::unknown();
    return fmt::format("hadeploy/{}:{}", config.text("name"),
                       docker::recipe_key(config["packages"]).substr(0, kDigits));
}

Value DockerImage::derive(const Value& config) const {
    if (is_built(config)) return Value::map({{"tag", tag_of_recipe(config)}});
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
    if (!is_known(request.config)) return "";
    const std::string id = is_built(request.config) ? "" : request.config.text("id").substr(7);
    return functions() +
           fmt::format("hex={} tag={} tags=\n", shell_quote(id),
                       shell_quote(request.config.text("tag"))) +
           std::string(scripts::docker_image_probe);
}

Observation DockerImage::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value there = Value::map({{"id", request.config["id"]}, {"tag", request.config["tag"]}});
    if (result.out.starts_with("present")) return Observation::present(there);
    if (!is_known(request.config)) return Observation::absent(); // nothing was asked
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
        if (tag == request.config.text("tag"))
            return Observation::present(is_built(request.config)
                                            ? there.with("id", replies[0].body.value("Id", ""))
                                            : there);
    return Observation::absent();
}

std::vector<Command> DockerImage::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove) {
        // --force: a stopped container would keep the tag; a running one still keeps the image
        const std::string tag = shell_quote(change.before.text("tag"));
        return {{.script = fmt::format("docker image rm --force {} >/dev/null\n", tag),
                 .step = "removing " + named(change.before, "tag")}};
    }
    Command load{.script = "docker load --quiet >/dev/null\n",
                 .step = "loading " + named(change.after, "tag")};
    if (is_built(change.after))
        load.build_input = [tag = change.after.text("tag"), recipe = change.after["packages"]](
                               const std::filesystem::path& cache, const Notice& progress) {
            return build_image(tag, recipe, cache, progress);
        };
    else
        load.input_file = change.after.text("archive");
    return {load};
}

} // namespace

std::unique_ptr<SshType> docker_image_type() {
    return std::make_unique<DockerImage>();
}

} // namespace hadeploy::ssh::docker
