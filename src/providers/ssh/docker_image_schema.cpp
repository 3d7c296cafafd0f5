#include "providers/ssh/docker_image_schema.h"

#include "providers/ssh/image_context.h"
#include "providers/ssh/image_recipe.h"
#include "providers/ssh/ssh_type.h"

namespace hadeploy::ssh::docker {

const char* const kImageDoc =
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
    "With `from`, the image comes from another host instead of this machine, so that it is "
    "sent from here only once, however many hosts need it. The host reads it with a key that "
    "can only read this image, is removed afterwards, and expires after an hour.\n\n"
    "In a compose file, refer to the image by a variable of docker.stack, `WEB_IMAGE: "
    "${values(web_image)[0].tag}`, and list this resource in its `depends_on`. Nothing "
    "is sent to a host that already has the image. An image from an archive is identified by "
    "its id, which is the digest of its configuration; a built image by its tag, which "
    "contains the digest of everything that it is built from: the Dockerfile, the context and "
    "the arguments, or the recipe and its files. So it is built again only if one of them "
    "changes.\n\n"
    "Destroy removes the tag. It also removes the image, unless the image has other tags or "
    "a container still runs from it.";

const char* const kImageExample = "web_image:\n"
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

Schema image_schema() {
    return {
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
        {.name = "from",
         .type = TypeKind::connection,
         .doc = "A host from which this one reads the image over SSH, e.g. "
                "`${web_image[\"node1\"].host}` of another docker.image with the same source, "
                "except `pull`. This host must reach the address of that one.",
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
}

} // namespace hadeploy::ssh::docker
