#pragma once

#include "core/process.h"
#include "provider_api/normalize.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/gluster_types.h"
#include "providers/ssh/ssh_type.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

// Shared by the tests of docker.* and gluster.*: their scripts are data, and so is the output of
// the scripts.
namespace hadeploy::test {

inline const ssh::SshType& cluster_type(std::string_view name) {
    static const Registry registry = [] {
        Registry all;
        ssh::add_docker_types(all);
        ssh::add_gluster_types(all);
        return all;
    }();
    const ResourceType* type = registry.type(name);
    REQUIRE(type != nullptr);
    return static_cast<const ssh::SshType&>(*type);
}

inline Value connection(const std::string& address) {
    return Value::map({{"address", address}, {"port", 22}, {"user", "root"}, {"machine", ""}});
}

inline Value three_hosts() {
    return Value::map({{"node1", connection("10.77.0.11")},
                       {"node2", connection("10.77.0.12")},
                       {"node3", connection("10.77.0.13")}});
}

/// The config with defaults and derived attributes, as passed to a provider.
inline Value normal(const ssh::SshType& type, const Value& config) {
    Diagnostics diagnostics;
    Value out = normalize(
        type.schema, config, type.name, {}, [](Loc, bool) { return "/"; }, diagnostics);
    for (const Error& e : diagnostics.list()) MESSAGE(e.message);
    REQUIRE(diagnostics.empty());
    for (const Entry& e : type.derive(out).as_map()) out = out.with(e.key, e.value);
    return out;
}

inline std::vector<std::string> complaints(const ssh::SshType& type, const Value& config) {
    Diagnostics diagnostics;
    type.check(config, diagnostics);
    std::vector<std::string> out;
    for (const Error& e : diagnostics.list()) out.push_back(e.message);
    return out;
}

inline constexpr const char* kIdentity = "11111111-2222-5333-8444-555555555555";

inline ReadRequest request_for(const ssh::SshType& type, const Value& config,
                               const RecordedResource* recorded = nullptr) {
    ReadRequest request;
    request.address = "it";
    request.type = &type;
    request.config = config;
    request.recorded = recorded;
    request.identity = kIdentity;
    return request;
}

inline RecordedResource record_of(const Value& attributes) {
    RecordedResource recorded;
    recorded.address = "it";
    recorded.config = recorded.attributes = attributes;
    recorded.identity = kIdentity;
    return recorded;
}

inline Change change_of(const ssh::SshType& type, Change::Kind kind, const Value& before,
                        const Value& after, std::vector<std::string> changed = {}) {
    return {kind, "it", &type, kIdentity, before, after, std::move(changed)};
}

/// Checks the syntax with dash: for example, every quote is closed.
inline void check_syntax(const std::string& script) {
    const ProcessResult result = run_process({.argv = {"sh", "-n"}, .input = script});
    INFO(result.err);
    CHECK(result.status == 0);
}

inline void check_syntax(const std::vector<ssh::Command>& commands) {
    for (const ssh::Command& command : commands) check_syntax(command.script);
}

inline std::string reply(int status, const std::string& body) {
    return "reply " + std::to_string(status) + " " + std::to_string(body.size()) +
           " Docker/20.10.24+dfsg1 (linux)\n" + body + "\n";
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace hadeploy::test
