#include "ssh/host_case.h"
#include "planner/plan/decide.h"
#include "provider_api/normalize.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <atomic>
#include <unistd.h>

namespace hadeploy::test {

const Registry& registry() {
    static const Registry all = [] {
        Registry r;
        ssh::add_ssh_provider(r);
        ssh::add_host_types(r);
        r.add(ssh::docker::docker_compose_type());
        return r;
    }();
    return all;
}

const ssh::SshType& type_named(std::string_view name) {
    return dynamic_cast<const ssh::SshType&>(*registry().type(name));
}

namespace {
Value checked(std::string_view name, const Value& written, Diagnostics& diagnostics) {
    const ResourceType& type = *registry().type(name);
    Value config = normalize(type.schema, written, name, {}, {}, diagnostics);
    if (!diagnostics.empty()) return config;
    type.check(config, diagnostics);
    const Value derived = type.derive(config);
    for (const Entry& e : derived.as_map()) config = config.with(e.key, e.value);
    return config;
}
} // namespace

Value config_of(std::string_view type, const Value& written) {
    Diagnostics diagnostics;
    Value config = checked(type, written, diagnostics);
    diagnostics.throw_if_any();
    return config;
}

std::vector<std::string> problems_of(std::string_view type, const Value& written) {
    Diagnostics diagnostics;
    checked(type, written, diagnostics);
    std::vector<std::string> texts;
    for (const Error& error : diagnostics.list()) texts.push_back(error.message);
    return texts;
}

std::string key_line(std::string_view comment) {
    return fmt::format(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhsc"
        "HR4f {}",
        comment);
}

Value some_connection() {
    return Value::map(
        {{"address", "10.77.0.11"}, {"user", "root"}, {"host_key", "ssh-ed25519 AAAA"}});
}

Observation seen(std::string_view type, const Value& written, const std::string& out, int status,
                 const std::string& err) {
    ReadRequest request;
    request.address = "it";
    request.type = &type_named(type);
    request.config = config_of(type, written);
    request.identity = "0000";
    return type_named(type).parse(request, {status, out, err});
}

Managed::Managed(OpenEndpoint& endpoint, std::string type, Value written)
    : config(config_of(type, written)), endpoint_(endpoint), type_(std::move(type)) {
    static std::atomic<int> count{0};
    recorded_.identity = fmt::format("test-{}-{}", ::getpid(), ++count);
    recorded_.address = type_ + " under test";
}

Observation Managed::read() {
    ReadRequest request;
    request.address = recorded_.address;
    request.type = registry().type(type_);
    request.config = config;
    request.identity = recorded_.identity;
    if (known_) request.recorded = &recorded_;
    return endpoint_.read(std::span(&request, 1), {}).at(0);
}

Decision Managed::decision() {
    return decide(*registry().type(type_), config, known_ ? &recorded_ : nullptr, {}, read());
}

Value Managed::apply(Change change) {
    change.address = recorded_.address;
    change.type = registry().type(type_);
    change.identity = recorded_.identity;
    Results results(1);
    endpoint_.apply(std::span(&change, 1), results);
    if (results.errors[0]) throw *results.errors[0];
    known_ = change.kind != Change::Kind::remove;
    recorded_.config = change.after;
    recorded_.attributes = results.attributes[0];
    return results.attributes[0];
}

Value Managed::create() {
    Change change;
    change.after = config;
    return apply(std::move(change));
}

Value Managed::update(const Value& written, std::vector<std::string> changed) {
    config = config_of(type_, written);
    Change change;
    change.kind = Change::Kind::update;
    change.before = recorded_.attributes;
    if (const Observation now = read(); now.state == Observation::State::present)
        for (const Entry& e : now.attributes.as_map())
            change.before = change.before.with(e.key, e.value);
    change.after = config;
    change.changed = std::move(changed);
    return apply(std::move(change));
}

void Managed::remove() {
    Change change;
    change.kind = Change::Kind::remove;
    change.before = recorded_.attributes;
    apply(std::move(change));
}

} // namespace hadeploy::test
