// Reads any bytes as the answer of a host. The input's first line names a resource type; the two
// streams of an exec with the boundary "B" follow, separated by a NUL. Each section, and both whole
// streams, are parsed as the output of the type's probe.
#include "fuzz.h"

#include "core/error.h"
#include "core/value_json.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"
#include "providers/ssh/framing.h"
#include "providers/ssh/provider.h"
#include "providers/ssh/ssh.h"

#include <map>
#include <vector>

using namespace hadeploy;
using namespace hadeploy::fuzz;
using namespace hadeploy::ssh;

namespace {

/// A configuration for each type; `host` and `hosts` are added if the type has them.
constexpr std::pair<const char*, const char*> kConfigs[] = {
    {"ssh.host", "{address: 10.77.0.11, user: root, private_key_file: /k}"},
    {"host.file", "{path: /etc/motd, content: hello}"},
    {"host.directory", "{path: /srv/app}"},
    {"host.hosts", "{entries: {node1: 10.77.0.11}}"},
    {"host.package", "{packages: [curl, jq]}"},
    {"host.service", "{name: cron}"},
    {"host.user", "{name: ops, groups: [sudo], authorized_keys: [ssh-ed25519 "
                  "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops]}"},
    {"host.group", "{name: ops}"},
    {"host.command", "{run: echo it}"},
    {"host.hostname", "{name: web-a}"},
    {"host.line", "{path: /etc/a, regexp: ^x=, line: x=1}"},
    {"host.block", "{path: /etc/a, content: x}"},
    {"host.mount", "{path: /mnt/a, source: '10.77.0.20:/', fs: nfs4}"},
    {"host.unit", "{name: app.service, content: '[Service]'}"},
    {"host.git", "{path: /srv/a, repository: /srv/b, ref: main, follow: true}"},
    {"mysql.database", "{name: app}"},
    {"mysql.user", "{name: app, password: word}"},
    {"docker.compose", "{name: app, content: 'services: {web: {image: web}}'}"},
    {"docker.engine", "{settings: {log-driver: json-file}}"},
    {"docker.image", "{id: 'sha256:00', tag: 'web:1'}"},
    {"docker.node", "{name: node1}"},
    {"docker.stack", "{name: app, content: 'services: {web: {image: web}}'}"},
    {"docker.cluster", "{}"},
    {"docker.drain", "{node: node1}"},
    {"gluster.pool", "{}"},
    {"gluster.volume", "{name: vol0, brick: /gluster/brick1, group: db-workload}"},
    {"gluster.mount", "{volume: vol0, path: /mnt/vol0, directories: {app: {owner: '0'}}}"},
};

Value connection(const char* address) {
    return Value::map({{"address", address}, {"port", 22}, {"user", "root"}, {"machine", ""}});
}

/// The configuration as passed to a provider.
Value config_of(const ResourceType& type, const char* yaml) {
    Sources sources;
    Diagnostics diagnostics;
    Value config = read_yaml(sources, sources.add("config", yaml), diagnostics);
    for (const Attribute& a : type.schema) {
        if (a.name == "host") config = config.with("host", connection("10.77.0.11"));
        if (a.name == "hosts" || a.name == "peers")
            config = config.with(a.name, Value::map({{"node1", connection("10.77.0.11")},
                                                     {"node2", connection("10.77.0.12")},
                                                     {"node3", connection("10.77.0.13")}}));
    }
    if (type.name == "docker.image") return config; // derived from an archive
    config = normalize(
        type.schema, config, type.name, {}, [](Loc, bool) { return "/"; }, diagnostics);
    for (const Error& error : diagnostics.list()) require(false, error.what());
    return config.with_all(type.derive(config));
}

/// A type to read, as a new and as a recorded resource.
struct PlannedRead {
    const SshType* type = nullptr;
    RecordedResource recorded;
    ReadRequest request;

    void look(const ProbeResult& result) {
        for (const RecordedResource* record : {static_cast<const RecordedResource*>(nullptr),
                                               static_cast<const RecordedResource*>(&recorded)}) {
            request.recorded = record;
            const Observation seen = observation_from(request, result);
            using enum Observation::State;
            require(seen.state != present || seen.attributes.is_map(),
                    "a present object has a map of attributes");
            require((seen.state != failed && seen.state != blocked) || bool(seen.error),
                    "what failed says why");
            (void)to_json(seen.attributes);
        }
    }
};

std::vector<PlannedRead>& reads() {
    static std::vector<PlannedRead> all = [] {
        static Registry registry;
        add_ssh(registry);
        std::vector<PlannedRead> out;
        for (const auto& [name, yaml] : kConfigs) {
            PlannedRead s;
            s.type = dynamic_cast<const SshType*>(registry.type(name));
            require(s.type != nullptr, name);
            s.request.address = "it";
            s.request.type = s.type;
            s.request.identity = "11111111-2222-5333-8444-555555555555";
            s.request.config = config_of(*s.type, yaml);
            s.recorded = {.address = "it",
                          .type = name,
                          .identity = s.request.identity,
                          .config = s.request.config,
                          .attributes = s.request.config.with("node_id", "n1")};
            out.push_back(std::move(s));
        }
        return out;
    }();
    return all;
}

PlannedRead& subject(std::string_view name) {
    for (PlannedRead& s : reads())
        if (s.type->name == name) return s;
    return reads()[std::hash<std::string_view>()(name) % reads().size()];
}

struct Answer {
    std::vector<SectionResult> sections;
    bool started = false, complete = false, refused = false;
    std::string start, notice, stray;
};

/// Reads both streams in pieces of `step` bytes.
Answer read(std::string_view out, std::string_view err, std::size_t step) {
    Answer answer;
    Frames frames("B", [&](std::size_t index, SectionResult result) {
        require(index == answer.sections.size(), "sections come once each, in their order");
        answer.sections.push_back(std::move(result));
    });
    try {
        for (std::size_t at = 0; at < std::max(out.size(), err.size()); at += step) {
            if (at < out.size()) frames.out(out.substr(at, step));
            if (at < err.size()) frames.err(err.substr(at, step));
        }
    } catch (const Error&) {
        answer.refused = true;
    }
    require(frames.finished() == answer.sections.size(), "each counted section was delivered");
    answer.started = frames.started();
    answer.complete = frames.complete();
    answer.start = frames.start();
    answer.notice = frames.notice();
    answer.stray = frames.stray();
    return answer;
}

/// Checks that an answer is the same however it is split.
void check_pieces(const Answer& a, const Answer& b) {
    require(a.refused == b.refused, "pieces: refused alike");
    require(a.sections.size() == b.sections.size(), "pieces: as many sections");
    for (std::size_t i = 0; i < a.sections.size(); ++i) {
        require(a.sections[i].status == b.sections[i].status, "pieces: the same status");
        require(a.sections[i].out == b.sections[i].out, "pieces: the same output");
        require(a.sections[i].err == b.sections[i].err, "pieces: the same errors");
    }
    if (a.refused) return; // refused at another byte, so the rest differs
    require(a.started == b.started && a.complete == b.complete, "pieces: as whole");
    require(a.start == b.start && a.notice == b.notice, "pieces: the same marks");
    require(a.stray == b.stray, "pieces: the same beside the marks");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    PlannedRead& it = subject(input.until('\n'));
    const std::string_view out = input.until('\0'), err = input.rest();
    const Answer whole = read(out, err, size + 1);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}})
        check_pieces(whole, read(out, err, step));
    for (const SectionResult& section : whole.sections)
        it.look({section.status, section.out, section.err});
    for (const int status : {0, 1, 2}) it.look({status, std::string(out), std::string(err)});
    return 0;
}
