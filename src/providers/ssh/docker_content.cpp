// docker.secret and docker.config: objects of a swarm with a content that cannot change.
#include "core/hash.h"
#include "core/secrecy.h"
#include "providers/ssh/docker_object.h"
#include "providers/ssh/docker_types.h"

#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
/// The longest name of a secret or config in Docker.
constexpr std::size_t kLongestFullName = 64;
constexpr std::size_t kDigestLength = 12;

class ContentType : public ObjectType {
  public:
    /// @param most  the largest content in bytes
    ContentType(std::string kind, std::size_t most);
    void check(const Value& config, Diagnostics& diagnostics) const override;
    Value derive(const Value& config) const override;

  protected:
    std::string object_name(const Value& config) const override { return config.text("full_name"); }
    nlohmann::json body(const Value& config, const nlohmann::json& labels,
                        Change::Kind kind) const override {
        nlohmann::json out = {{"Name", config.text("full_name")}, {"Labels", labels}};
        // an update has to repeat the content of a config, but must not have that of a secret
        if (kind == Change::Kind::create || noun == "config")
            out["Data"] = base64_encode(config.text("content"));
        return out;
    }
    Value attributes_of(const nlohmann::json& object, const ReadRequest& request) const override {
        const nlohmann::json spec = object.value("Spec", nlohmann::json::object());
        return Value::map(
            {{"full_name", name_of(object)},
             {"labels", seen_map(spec.value("Labels", nlohmann::json()), request, "labels")},
             {"id", id_of(object)}});
    }

  private:
    std::size_t most_;
};

ContentType::ContentType(std::string kind, std::size_t most) : most_(most) {
    noun = std::move(kind);
    name = "docker." + noun;
    listed = fmt::format("/{}s?", noun);
    path = fmt::format("/{}s/", noun);
    in_use = fmt::format("a service still uses the {}", noun);
    create_before_destroy = true;
    Attribute content = {.name = "content",
                         .type = TypeKind::string,
                         .doc = fmt::format("The content, at most {} bytes.", most),
                         .required = true,
                         .secret = noun == "secret",
                         .operational = true}; // see full_name
    schema = {
        managers_of_swarm(),
        {.name = "name",
         .type = TypeKind::name,
         .doc = fmt::format("The first part of the name in Docker; at most {} characters.",
                            kLongestFullName - kDigestLength - 1),
         .required = true,
         .replaces = true},
        content,
        labels_attribute(),
        {.name = "full_name",
         .type = TypeKind::string,
         .doc = fmt::format("The name in Docker: `name`, a hyphen and the first {} hex digits of a "
                            "digest of the name and the content.",
                            kDigestLength),
         .computed = true,
         .replaces = true,
         .open = true},
        {.name = "id",
         .type = TypeKind::string,
         .doc = "The ID in Docker.",
         .computed = true,
         .open = true},
    };
    bound_steps();
}

/// What the docs of both types say; the parts in braces differ.
std::string shared_doc(std::string_view noun) {
    return fmt::format(
        "Docker cannot change the content of a {0}, so a different content makes a new {0} with a "
        "name of its own, `full_name`. Pass this name to the compose file of a docker.stack: "
        "`variables: {{NAME: \"${{my_{0}.full_name}}\"}}`, and there `{0}s: {{app: "
        "{{external: true, name: \"${{NAME}}\"}}}}`. Then a change of the content creates the new "
        "{0}, updates the services, and removes the old {0} (`create_before_destroy` is the "
        "default).\n\n"
        "Docker refuses to remove a {0} that a service still uses, for example one that was "
        "deployed by other means. Apply then fails after 20 seconds and names the service; the "
        "next apply removes the old {0}.\n\n"
        "Labels are changed in place. Drift that is repaired: a {0} that was removed, and labels "
        "that were changed. A {0} of the same full name that hadeploy did not create is an "
        "error.\n\n",
        noun);
}

void ContentType::check(const Value& config, Diagnostics& diagnostics) const {
    constexpr std::size_t longest = kLongestFullName - kDigestLength - 1;
    if (config.text("name").size() > longest)
        diagnostics
            .add(fmt::format("the name {} is too long", quoted(config["name"])),
                 config["name"].loc())
            .with_hint(fmt::format("the name of a {} has at most {} characters here, because a "
                                   "digest is appended",
                                   noun, longest));
    if (const Value& content = config["content"]; content.is_string()) {
        const std::size_t size = content.as_string().size();
        if (size == 0)
            diagnostics.add(fmt::format("the content of the {} is empty", noun), content.loc())
                .with_hint("Docker needs at least one byte");
        if (size > most_)
            diagnostics
                .add(fmt::format("the content of the {} has more than {} bytes", noun, most_),
                     content.loc())
                .with_hint("this is Docker's limit; use a host.file or a docker.volume for larger "
                           "files");
    }
    check_labels(config, diagnostics);
}

Value ContentType::derive(const Value& config) const {
    const Value &base = config["name"], &content = config["content"];
    if (base.is_unknown() || content.is_unknown())
        return Value::map({{"full_name", Value::unknown()}});
    if (!base.is_string() || !content.is_string()) return Value::map({});
    // The name is part of the digest, so that equal secrets cannot be recognized by their names.
    const std::string digest =
        sha256_hex(base.as_string() + '\0' + content.as_string()).substr(0, kDigestLength);
    return Value::map({{"full_name", fmt::format("{}-{}", base.as_string(), digest)}});
}

class DockerSecret final : public ContentType {
  public:
    DockerSecret() : ContentType("secret", std::size_t{500} * 1024 - 1) {
        summary = "A secret of a swarm, whose content can be rotated.";
        doc = shared_doc("secret") +
              "The content is sent on standard input of a request on the host: it is never on a "
              "command line or in a file there. It is stored, encrypted, in the state. `full_name` "
              "shows 12 hex digits of a digest: a content that can be guessed (a short password, a "
              "PIN) could be verified with it, so use a long random one (random.password).\n\n"
              "Destroy removes the secret.";
        example = "db_password:\n"
                  "  type: docker.secret\n"
                  "  hosts: ${var.managers}\n"
                  "  name: db-password\n"
                  "  content: ${secret.shop.db.password}\n";
    }
};

class DockerConfig final : public ContentType {
  public:
    DockerConfig() : ContentType("config", std::size_t{1000} * 1024 - 1) {
        summary = "A config of a swarm: a file for its services, whose content can be replaced.";
        doc = shared_doc("config") +
              "The content can be read by everybody with access to Docker on a manager: use a "
              "docker.secret for passwords and keys. Docker before 23 allows only 500 KiB.\n\n"
              "Destroy removes the config.";
        example = "nginx_conf:\n"
                  "  type: docker.config\n"
                  "  hosts: ${var.managers}\n"
                  "  name: nginx.conf\n"
                  "  content: ${file(\"nginx.conf\")}\n";
    }
};
} // namespace

std::unique_ptr<SshType> docker_secret_type() {
    return std::make_unique<DockerSecret>();
}

std::unique_ptr<SshType> docker_config_type() {
    return std::make_unique<DockerConfig>();
}

} // namespace hadeploy::ssh::docker
