#include "chaos/replicas.h"

#include "chaos/managers.h"

#include <algorithm>

namespace hadeploy::chaos {

std::vector<ReplicaSet> replica_sets(const Value& volume, const Value& seen) {
    std::vector<ReplicaSet> out;
    const auto size =
        static_cast<std::size_t>(std::max<std::int64_t>(1, volume.integer("replica", 1)));
    if (!volume["bricks"].is_list() || !seen.is_list()) return out;
    for (const Value& brick : volume["bricks"].as_list()) {
        if (out.empty() || out.back().bricks.size() == size)
            out.push_back({volume.text("name"), {}});
        const std::string name = brick.as_string();
        const bool online =
            std::any_of(seen.as_list().begin(), seen.as_list().end(), [&](const Value& b) {
                return b.text("volume") == volume.text("name") && b.text("brick") == name &&
                       b.flag("online");
            });
        out.back().bricks.push_back({name.substr(0, name.find(':')), online});
    }
    return out;
}

std::vector<ReplicaSet> Replicas::read() const {
    std::vector<ReplicaSet> out;
    for (const auto& [address, resource] : prior_.recorded) {
        if (resource.type != "gluster.volume") continue;
        const Value& volume = resource.attributes;
        if (volume.integer("replica", 1) < 2) continue; // has no quorum
        const ResourceType& type = type_named(endpoints_.registry(), "gluster.cluster");
        const ReadRequest request{
            "the Gluster pool",
            &type,
            Value::map({{"hosts", volume["hosts"]}, {"volumes", Value::list({volume["name"]})}}),
            nullptr,
            {}};
        try {
            Managers members(endpoints_, settings_, type, [&] { return volume["hosts"]; });
            members.try_each("no member of the Gluster pool answers", [&](OpenEndpoint& provider) {
                const Observation seen = provider.read({&request, 1}, {}).at(0);
                if (seen.error) throw Error(*seen.error);
                const bool unread = seen.attributes["bricks"].is_list() &&
                                    seen.attributes["bricks"].as_list().empty();
                if (unread) throw Error(ErrorKind::failed, "it does not list the bricks");
                for (ReplicaSet& set : replica_sets(volume, seen.attributes["bricks"]))
                    out.push_back(std::move(set));
            });
        } catch (const Error&) { // its quorum is not checked
        }
    }
    return out;
}

} // namespace hadeploy::chaos
