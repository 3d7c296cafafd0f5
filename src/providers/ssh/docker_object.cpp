#include "providers/ssh/docker_object.h"

#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::ssh::docker {

namespace {
/// How long a removal waits while something still uses the object. Docker frees an object some time
/// after the last container or task has ended.
constexpr std::chrono::seconds kInUsePatience{20};

const nlohmann::json& labels_of(const nlohmann::json& object) {
    static const nlohmann::json none = nlohmann::json::object();
    const nlohmann::json* holder = &object;
    if (object.contains("Spec") && object["Spec"].is_object()) holder = &object["Spec"];
    const auto labels = holder->find("Labels");
    return labels != holder->end() && labels->is_object() ? *labels : none;
}

std::string first_text(const nlohmann::json& object, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
        if (const auto found = object.find(key); found != object.end() && found->is_string())
            return found->get<std::string>();
    return "";
}

/// The list of a response: an array, or the volumes in a map. nullptr if it has another form.
const nlohmann::json* list_in(const nlohmann::json& body) {
    static const nlohmann::json none = nlohmann::json::array();
    const nlohmann::json* list = &body;
    if (body.is_object() && body.contains("Volumes")) list = &body["Volumes"];
    if (list != &body && list->is_null()) return &none;
    const bool right =
        list->is_array() &&
        std::all_of(list->begin(), list->end(), [](const auto& one) { return one.is_object(); });
    return right ? list : nullptr;
}

/// Why the replies to `count` requests do not show the state of an object. nullopt if they do.
std::optional<Observation> no_list(const std::string& what, bool recorded, std::size_t count,
                                   const std::vector<Reply>& replies, const std::string& err) {
    const auto failed = [&](const std::string& why) {
        return Observation::failed(Error(ErrorKind::failed, fmt::format("{}: {}", what, why)));
    };
    for (const Reply& reply : replies) {
        const std::string message = reply.status == 200 ? "" : reply.message();
        if (message.find("not a swarm manager") != std::string::npos) {
            if (!recorded) return Observation::absent(); // the swarm does not exist yet
            return Observation::blocked(
                Error(ErrorKind::failed,
                      what + ": the host from which it is read is not a swarm manager")
                    .with_hint("list the managers first in `hosts`"));
        }
        if (message.find("does not have a leader") != std::string::npos)
            return Observation::blocked(
                Error(ErrorKind::failed, what + ": the swarm has lost its quorum")
                    .with_hint("start the other managers"));
        if (!message.empty()) return failed(message);
        if (list_in(reply.body) == nullptr)
            return failed("Docker answered with something other than a list");
    }
    if (replies.size() < count) return failed("Docker does not answer: " + err);
    return std::nullopt;
}
} // namespace

std::string realm_of(const Value& config) {
    if (config["host"].is_map()) return place_of(config["host"]);
    const Value& hosts = config["hosts"];
    if (!hosts.is_map() || hosts.as_map().empty()) return "";
    const std::string place = place_of(hosts.as_map().front().value);
    return place.empty() ? "" : "the swarm of " + place;
}

std::vector<nlohmann::json> objects_in(const std::vector<Reply>& replies) {
    std::vector<nlohmann::json> out;
    for (const Reply& reply : replies) {
        const nlohmann::json* list = list_in(reply.body);
        if (list == nullptr) continue;
        for (const nlohmann::json& object : *list) {
            const bool known = std::any_of(out.begin(), out.end(), [&](const auto& other) {
                return id_of(other) == id_of(object);
            });
            if (!known) out.push_back(object);
        }
    }
    return out;
}

std::string name_of(const nlohmann::json& object) {
    if (object.contains("Spec") && object["Spec"].is_object())
        return first_text(object["Spec"], {"Name"});
    if (const auto names = object.find("Names"); // of a container: with a slash
        names != object.end() && names->is_array() && !names->empty() && names->front().is_string())
        return names->front().get<std::string>().substr(1);
    return first_text(object, {"Name"});
}

std::string id_of(const nlohmann::json& object) {
    return first_text(object, {"Id", "ID", "Name"}); // a volume only has a name
}

Attribute managers_of_swarm() {
    return {.name = "hosts",
            .type = map_of(TypeKind::connection),
            .doc = "Managers of the swarm. hadeploy uses the first one that responds.",
            .required = true,
            .operational = true,
            .min = 1};
}

Attribute labels_attribute() {
    return {.name = "labels",
            .type = map_of(TypeKind::string),
            .doc = "Labels of the object. hadeploy adds its own, `hadeploy.identity`.",
            .default_value = Value::map({})};
}

void check_labels(const Value& config, Diagnostics& diagnostics) {
    const Value& labels = config["labels"];
    if (!labels.is_map()) return;
    for (const Entry& e : labels.as_map())
        if (e.key.empty() || e.key.starts_with("hadeploy."))
            diagnostics
                .add(fmt::format("{} is not a label that can be set", quoted(labels, e.key)), e.loc)
                .with_hint("hadeploy uses labels that begin with `hadeploy.`; choose a different "
                           "name");
}

nlohmann::json json_map(const Value& map) {
    nlohmann::json out = nlohmann::json::object();
    if (map.is_map())
        for (const Entry& e : map.as_map()) out[e.key] = e.value.as_string();
    return out;
}

Value seen_map(const nlohmann::json& object, const ReadRequest& request,
               std::string_view attribute) {
    Value::Map out;
    if (!object.is_object()) return Value::map(std::move(out));
    const Value recorded = request.recorded ? request.recorded->attributes[attribute] : Value();
    for (const auto& [key, value] : object.items())
        if (request.config[attribute].has(key) || recorded.has(key))
            out.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
    return Value::map(std::move(out));
}

std::vector<std::string> ObjectType::claims(const Value& config) const {
    const std::string realm = realm_of(config), object = object_name(config);
    if (realm.empty() || object.empty()) return {};
    return {
        fmt::format("the {} {} {} {}", noun, object, config["host"].is_map() ? "on" : "of", realm)};
}

std::vector<std::string> ObjectType::needs(const Value& config) const {
    if (config["host"].is_map()) return claim_of_host(config, "Docker on");
    std::vector<std::string> out;
    for (const Value& host : connections(config["hosts"]))
        for (const std::string_view what : {"swarm membership of", "Docker on"})
            out.push_back(fmt::format("{} {}", what, place_of(host)));
    return out;
}

std::vector<std::string> ObjectType::paths(const ReadRequest& request) const {
    std::vector<std::string> out{
        listed + filter("label", fmt::format("{}={}", kIdentityLabel, request.identity))};
    if (const std::string object = object_name(request.config); !object.empty())
        out.push_back(listed + filter("name", object));
    return out;
}

std::string ObjectType::probe(const ReadRequest& request) const {
    return functions() + fmt::format("set -- {}\n", quoted(paths(request))) +
           std::string(scripts::docker_object_probe);
}

bool ObjectType::is_ours(const nlohmann::json& object, const std::string& identity) const {
    const nlohmann::json& labels = labels_of(object);
    if (const auto label = labels.find(kIdentityLabel); label != labels.end())
        return *label == identity;
    return has_imported_ids && id_of(object) == identity;
}

Observation ObjectType::parse(const ReadRequest& request, const ProbeResult& result) const {
    const std::string object = object_name(request.config);
    const std::string what = fmt::format("the {} {}", noun, named(request.config, "name"));
    if (result.status != 0) return cannot_look(what, result);
    if (result.out.starts_with("none")) return Observation::absent();
    const bool recorded = request.recorded != nullptr;
    if (result.out.starts_with("stopped")) {
        if (!recorded) return Observation::absent();
        return Observation::blocked(
            Error(ErrorKind::failed, what + " cannot be read: Docker does not run on the host")
                .with_hint("start it (systemctl start docker), or add a docker.engine on which "
                           "this resource depends"));
    }
    const std::vector<Reply> replies = parse_replies(result.out);
    if (auto none =
            no_list(what + " cannot be read", recorded, paths(request).size(), replies, result.err))
        return *none;
    const std::vector<nlohmann::json> all = objects_in(replies);
    for (const nlohmann::json& one : all)
        if (is_ours(one, request.identity))
            return Observation::present(attributes_of(one, request));
    for (const nlohmann::json& one : all) {
        if (object.empty() || name_of(one) != object) continue;
        Observation seen = Observation::present(attributes_of(one, request));
        const std::string shown = redacted(request.config["name"], object);
        seen.foreign = fmt::format("the {} {} was not created by this resource; to remove it: "
                                   "docker {} rm {}",
                                   noun, shown, noun, shown);
        return seen;
    }
    return Observation::absent();
}

std::string ObjectType::change_script(std::string_view action, const Value& config,
                                      const std::string& identity) const {
    ReadRequest request;
    request.config = config;
    request.identity = identity;
    return functions() + std::string(scripts::docker_stack_json) +
           fmt::format("action={}\nkind={}\nname={}\nidentity={}\nby_id={}\npath={}\n"
                       "in_use={}\npatience={}\nset -- {}\n",
                       action, noun, shell_quote(object_name(config)), shell_quote(identity),
                       has_imported_ids ? "yes" : "''", path, shell_quote(in_use),
                       kInUsePatience.count(), quoted(ObjectType::paths(request))) +
           std::string(scripts::docker_object_change);
}

std::vector<Command> ObjectType::commands(const Change& change) const {
    const bool remove = change.kind == Change::Kind::remove;
    const Value& config = remove ? change.before : change.after;
    const char* action = remove                                ? "remove"
                         : change.kind == Change::Kind::create ? "create"
                                                               : "update";
    nlohmann::json labels = json_map(config["labels"]);
    labels[kIdentityLabel] = change.identity;
    return {{.script = change_script(action, config, change.identity),
             .input = remove ? "" : body(config, labels, change.kind).dump(),
             .step = fmt::format("{} the {} {}",
                                 remove                                ? "removing"
                                 : change.kind == Change::Kind::create ? "creating"
                                                                       : "changing",
                                 noun, named(config, "name")),
             .waits = remove ? kInUsePatience : std::chrono::seconds(0)}};
}

} // namespace hadeploy::ssh::docker
