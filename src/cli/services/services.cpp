#include "cli/services/services.h"

#include "core/did_you_mean.h"
#include "core/text.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::cli {

namespace {

std::vector<const Service*> matches(const std::string& text, const std::vector<Service>& services) {
    std::vector<std::string> addresses;
    for (const Service& s : services) addresses.push_back(s.address);
    const std::size_t slash = text.rfind('/');
    const std::string address =
        slash == text.npos ? "" : resolve_address(text.substr(0, slash), addresses);
    const std::string name = slash == text.npos ? text : text.substr(slash + 1);
    std::vector<const Service*> out;
    for (const Service& s : services)
        if ((name == s.name || name == s.full_name()) &&
            (slash == text.npos || address == s.address))
            out.push_back(&s);
    return out;
}

/// The shortest name that only this service has.
std::string unique_name(const Service& service, const std::vector<Service>& services) {
    for (const std::string& name : {service.name, service.full_name()})
        if (matches(name, services).size() == 1) return name;
    return fmt::format("{}/{}", service.address, service.name);
}

} // namespace

std::vector<Service> recorded_services(const PriorState& prior) {
    std::vector<Service> out;
    for (const auto& [address, r] : prior.recorded) {
        const bool swarm = r.type == "docker.stack";
        if ((!swarm && r.type != "docker.compose") || !r.attributes["services"].is_map()) continue;
        const Value hosts =
            swarm ? r.attributes["hosts"] : Value::map({{"", r.attributes["host"]}});
        for (const Entry& e : r.attributes["services"].as_map())
            out.push_back({address, r.attributes.text("name"), e.key, swarm, hosts});
    }
    return out;
}

const Service& service_named(const std::string& text, const std::vector<Service>& services) {
    const std::vector<const Service*> found = matches(text, services);
    if (found.size() == 1) return *found.front();
    std::vector<std::string> names;
    for (const Service& s : services) names.push_back(unique_name(s, services));
    if (found.size() > 1) {
        names.clear();
        for (const Service* s : found) names.push_back(unique_name(*s, services));
        throw Error(ErrorKind::usage, fmt::format("several services are named {}", in_quotes(text)))
            .with_hint(fmt::format("there are: {}", fmt::join(names, ", ")));
    }
    Error error(ErrorKind::usage, text.empty()
                                      ? "there is no service"
                                      : fmt::format("there is no service {}", in_quotes(text)));
    if (names.empty())
        throw error.with_hint("the state has no service of a docker.stack or docker.compose; "
                              "`hadeploy apply` deploys them");
    std::vector<std::string> spellings = names;
    for (const Service& s : services) spellings.push_back(s.full_name());
    if (const auto close = did_you_mean(text, spellings))
        throw error.with_hint(fmt::format("did you mean \"{}\"?", *close));
    throw error.with_hint(fmt::format("there are: {}", fmt::join(names, ", ")));
}

TaskName task_named(const std::string& text, const std::vector<Service>& services) {
    std::string name = text, node, slot;
    const auto known = [&] { return !matches(name, services).empty(); };
    if (const std::size_t at = name.rfind('@'); !known() && at != name.npos) {
        node = name.substr(at + 1);
        name.resize(at);
    }
    if (const std::size_t dot = name.rfind('.'); !known() && dot != name.npos) {
        const std::string number = name.substr(dot + 1);
        if (!number.empty() && number.find_first_not_of("0123456789") == number.npos) {
            slot = number;
            name.resize(dot);
        }
    }
    return {service_named(name, services), slot, node};
}

} // namespace hadeploy::cli
