#pragma once

#include "planner/plan/prior_state.h"
#include "provider_api/provider.h"
#include "support/memory_store.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <set>
#include <string>

/// Simulated objects with data, for random histories: a removed object loses its data, an object
/// breaks if one that it depends on is removed first, and a port has one owner. Not covered: real
/// latency, half-done effects.
namespace hadeploy::histories {

struct Object {
    std::string type;
    Value attributes;
    std::string owner;           ///< identity
    std::int64_t data = 0;       ///< a different number for each created object
    std::vector<std::string> on; ///< names of the objects that it depends on
    std::string host;            ///< name of its machine; "" if there is none
    bool diskless = false;       ///< a machine that has lost its disk
};

struct Removal {
    std::string name;
    std::vector<std::string> standing; ///< the objects that depended on it then
};

struct World {
    std::mutex mutex;
    fake::Fuse fuse;
    std::map<std::string, Object> objects; ///< by name and host: see key_of()
    std::set<std::string> broken;          ///< names whose changes fail
    std::int64_t made = 0;
    std::vector<Removal> removals;  ///< of one run
    std::vector<std::string> wrong; ///< violations

    /// Removes a machine together with everything on it.
    void remove(const std::string& key) {
        Removal removal{key, {}};
        const std::string name = objects.at(key).attributes.text("name");
        const auto has_name = [&](const auto& o) {
            return o.second.attributes.text("name") == name;
        };
        const bool alone = std::count_if(objects.begin(), objects.end(), has_name) == 1;
        for (const auto& [other, o] : objects)
            if (alone && std::find(o.on.begin(), o.on.end(), name) != o.on.end())
                removal.standing.push_back(other);
        removals.push_back(std::move(removal));
        objects.erase(key);
        std::erase_if(objects, [&](const auto& o) { return o.second.host == key; });
    }
};

/// "a", or "a@m" for an object on a machine: different machines can have objects with the same
/// name.
inline std::string key_of(const std::string& name, const std::string& host) {
    return host.empty() ? name : name + "@" + host;
}
inline std::string host_of(const Value& config) {
    return config["host"].is_map() ? config["host"].text("address") : "";
}
inline std::string key_of(const Value& config) {
    return key_of(config.text("name"), host_of(config));
}

inline bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

inline std::vector<std::string> names_in(const Value& list) {
    std::vector<std::string> out;
    if (list.is_list())
        for (const Value& v : list.as_list()) out.push_back(v.as_string());
    return out;
}

/// `t.block`: name, size and host replace it; value, port, `on` and hidden, which cannot be read,
/// are changed in place. A failed update or removal damages `hidden`.
class BlockType : public ResourceType {
  public:
    BlockType() {
        name = "t.block";
        provider = "t";
        summary = "A block.";
        schema = {
            {.name = "name", .type = TypeKind::string, .required = true, .replaces = true},
            {.name = "size",
             .type = TypeKind::integer,
             .replaces = true,
             .default_value = Value(1)},
            {.name = "value", .type = TypeKind::string},
            {.name = "hidden", .type = TypeKind::integer}, // cannot be read
            {.name = "port", .type = TypeKind::integer, .default_value = Value(0)},
            {.name = "on", .type = list_of(TypeKind::string)},
            {.name = "host", .type = TypeKind::connection, .replaces = true},
            {.name = "token", .type = TypeKind::string, .computed = true},
        };
    }
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || config["host"].is_unknown()) return {};
        std::vector<std::string> out{"block " + key_of(config)};
        if (config.integer("port") > 0)
            out.push_back(fmt::format("port {} of {}", config.integer("port"), host_of(config)));
        return out;
    }
};

/// The same, adopted if it exists and matches the spec.
class FoundType : public BlockType {
  public:
    FoundType() {
        name = "t.found";
        adopts = true;
    }
};

class MachineType : public ResourceType {
  public:
    MachineType() {
        name = "t.machine";
        provider = "t";
        summary = "A machine.";
        machine = true;
        removal_ends_machine = true;
        schema = {
            {.name = "name", .type = TypeKind::string, .required = true, .replaces = true},
            {.name = "size",
             .type = TypeKind::integer,
             .replaces = true,
             .default_value = Value(1)},
            {.name = "running",
             .type = TypeKind::boolean,
             .default_value = Value(true),
             .verb = "start"},
            {.name = "connection", .type = TypeKind::connection, .computed = true},
        };
    }
    Value derive(const Value& config) const override {
        return Value::map({{"connection", Value::map({{"address", config.text("name")},
                                                      {"port", 22},
                                                      {"user", "ops"},
                                                      {"host_key", Value::unknown()}})}});
    }
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string()) return {};
        return {"machine " + config.text("name")};
    }
};

class OpenEndpoint : public hadeploy::OpenEndpoint {
  public:
    OpenEndpoint(World& world, Endpoint endpoint) : world_(world), endpoint_(std::move(endpoint)) {}

    std::vector<Observation> read(std::span<const ReadRequest> requests, const Notice&) override {
        const std::lock_guard lock(world_.mutex);
        log_in();
        std::vector<Observation> out;
        for (const ReadRequest& r : requests) out.push_back(see(r));
        return out;
    }

    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        bool failed = false;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            std::optional<Error> error;
            Value attributes;
            if (failed) error = Error(ErrorKind::failed, "not begun");
            try {
                const std::lock_guard lock(world_.mutex);
                if (!error) {
                    log_in();
                    world_.fuse.effect();
                    attributes = make(changes[i]);
                }
            } catch (Error& e) {
                error = std::move(e);
            }
            failed = error.has_value();
            if (error)
                sink.failed(i, std::move(*error));
            else
                sink.done(i, std::move(attributes));
        }
    }

  private:
    void log_in() const {
        if (endpoint_.machine.empty() && endpoint_.key == "cloud") return;
        const auto it = world_.objects.find(endpoint_.config.text("address"));
        if (it == world_.objects.end() || !it->second.attributes.flag("running") ||
            it->second.diskless)
            throw Error(ErrorKind::unreachable, endpoint_.key + " does not answer");
        const Value& key = it->second.attributes["connection"]["host_key"];
        if (!(key == endpoint_.config["host_key"]))
            throw Error(ErrorKind::unreachable, endpoint_.key + " has another host key");
    }

    Observation see(const ReadRequest& r) const {
        const auto it = world_.objects.find(key_of(r.config));
        if (it == world_.objects.end()) return Observation::absent();
        Observation out =
            Observation::present(it->second.attributes.without("host").without("hidden"));
        if (it->second.type != r.type->name)
            out.foreign = "it is a " + it->second.type;
        else if (!r.type->adopts && it->second.owner != r.identity)
            out.foreign = "made by hand";
        else if (it->second.diskless)
            out.replace_reason = "the disk is gone";
        return out;
    }

    Value make(const Change& c) {
        const Value& config = c.kind == Change::Kind::remove ? c.before : c.after;
        const std::string name = key_of(config);
        const auto it = world_.objects.find(name);
        if (world_.broken.contains(name)) { // after half of it was done
            const bool touched = c.kind == Change::Kind::remove || has(c.changed, "hidden");
            if (it != world_.objects.end() && c.kind != Change::Kind::create && touched)
                it->second.attributes = it->second.attributes.with("hidden", -1);
            throw Error(ErrorKind::failed, "it broke");
        }
        if (c.kind == Change::Kind::remove) {
            if (it == world_.objects.end()) return {};
            if (it->second.owner != c.identity && !c.type->adopts)
                world_.wrong.push_back(name + " was removed by somebody else");
            world_.remove(name);
            return {};
        }
        if (it != world_.objects.end() && c.kind == Change::Kind::create &&
            (it->second.type != c.type->name ||
             (it->second.owner != c.identity && !c.type->adopts)))
            throw Error(ErrorKind::conflict, name + " exists");
        if (it == world_.objects.end() && c.kind == Change::Kind::update)
            throw Error(ErrorKind::failed, name + " is not there");
        if (config.integer("port") > 0)
            for (const auto& [other, o] : world_.objects)
                if (other != name && o.host == host_of(config) &&
                    o.attributes["port"] == config["port"])
                    throw Error(ErrorKind::conflict, "port in use");
        Object& o = world_.objects[name];
        if (o.diskless && c.kind == Change::Kind::create) o = {}; // it was never complete
        if (o.data == 0) o.data = ++world_.made;
        if (o.diskless) world_.wrong.push_back(name + " was changed without its disk");
        Value v = config; // an update sets the wanted values
        if (c.kind == Change::Kind::update && !has(c.changed, "hidden"))
            v = v.with("hidden", o.attributes["hidden"]);
        if (c.type->machine) {
            const Value& was = o.attributes["connection"];
            const Value key = was.is_map() ? was["host_key"] : Value(fmt::format("key{}", o.data));
            v = v.with("connection", v["connection"].with("host_key", key));
        } else {
            v = v.with("token", fmt::format("token{}", o.data));
        }
        o.type = c.type->name;
        o.attributes = v;
        o.owner = c.identity;
        o.on = names_in(config["on"]);
        o.host = host_of(config);
        return v;
    }

    World& world_;
    const Endpoint endpoint_;
};

class Kind : public Provider {
  public:
    explicit Kind(World& world) : world_(world) {
        name = "t";
        batches_changes = true;
    }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value& config,
                                    const Value&) const override {
        const Value& host = config["host"];
        if (host.is_null()) return {{"cloud", "", {}}};
        if (!host.is_map() || host["address"].is_unknown() || host["host_key"].is_unknown())
            return {};
        return {{fmt::format("{} {}", host.text("address"), host.text("host_key")),
                 host.text("machine"), host}};
    }
    std::shared_ptr<hadeploy::OpenEndpoint> open(const Endpoint& endpoint,
                                                 const ProviderContext&) override {
        return std::make_shared<OpenEndpoint>(world_, endpoint);
    }

  private:
    World& world_;
};

inline void add_to(Registry& registry, World& world) {
    registry.add(std::make_unique<Kind>(world));
    registry.add(std::make_unique<BlockType>());
    registry.add(std::make_unique<FoundType>());
    registry.add(std::make_unique<MachineType>());
}

} // namespace hadeploy::histories
