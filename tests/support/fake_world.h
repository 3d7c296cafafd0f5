#pragma once

#include "planner/plan/prior_state.h"
#include "provider_api/provider.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unistd.h>

/// Providers with objects in memory. Not covered: latency, objects that outlive a killed process,
/// partial writes.
namespace hadeploy::fake {

struct World {
    std::mutex mutex;
    std::map<std::string, Value> objects;      ///< by name
    std::map<std::string, std::string> owners; ///< identity by name
    std::set<std::string> broken;              ///< names whose change fails
    std::map<std::string, int> shaky; ///< names whose change fails that many times, then succeeds
    std::set<std::string> unreadable; ///< names whose read fails
    std::set<std::string> dead_hosts; ///< endpoints that do not answer
    std::vector<std::string> log;     ///< "create a", "read host1: a b", ...
    std::vector<std::string> batches; ///< "a b": names applied in one batch
    std::string dies_before;          ///< "create a": the process is killed before this
    std::size_t machines = 0;         ///< that were created
    bool talks = false;               ///< all messages contain names of objects

    std::vector<std::string> changes() {
        std::vector<std::string> out;
        for (const std::string& line : log)
            if (!line.starts_with("read ")) out.push_back(line);
        return out;
    }
};

/// `fake.thing`: name, value, size (replaces), token (computed), host (optional: a connection).
class Thing : public ResourceType {
  public:
    Thing() {
        name = "fake.thing";
        provider = "fake";
        summary = "A thing.";
        import_id = "the mark that it carries";
        warnings = {
            {"in_vain", "A value without effect.", [](const Value& config, Diagnostics& found) {
                 if (config.text("value") == "in vain")
                     found.add("it does nothing", config["value"].loc());
             }}};
        schema = {
            {.name = "name", .type = TypeKind::string, .required = true, .replaces = true},
            {.name = "value", .type = TypeKind::string},
            {.name = "size",
             .type = TypeKind::integer,
             .replaces = true,
             .default_value = Value(1)},
            {.name = "secret", .type = TypeKind::string, .secret = true},
            {.name = "labels", .type = map_of(TypeKind::string)},
            {.name = "host", .type = TypeKind::connection, .replaces = true},
            {.name = "peers", .type = map_of(TypeKind::connection), .operational = true},
            {.name = "token", .type = TypeKind::string, .computed = true},
            {.name = "shout", .type = TypeKind::string, .computed = true},
        };
    }
    Value derive(const Value& config) const override {
        const Value& v = config["value"];
        if (v.is_unknown()) return Value::map({{"shout", Value::unknown()}});
        return v.is_string() ? Value::map({{"shout", v.as_string() + "!"}}) : Value::map({});
    }
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string()) return {};
        return {"fake " + config.text("name")};
    }
};

/// Like fake.thing, but taken over when it exists and matches the spec.
class Adoptable : public Thing {
  public:
    Adoptable() {
        name = "fake.adoptable";
        adopts = true;
        import_id.clear();
    }
};

/// Like fake.thing, but slow to create, so that it has its own batches.
class Bulky : public Thing {
  public:
    Bulky() {
        name = "fake.slow";
        slow = true;
    }
};

/// `fake.look`: a data source that returns the value of the thing with a name.
class Look : public ResourceType {
  public:
    Look() {
        name = "fake.look";
        provider = "fake";
        summary = "A look at a thing.";
        data = true;
        schema = {
            {.name = "name", .type = TypeKind::string, .required = true},
            {.name = "value", .type = TypeKind::string, .computed = true},
        };
    }
};

/// `fake.machine`: exports a connection; `running` can be repaired.
class Machine : public ResourceType {
  public:
    Machine() {
        name = "fake.machine";
        provider = "fake";
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
};

/// `fake.host`: a pre-existing machine with a known host key.
class Host : public Machine {
  public:
    Host() {
        name = "fake.host";
        removal_ends_machine = false;
        adopts = true;
    }
    Value derive(const Value& config) const override {
        return Value::map({{"connection", Value::map({{"address", config.text("name")},
                                                      {"port", 22},
                                                      {"user", "ops"},
                                                      {"host_key", "given"}})}});
    }
};

/// `fake.disk`: a thing that holds data; its size is in bytes.
class Disk : public Thing {
  public:
    Disk() { name = "fake.disk"; }
    std::optional<DataLoss> held_data(const Value& disk) const override {
        return DataLoss{"the disk " + disk.text("name"), disk.integer("size")};
    }
};

/// `fake.copies`: data in `size` copies, each on one of its peers.
class Copies : public Disk {
  public:
    Copies() { name = "fake.copies"; }
    std::int64_t copies(const Value& disk) const override { return disk.integer("size"); }
};

/// `fake.server`: a machine with its own disk.
class Server : public Machine {
  public:
    Server() { name = "fake.server"; }
    std::optional<DataLoss> held_data(const Value& server) const override {
        return DataLoss{"the disk of " + server.text("name")};
    }
};

/// `fake.vm`: a machine that more `memory` restarts.
class Vm : public Machine {
  public:
    Vm() {
        name = "fake.vm";
        schema.push_back({.name = "memory", .type = TypeKind::integer, .default_value = Value(1)});
    }
    bool restarts(const Value& before, const Value& after) const override {
        return after.integer("memory") > before.integer("memory");
    }
};

/// `fake.package`: another `value` stops what runs on its host.
class Package : public Thing {
  public:
    Package() { name = "fake.package"; }
    bool restarts(const Value& before, const Value& after) const override {
        return before.text("value") != after.text("value");
    }
};

/// `fake.placed`: the provider chooses its `zone` and the `kind` of its `disk`, unless the spec
/// does. A new one is created before the old one is removed.
class Placed : public Thing {
  public:
    Placed() {
        name = "fake.placed";
        create_before_destroy = true;
        schema.push_back(
            {.name = "zone", .type = TypeKind::string, .filled = true, .replaces = true});
        schema.push_back(
            {.name = "disk",
             .type = object_of({{.name = "gib", .type = TypeKind::integer},
                                {.name = "kind", .type = TypeKind::string, .filled = true}})});
    }
    /// The object that the provider makes.
    static Value filled_by_provider(Value v) {
        if (!v["zone"].is_string()) v = v.with("zone", "zone-of-" + v.text("name"));
        if (v["disk"].is_map() && !v["disk"].has("kind"))
            v = v.with("disk", v["disk"].with("kind", "fast"));
        return v;
    }
};

/// `fake.member`: has a vote among its peers.
class Member : public Thing {
  public:
    Member() { name = "fake.member"; }
    std::string votes_in(const Value& config) const override {
        return config["peers"].is_map() ? "the group" : "";
    }
};

/// `fake.shared`: reached through any of its peers, which use it; they go before a smaller `size`
/// is applied. `online` can be repaired.
class Shared : public Thing {
  public:
    Shared() {
        name = "fake.shared";
        reached_through_created = true;
        for (Attribute& a : schema)
            if (a.name == "size") a.replaces = false;
        schema.push_back({.name = "online",
                          .type = TypeKind::boolean,
                          .default_value = Value(true),
                          .verb = "restart"});
    }
    std::int64_t copies(const Value& shared) const override { return shared.integer("size"); }
    bool releases(const Value& before, const Value& after) const override {
        return after.integer("size") < before.integer("size");
    }
};

class OpenEndpoint : public hadeploy::OpenEndpoint {
  public:
    OpenEndpoint(World& world, std::string host, std::string host_key)
        : world_(world), host_(std::move(host)), host_key_(std::move(host_key)) {}

    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        const std::lock_guard lock(world_.mutex);
        if (world_.dead_hosts.contains(host_))
            throw Error(ErrorKind::unreachable, host_ + " does not answer");
        check_host_key();
        std::string line = "read " + host_ + ":";
        std::vector<Observation> out;
        for (const ReadRequest& r : requests) {
            const std::string name = r.config.text("name");
            line += " " + name;
            out.push_back(see(name, r));
        }
        world_.log.push_back(line);
        return out;
    }

    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        note_batch(changes);
        bool failed = false;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            if (failed) {
                sink.not_begun(i);
                continue;
            }
            Value attributes;
            bool passes = false;
            {
                const std::lock_guard lock(world_.mutex);
                check_host_key();
                const Change& c = changes[i];
                const Value& config = c.kind == Change::Kind::remove ? c.before : c.after;
                const std::string name = config.text("name");
                const auto shaky = world_.shaky.find(name);
                passes = shaky != world_.shaky.end() && shaky->second-- > 0;
                failed = passes || world_.broken.contains(name);
                if (!failed) attributes = make(c, name);
            }
            if (world_.talks) sink.progress(i, said("at work", changes[i].after));
            if (passes)
                sink.failed(i, Error(ErrorKind::failed, "not now").as_transient());
            else if (failed)
                sink.failed(i, Error(ErrorKind::failed, said("it broke", changes[i].after)));
            else
                sink.done(i, std::move(attributes));
        }
    }

  private:
    std::string said(const std::string& text, const Value& config) const {
        return world_.talks ? config.text("name") + ": " + text : text;
    }

    /// Called with the mutex held. A machine that was replaced has a new host key.
    void check_host_key() const {
        const auto machine = world_.objects.find(host_);
        if (machine == world_.objects.end()) return;
        const std::string key = machine->second["connection"].text("host_key");
        if (!key.empty() && key != host_key_)
            throw Error(ErrorKind::unreachable, host_ + " presents an unexpected host key");
    }

    void note_batch(std::span<const Change> changes) {
        std::string names;
        for (const Change& c : changes)
            names += (names.empty() ? "" : " ") +
                     (c.kind == Change::Kind::remove ? c.before : c.after).text("name");
        const std::lock_guard lock(world_.mutex);
        world_.batches.push_back(names);
    }

    Observation see(const std::string& name, const ReadRequest& r) {
        if (world_.unreadable.contains(name))
            return Observation::failed(
                Error(ErrorKind::failed, said("it can't be read", r.config)));
        const auto it = world_.objects.find(name);
        if (it == world_.objects.end()) return Observation::absent();
        if (r.type->data) // only the result, without the config
            return Observation::present(Value::map({{"value", it->second["value"]}}));
        Observation o = Observation::present(it->second);
        if (!r.type->adopts && world_.owners[name] != r.identity)
            o.foreign = said("made by hand", r.config);
        return o;
    }

    Value make(const Change& c, const std::string& name) {
        static constexpr const char* verbs[] = {"create", "update", "remove"};
        const std::string line = std::string(verbs[static_cast<int>(c.kind)]) + " " + name;
        if (line == world_.dies_before) ::kill(::getpid(), SIGKILL);
        world_.log.push_back(line);
        if (c.kind == Change::Kind::remove) {
            world_.objects.erase(name);
            world_.owners.erase(name);
            return {};
        }
        Value v = c.after.with("token", "token-of-" + name);
        if (c.type->name == "fake.placed") v = Placed::filled_by_provider(std::move(v));
        if (c.type->machine && c.type->removal_ends_machine) {
            if (c.kind == Change::Kind::create) ++world_.machines;
            const std::string key = c.kind == Change::Kind::create
                                        ? "key-" + std::to_string(world_.machines) + "-of-" + name
                                        : world_.objects[name]["connection"].text("host_key");
            v = v.with("connection", v["connection"].with("host_key", key));
        }
        v = v.without("secret").without("peers");
        world_.objects[name] = v;
        world_.owners[name] = c.identity;
        return v;
    }

    World& world_;
    std::string host_, host_key_;
};

class Kind : public Provider {
  public:
    explicit Kind(World& world) : world_(world) {
        name = "fake";
        batches_changes = true;
    }
    std::vector<Endpoint> endpoints(const ResourceType& type, const Value& config,
                                    const Value&) const override {
        if (type.name == "fake.shared" && config["peers"].is_map()) {
            std::vector<Endpoint> out;
            for (const Entry& e : config["peers"].as_map())
                if (!e.value.contains_unknown()) // as the provider ssh
                    out.push_back({e.value.text("address"), e.value.text("machine"), e.value});
            return out;
        }
        const Value& host = config["host"];
        if (host.is_null()) return {{"cloud", "", {}}};
        if (!host.is_map() || host.contains_unknown()) return {}; // as the provider ssh
        return {{host.text("address"), host.text("machine"), host}};
    }
    std::shared_ptr<hadeploy::OpenEndpoint> open(const Endpoint& endpoint,
                                                 const ProviderContext&) override {
        return std::make_shared<OpenEndpoint>(world_, endpoint.key,
                                              endpoint.config.text("host_key"));
    }

  private:
    World& world_;
};

/// `fake.note`: text, token (computed). It exists only in the state.
class Note : public ResourceType {
  public:
    Note() {
        name = "fake.note";
        provider = "fake-state";
        summary = "A note.";
        schema = {
            {.name = "text", .type = TypeKind::string, .required = true},
            {.name = "paper", .type = TypeKind::string, .replaces = true},
            {.name = "token", .type = TypeKind::string, .computed = true},
        };
    }
};

class Notes : public hadeploy::OpenEndpoint {
  public:
    explicit Notes(World& world) : world_(world) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        std::vector<Observation> out;
        for (const ReadRequest& r : requests) out.push_back(observe_record(r));
        return out;
    }
    static Observation observe_record(const ReadRequest& r) {
        return r.recorded ? Observation::present(r.recorded->attributes) : Observation::absent();
    }
    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        std::string texts;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const Change& c = changes[i];
            const Value& v = c.kind == Change::Kind::remove ? c.before : c.after;
            texts += (texts.empty() ? "" : " ") + v.text("text");
            if (world_.broken.contains(v.text("text")))
                sink.failed(i, Error(ErrorKind::failed, "it broke"));
            else
                sink.done(i, v.with("token", c.identity));
        }
        const std::lock_guard lock(world_.mutex);
        world_.batches.push_back(texts);
    }

  private:
    World& world_;
};

class NoteProvider : public Provider {
  public:
    explicit NoteProvider(World& world) : world_(world) {
        name = "fake-state";
        state_only = true;
    }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {{"notes", "", {}}};
    }
    Observation observe_record(const ReadRequest& r) const override {
        return Notes::observe_record(r);
    }
    std::shared_ptr<hadeploy::OpenEndpoint> open(const Endpoint&, const ProviderContext&) override {
        return std::make_shared<Notes>(world_);
    }

  private:
    World& world_;
};

inline void add_to(Registry& registry, World& world) {
    registry.add(std::make_unique<NoteProvider>(world));
    registry.add(std::make_unique<Note>());
    registry.add(std::make_unique<Kind>(world));
    registry.add(std::make_unique<Thing>());
    registry.add(std::make_unique<Adoptable>());
    registry.add(std::make_unique<Bulky>());
    registry.add(std::make_unique<Disk>());
    registry.add(std::make_unique<Copies>());
    registry.add(std::make_unique<Server>());
    registry.add(std::make_unique<Look>());
    registry.add(std::make_unique<Vm>());
    registry.add(std::make_unique<Package>());
    registry.add(std::make_unique<Member>());
    registry.add(std::make_unique<Shared>());
    registry.add(std::make_unique<Placed>());
    registry.add(std::make_unique<Machine>());
    registry.add(std::make_unique<Host>());
}

} // namespace hadeploy::fake
