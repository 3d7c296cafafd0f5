#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_image_schema.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/image_archive.h"
#include "providers/ssh/image_build.h"
#include "providers/ssh/image_context.h"
#include "providers/ssh/image_layers.h"
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
    doc = kImageDoc;
    example = kImageExample;
    adopts = true;
    slow = true;
    schema = image_schema();
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

void check_from(const Value& config, Diagnostics& problems) {
    const Value& from = config["from"];
    if (!from.is_map()) return;
    if (!config["pull"].is_null())
        problems.add("`from` cannot be used with `pull`", from.loc())
            .with_hint("each host pulls the image itself; remove `from`");
    const std::string place = place_of(from);
    if (!place.empty() && place == place_of(config["host"]))
        problems.add("`from` is the host itself", from.loc())
            .with_hint("leave it out for the host that gets the image from this machine");
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
    check_from(config, problems);
    if (recipe.is_map()) check_recipe(recipe, problems);
    if (config["build"].is_map()) check_build(config["build"], problems);
}

std::vector<std::string> DockerImage::needs(const Value& config) const {
    std::vector<std::string> out = claim_of_host(config, "Docker on");
    if (out.empty()) return out;
    const std::string tag = config.text("tag"), peer = place_of(config["from"]);
    if (!tag.empty() && !peer.empty()) out.push_back(fmt::format("image {} on {}", tag, peer));
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

/// Reads the image from another host.
std::vector<Command> fetch(const Value& config, const std::string& identity) {
    const Value& from = config["from"];
    const std::string tag = named(config, "tag"), peer = named(from, "address");
    const std::string where =
        fmt::format("user={}\naddress={}\nport={}\nidentity={}\ntag={}\nshown={}\n",
                    shell_quote(from.text("user", "root")), shell_quote(from.text("address")),
                    from.integer("port", 22), shell_quote(identity),
                    shell_quote(config.text("tag")), shell_quote(peer));
    const std::string keys = where + std::string(scripts::docker_image_keys);
    return {{.script = keys + std::string(scripts::docker_image_lend),
             .on = {from},
             .step = fmt::format("preparing {} to send {}", peer, tag)},
            {.script = functions() + std::string(scripts::docker_registry_functions) + where +
                       std::string(scripts::docker_image_fetch),
             .step = fmt::format("reading {} from {}", tag, peer)},
            {.script = keys + "edit_keys ''\n",
             .on = {from},
             .may_be_gone = true,
             .step = fmt::format("removing the key from {}", peer)}};
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
    if (change.after["from"].is_map()) return fetch(change.after, change.identity);
    const std::string tag = change.after.text("tag");
    const Value& build = change.after["build"];
    using Path = std::filesystem::path;
    if (build.is_map() && !builds_here(build))
        return {{.script = functions() + std::string(scripts::docker_registry_functions) +
                           "need_docker\n" + build_command(tag, build) + " >&2\n",
                 .build_input =
                     [build, tag](const Path& cache, const Notice& progress, const std::string&) {
                         return pack_context(tag, build, cache, progress);
                     },
                 .step = "building " + named(change.after, "tag")}};
    const auto archive = [tag, build, recipe = change.after["packages"],
                          given = change.after.text("archive")](
                             const Path& cache, const Notice& progress, const std::string& known) {
        const Path all = build.is_map()    ? build_here(tag, build, cache, progress)
                         : recipe.is_map() ? build_image(tag, recipe, cache, progress)
                                           : Path(given);
        return without_known_layers(all, known, cache);
    };
    return {{.script = functions() + std::string(known_layers()),
             .on = {change.after["host"]},
             .step = "looking for layers of " + named(change.after, "tag")},
            {.script = "docker load --quiet >/dev/null\n",
             .build_input = archive,
             .step = "loading " + named(change.after, "tag")}};
}

} // namespace

std::unique_ptr<SshType> docker_image_type() {
    return std::make_unique<DockerImage>();
}

} // namespace hadeploy::ssh::docker
