#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/image_archive.h"
#include "providers/ssh/image_build.h"
#include "providers/ssh/image_context.h"
#include "providers/ssh/image_recipe.h"
#include "providers/ssh/image_reference.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {

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
    std::vector<std::string> needs(const Value& config) const override;
    std::string probe(const ReadRequest& request) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

DockerImage::DockerImage() {
    name = "docker.image";
    summary =
        "An image on a host: pulled, from an archive, or built from a Dockerfile or packages.";
    doc =
        "`pull` takes the image from a registry; the other sources need none. `archive` is a local "
        "file in the format of `docker save`, e.g. `docker save web:1 -o images/web.tar`. `build` "
        "builds the image from a Dockerfile and its context, on the host or, with `on: here`, on "
        "this machine. `packages` builds the image on this machine from packages of Debian or "
        "Ubuntu and files, without Docker: this needs mmdebstrap and root. What this machine "
        "builds is built once, when a host needs it, and kept in the cache.\n\n"
        "An image is pulled if the host does not have one of this name. A tag can be moved to "
        "a different image in the registry, which is not noticed; a digest "
        "(`web@sha256:...`) always means the same image, and Docker checks it. For a registry "
        "with a login, list a docker.registry_login in `depends_on`.\n\n"
        "In a compose file, refer to the image by a variable of docker.stack, `WEB_IMAGE: "
        "${values(web_image)[0].tag}`, and list this resource in its `depends_on`. Nothing "
        "is sent to a host that already has the image. An image from an archive is identified by "
        "its id, which is the digest of its configuration; a built image by its tag, which "
        "contains the digest of everything that it is built from: the Dockerfile, the context and "
        "the arguments, or the recipe and its files. So it is built again only if one of them "
        "changes.\n\n"
        "Destroy removes the tag. It also removes the image, unless the image has other tags or "
        "a container still runs from it.";
    example = "web_image:\n"
              "  type: docker.image\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  archive: images/web.tar\n"
              "app_image:\n"
              "  type: docker.image\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  name: app\n"
              "  build: {context: app, args: {VERSION: \"1.2\"}}\n"
              "redis_image:\n"
              "  type: docker.image\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  pull: registry.example.com:5000/redis:7\n"
              "  depends_on: [registry]\n"
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
        {.name = "pull",
         .type = TypeKind::line,
         .doc = "The image in a registry: NAME:TAG or NAME@DIGEST. Set one of `pull`, "
                "`archive`, `build` and `packages`.",
         .operational = true}, // see tag
        {.name = "archive",
         .type = TypeKind::local_path,
         .doc = "Path of the archive, relative to the directory of the spec or module.",
         .operational = true}, // the content counts, not the path: see id
        {.name = "build",
         .type = build_type(),
         .doc = "Builds the image from a Dockerfile.",
         .operational = true}, // the content counts: see tag
        {.name = "packages",
         .type = recipe_type(),
         .doc = "Builds the image from packages.",
         .operational = true}, // the content counts: see tag
        {.name = "name",
         .type = TypeKind::name,
         .doc = "With `build` and `packages`: the image is tagged `hadeploy/NAME:DIGEST`.",
         .operational = true},
        {.name = "id",
         .type = TypeKind::string,
         .doc = "\"sha256:\" and the digest of the image configuration; known before apply only "
                "with `archive`.",
         .computed = true,
         .replaces = true},
        {.name = "tag",
         .type = TypeKind::string,
         .doc = "The name to use in a compose file: that in `pull`, the first tag in the archive, "
                "or that of the built image, \"hadeploy/web:3f2a...\".",
         .computed = true,
         .replaces = true},
    };
    bound_steps(std::chrono::hours(1));
}

void check_pull(const Value& pull, Diagnostics& problems) {
    if (!pull.is_string()) return;
    const std::optional<ImageReference> image = parse_reference(pull.as_string());
    if (!image)
        problems.add(fmt::format("{} is not the name of an image", quoted(pull)), pull.loc())
            .with_hint("[HOST[:PORT]/]NAME:TAG or NAME@sha256:..., without https://");
    else if (image->tag.empty() && image->digest.empty())
        problems.add(fmt::format("{} has neither a tag nor a digest", quoted(pull)), pull.loc())
            .with_hint("name the version: NAME:1.2, or NAME@sha256:... for exactly one image");
}

void DockerImage::check(const Value& config, Diagnostics& problems) const {
    const Value &recipe = config["packages"], &image_name = config["name"];
    const Value* source = nullptr;
    for (const char* one : {"pull", "archive", "build", "packages"}) {
        const Value& next = config[one];
        if (next.is_null()) continue;
        if (source != nullptr)
            problems.add("set only one of `pull`, `archive`, `build` and `packages`", next.loc());
        source = &next;
    }
    if (source == nullptr)
        problems.add("a docker.image needs one of `pull`, `archive`, `build` and `packages`",
                     config.loc());
    const bool is_made = !recipe.is_null() || !config["build"].is_null();
    if (image_name.is_null() && is_made)
        problems.add("an image that hadeploy builds needs a `name`", source->loc())
            .with_hint("name: haproxy tags the image hadeploy/haproxy:DIGEST");
    if (!image_name.is_null() && !is_made)
        problems.add("`name` is only allowed with `build` or `packages`", image_name.loc())
            .with_hint("the name of a pulled image or of an archive's image is known");
    if (image_name.is_string() && !is_image_name(image_name.as_string()))
        problems
            .add(fmt::format("{} is not a name of an image", quoted(image_name)), image_name.loc())
            .with_hint("Docker allows lower-case letters and digits, separated by '.', '_', '__' "
                       "or any number of '-'");
    check_pull(config["pull"], problems);
    if (recipe.is_map()) check_recipe(recipe, problems);
    if (config["build"].is_map()) check_build(config["build"], problems);
}

std::vector<std::string> DockerImage::needs(const Value& config) const {
    std::vector<std::string> out = claim_of_host(config, "Docker on");
    if (!config["pull"].is_string() || out.empty()) return out;
    if (const auto image = parse_reference(config.text("pull")))
        out.push_back(claim_of_login(image->server, place_of(config["host"])));
    return out;
}

/// Whether the archive says what the image is. Otherwise its tag identifies it.
bool has_id(const Value& config) {
    return !config["archive"].is_null();
}

/// Whether the part that identifies the image is known.
bool is_known(const Value& config) {
    return !config.text(has_id(config) ? "id" : "tag").empty();
}

/// The tag of an image that hadeploy builds; unknown until everything in it is known.
Value tag_of_build(const Value& config) {
    constexpr std::size_t kDigits = 16;
    const Value &build = config["build"], &recipe = config["packages"];
    if (build.contains_unknown() || recipe.contains_unknown() || !config["name"].is_string())
        return Value::unknown();
    const std::string key = build.is_null() ? recipe_key(recipe) : build_key(build);
    return fmt::format("hadeploy/{}:{}", config.text("name"), key.substr(0, kDigits));
}

Value DockerImage::derive(const Value& config) const {
    if (!config["packages"].is_null() || !config["build"].is_null())
        return Value::map({{"tag", tag_of_build(config)}});
    if (!config["pull"].is_null()) return Value::map({{"tag", config["pull"]}});
    const Value& archive = config["archive"];
    if (!archive.is_string())
        return Value::map({{"id", Value::unknown()}, {"tag", Value::unknown()}});
    try {
        const ArchivedImage image = image_in_archive(archive.as_string());
        return Value::map({{"id", image.id}, {"tag", image.tag}});
    } catch (Error& error) {
        error.loc = archive.loc();
        throw;
    }
}

std::string DockerImage::probe(const ReadRequest& request) const {
    if (!is_known(request.config)) return "";
    const std::string id = has_id(request.config) ? request.config.text("id").substr(7) : "";
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
    const nlohmann::json& image = replies[0].body;
    if (!has_id(request.config)) // it was looked up by its name
        return replies[0].status == 200
                   ? Observation::present(there.with("id", image.value("Id", "")))
                   : Observation::absent();
    for (const auto& tag : image.value("RepoTags", nlohmann::json::array()))
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
    if (!change.after["pull"].is_null())
        return {{.script = functions() + std::string(scripts::docker_registry_functions) +
                           fmt::format("image={}\n", shell_quote(change.after.text("tag"))) +
                           std::string(scripts::docker_image_pull),
                 .step = "pulling " + named(change.after, "tag")}};
    const std::string tag = change.after.text("tag");
    const Value& build = change.after["build"];
    if (build.is_map() && !builds_here(build))
        return {{.script = functions() + std::string(scripts::docker_registry_functions) +
                           "need_docker\n" + build_command(tag, build) + " >&2\n",
                 .build_input =
                     [build, tag](const std::filesystem::path& cache, const Notice& progress) {
                         return pack_context(tag, build, cache, progress);
                     },
                 .step = "building " + named(change.after, "tag")}};
    Command load{.script = "docker load --quiet >/dev/null\n",
                 .step = "loading " + named(change.after, "tag")};
    if (build.is_map())
        load.build_input = [tag, build](const std::filesystem::path& cache,
                                        const Notice& progress) {
            return build_here(tag, build, cache, progress);
        };
    else if (const Value& recipe = change.after["packages"]; recipe.is_map())
        load.build_input = [tag, recipe](const std::filesystem::path& cache,
                                         const Notice& progress) {
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
