#include "cli/services/inventory.h"

#include "cli/machines.h"
#include "cli/render/text.h"
#include "cli/stop_on_signal.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace hadeploy::cli {

namespace {
using Json = nlohmann::json;

/// An object can be removed while it is listed, so errors of `inspect` are ignored.
constexpr std::string_view kInventoryScript = R"(
set -e
images=$(docker image ls -q --no-trunc)
containers=$(docker ps -aq --no-trunc)
set +e
show() { # KIND FORMAT ID...
    kind=$1 format=$2
    shift 2
    [ $# -eq 0 ] || docker "$kind" inspect --format "$kind $format" "$@" 2>/dev/null
}
show image '{"id":{{json .Id}},"tags":{{json .RepoTags}},"digests":{{json .RepoDigests}},"size":{{.Size}}}' $images
show container '{"id":{{json .Id}},"name":{{json .Name}},"image":{{json .Image}},"state":{{json .State.Status}},"labels":{{json .Config.Labels}}}' $containers
exit 0
)";

std::vector<std::string> strings_in(const Json& object, const char* key) {
    std::vector<std::string> out;
    if (object.contains(key) && object[key].is_array())
        for (const Json& one : object[key])
            if (one.is_string()) out.push_back(one.get<std::string>());
    std::sort(out.begin(), out.end());
    return out;
}

HostImage image_of(const Json& json) {
    HostImage out{.id = json.value("id", ""),
                  .tags = strings_in(json, "tags"),
                  .names = {},
                  .digests = strings_in(json, "digests"),
                  .size = json.value("size", std::int64_t{0}),
                  .users = {},
                  .containers = {}};
    // Docker lists an image without a name as "<none>:<none>"
    const auto nameless = [](const std::string& name) { return name.starts_with("<none>"); };
    std::erase_if(out.tags, nameless);
    std::erase_if(out.digests, nameless);
    std::set<std::string> names;
    for (const std::string& tag : out.tags) names.insert(repository_of(tag));
    for (const std::string& digest : out.digests) names.insert(repository_of(digest));
    out.names.assign(names.begin(), names.end());
    return out;
}

HostContainer container_of(const Json& json) {
    HostContainer out{json.value("id", ""), json.value("name", ""), json.value("image", ""),
                      json.value("state", ""), ""};
    if (out.name.starts_with('/')) out.name.erase(0, 1);
    if (json.contains("labels") && json["labels"].is_object())
        out.stack = json["labels"].value("com.docker.stack.namespace", "");
    return out;
}

void parse_inventory(const std::string& text, Inventory& out) {
    std::set<std::string> ids;
    for (const std::string& line : split_lines(text)) {
        const std::size_t space = line.find(' ');
        const Json json =
            space == line.npos ? Json() : Json::parse(line.substr(space), nullptr, false);
        if (!json.is_object()) continue;
        if (line.starts_with("image ") && ids.insert(json.value("id", "")).second)
            out.images.push_back(image_of(json));
        if (line.starts_with("container ")) out.containers.push_back(container_of(json));
    }
    std::sort(out.images.begin(), out.images.end(), [](const HostImage& a, const HostImage& b) {
        return std::pair(a.shown(), a.id) < std::pair(b.shown(), b.id);
    });
    std::sort(out.containers.begin(), out.containers.end(),
              [](const HostContainer& a, const HostContainer& b) {
                  return std::pair(a.name, a.id) < std::pair(b.name, b.id);
              });
    for (HostImage& image : out.images)
        for (const HostContainer& container : out.containers)
            if (container.image == image.id) image.containers.push_back(container.id);
}

/// Whether a reference of a compose file means the image: an ID, a tag, a digest, or both.
bool refers_to(const std::string& reference, const HostImage& image) {
    if (reference.empty()) return false;
    if (reference == image.id || "sha256:" + reference == image.id) return true;
    const std::size_t at = reference.find('@');
    if (at != reference.npos) {
        const std::string digest = repository_of(reference) + reference.substr(at);
        return std::find(image.digests.begin(), image.digests.end(), digest) != image.digests.end();
    }
    const bool tagged = reference.size() > repository_of(reference).size();
    return std::find(image.tags.begin(), image.tags.end(),
                     tagged ? reference : reference + ":latest") != image.tags.end();
}

/// The references to images in a recorded resource.
std::vector<std::string> references_of(const RecordedResource& r) {
    std::vector<std::string> out;
    if (r.type == "docker.image") out = {r.attributes.text("id"), r.attributes.text("tag")};
    if ((r.type == "docker.stack" || r.type == "docker.compose") &&
        r.attributes["services"].is_map())
        for (const Entry& e : r.attributes["services"].as_map())
            out.push_back(e.value.text("image"));
    return out;
}

/// Whether a resource uses images of this host: a stack, those of all members of its swarm.
bool is_on(const RecordedResource& r, const DockerHost& host, const PriorState& prior) {
    if (r.type != "docker.stack") return same_place(r.attributes["host"], host.connection);
    const auto members = swarm_members(prior, r.attributes["hosts"]);
    return std::any_of(members.begin(), members.end(), [&](const DockerHost& member) {
        return same_place(member.connection, host.connection);
    });
}

void add_users(Inventory& inventory, const PriorState& prior) {
    for (const auto& [address, r] : prior.recorded) {
        const std::vector<std::string> references = references_of(r);
        if (references.empty() || !is_on(r, inventory.host, prior)) continue;
        for (HostImage& image : inventory.images)
            if (std::any_of(references.begin(), references.end(),
                            [&](const std::string& one) { return refers_to(one, image); }))
                image.users.push_back(address);
    }
}

} // namespace

std::string HostImage::shown() const {
    return !tags.empty() ? tags.front() : !digests.empty() ? digests.front() : "<none>";
}

std::string repository_of(const std::string& reference) {
    const std::string name = reference.substr(0, reference.find('@'));
    const std::size_t colon = name.rfind(':'), slash = name.rfind('/');
    const bool port = slash != name.npos && colon != name.npos && colon < slash;
    return colon == name.npos || port ? name : name.substr(0, colon);
}

std::vector<Inventory> read_inventories(const Context& context, const PriorState& prior) {
    std::vector<Inventory> out;
    for (DockerHost& host : docker_hosts(prior)) out.push_back({std::move(host), {}, {}});
    const StopOnSignal signal;
    HostShells shells(context, prior, signal.token());
    {
        std::vector<std::jthread> threads;
        for (Inventory& one : out)
            threads.emplace_back([&] {
                try {
                    parse_inventory(
                        shells.output_of(one.host.connection, std::string(kInventoryScript)), one);
                    add_users(one, prior);
                } catch (const Error& error) {
                    one.unread = error;
                } catch (const Interrupted&) { // reported below
                }
            });
    }
    if (stop_requested()) throw Interrupted();
    return out;
}

Leftovers leftovers(const Inventory& inventory, const PriorState& prior) {
    std::set<std::string> stacks, repositories;
    for (const auto& [address, r] : prior.recorded) {
        if (r.type == "docker.stack") stacks.insert(r.attributes.text("name"));
        for (const std::string& reference : references_of(r))
            if (!reference.starts_with("sha256:")) repositories.insert(repository_of(reference));
    }
    Leftovers out;
    std::set<std::string> gone, ran;
    for (const HostContainer& container : inventory.containers) {
        const bool ended = container.state == "exited" || container.state == "dead";
        if (!ended || !stacks.contains(container.stack)) continue;
        out.containers.push_back(container);
        gone.insert(container.id);
        ran.insert(container.image);
    }
    const auto ours = [&](const std::string& name) {
        return name.starts_with("hadeploy/") || repositories.contains(name);
    };
    for (const HostImage& image : inventory.images) {
        const bool unused = image.users.empty() &&
                            std::all_of(image.containers.begin(), image.containers.end(),
                                        [&](const std::string& id) { return gone.contains(id); });
        const bool made = image.names.empty()
                              ? ran.contains(image.id)
                              : std::all_of(image.names.begin(), image.names.end(), ours);
        if (unused && made) out.images.push_back(image);
    }
    return out;
}

} // namespace hadeploy::cli
