#include "core/secrecy.h"
#include "core/value_json.h"
#include "providers/aws-ec2/aws_type.h"
#include "providers/aws-ec2/costs.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy::aws {

namespace {

constexpr const char* kFiles = "/2015-02-01/file-systems";
constexpr const char* kMounts = "/2015-02-01/mount-targets";
constexpr const char* kFileTags = "/2015-02-01/resource-tags/";
constexpr const char* kPageOfFiles = "100";

/// Converts JSON to elements; the members of a list become `<member>`.
void add_json(pugi::xml_node to, const Value& value) {
    if (value.is_map())
        for (const Entry& e : value.as_map()) add_json(to.append_child(e.key.c_str()), e.value);
    else if (value.is_list())
        for (const Value& one : value.as_list()) add_json(to.append_child("member"), one);
    else if (value.is_string())
        to.text().set(value.as_string().c_str());
    else if (!value.is_null())
        to.text().set(to_json(value).c_str());
}

/// The objects of a list from all pages.
std::vector<pugi::xml_node> all_of(Region& region, const char* action, RestRequest request,
                                   const char* list, pugi::xml_document& keep) {
    std::vector<pugi::xml_node> out;
    std::set<std::string> seen;
    const auto query = request.query;
    for (std::string marker;;) {
        if (!marker.empty()) request.query.emplace_back("Marker", marker);
        const Value answer = region.efs().rest(action, request, true);
        if (!answer[list].is_list())
            throw wrong_answer(fmt::format("{}:{}", kEfs.name, action),
                               fmt::format("the response has no {}", list));
        for (const Value& one : answer[list].as_list()) {
            pugi::xml_node node = keep.append_child("member");
            add_json(node, one);
            out.push_back(node);
        }
        marker = answer.text("NextMarker");
        if (marker.empty()) return out;
        if (!seen.insert(marker).second)
            throw wrong_answer(fmt::format("{}:{}", kEfs.name, action),
                               "the response refers to a page that was already read");
        request.query = query;
    }
}

/// Mount targets that are not being deleted.
std::vector<pugi::xml_node> mounts_of(const Item& item) {
    std::vector<pugi::xml_node> out;
    for (const pugi::xml_node& mount : item.root().child("mounts").children("member"))
        if (const std::string_view state = mount.child_value("LifeCycleState");
            state != "deleting" && state != "deleted")
            out.push_back(mount);
    return out;
}

bool is_among(const std::vector<std::string>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

void require_mount_zones(Region& region, const Value& config) {
    require_zones(region, config["subnets"], 1, "the file system");
}

bool is_missing(const ServiceError& error) {
    return error.is({"FileSystemNotFound", "MountTargetNotFound"});
}

class Efs final : public AwsType {
  public:
    Efs();
    std::string costs(const Value& config) const override {
        const std::string throughput = charged(config["throughput_mode"]);
        return joined_costs(
            {"file system by its contents", throughput.empty() ? "" : throughput + " throughput"});
    }
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_ids(config["subnets"], "subnet-", "a subnet", problems);
        check_ids(config["security_groups"], "sg-", "a security group", problems);
        if (config.text("performance_mode") == "maxIO" &&
            config.text("throughput_mode") == "elastic")
            problems.add("a file system with the performance mode maxIO cannot have elastic "
                         "throughput",
                         config["performance_mode"].loc());
    }
    std::optional<DataLoss> held_data(const Value& files) const override {
        return DataLoss{fmt::format("the file system {} and all files in it", files.text("id"))};
    }
    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override {
        return found(region, ids, "FileSystemId");
    }
    /// The creation token holds the identity.
    std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const override {
        return found(region, identities, "CreationToken");
    }
    [[nodiscard]] Params creation_tags(const Tags&) const override { return {}; }
    void retag(Region& region, const std::string& id, const Tags& set,
               const std::vector<std::string>& gone) const override;

    bool is_gone(const Item& item) const override {
        const std::string state = item.required("LifeCycleState");
        return state == "deleting" || state == "deleted";
    }
    std::string conflict(Region& region, const Value& config) const override {
        require_mount_zones(region, config);
        return {};
    }
    Value observed(Region& region, const Item& item, const Value& config) const override;
    std::string unready(const Item& item, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params) const override;
    bool needs_more(const Value& config) const override {
        return !texts_of(config["subnets"]).empty();
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value& before) const override;

  private:
    std::map<std::string, Item> found(Region& region, const std::vector<std::string>& wanted,
                                      const char* key) const;
    void set_mounts(Region& region, const Item& item, const Value& after,
                    const Notice& progress) const;
    static void unmount(Region& region, const std::string& mount);
    static std::map<std::string, Value> interface_groups(Region& region,
                                                         const std::vector<pugi::xml_node>& mounts);
    static std::vector<std::string> groups_of(Region& region, const std::string& mount);
};

/// Lists all file systems, because one unknown ID fails a request. The requested ones include their
/// mount targets.
std::map<std::string, Item> Efs::found(Region& region, const std::vector<std::string>& wanted,
                                       const char* key) const {
    std::map<std::string, Item> out;
    if (wanted.empty()) return out;
    pugi::xml_document files;
    for (const pugi::xml_node& node :
         all_of(region, names.describe, {.path = kFiles, .query = {{"MaxItems", kPageOfFiles}}},
                "FileSystems", files)) {
        Item item(node);
        const std::string its = item.required(key);
        if (!is_among(wanted, its)) continue;
        for (const pugi::xml_node& tag : node.child("Tags").children("member"))
            item.add_tag(tag.child_value("Key"), tag.child_value("Value"));
        try {
            pugi::xml_document mounts;
            pugi::xml_node list = item.root().append_child("mounts");
            for (const pugi::xml_node& mount :
                 all_of(region, "DescribeMountTargets",
                        {.path = kMounts,
                        .query = {{"FileSystemId", item.required(names.id)},
                                  {"MaxItems", kPageOfFiles}}},
                        "MountTargets", mounts))
                list.append_copy(mount);
        } catch (const ServiceError& error) { // deleted since the list was read
            if (!is_missing(error)) throw;
            continue;
        }
        const auto [place, fresh] = out.emplace(its, item);
        if (!fresh && is_gone(place->second)) place->second = item;
    }
    return out;
}

std::vector<std::string> Efs::groups_of(Region& region, const std::string& mount) {
    const char* action = "DescribeMountTargetSecurityGroups";
    const Value answer = region.efs().rest(
        action, {.path = fmt::format("{}/{}/security-groups", kMounts, mount)}, true);
    if (!answer["SecurityGroups"].is_list())
        throw wrong_answer(fmt::format("{}:{}", kEfs.name, action),
                           "the response has no SecurityGroups");
    return texts_of(answer["SecurityGroups"]);
}

/// The security groups of the mount targets, by network interface, with one request. Interfaces
/// that EC2 does not list are missing.
std::map<std::string, Value> Efs::interface_groups(Region& region,
                                                   const std::vector<pugi::xml_node>& mounts) {
    std::vector<std::string> ids;
    for (const pugi::xml_node& mount : mounts)
        if (const std::string id = mount.child_value("NetworkInterfaceId"); !id.empty())
            ids.push_back(id);
    std::map<std::string, Value> out;
    if (ids.empty()) return out;
    region.each("DescribeNetworkInterfaces",
                Params().filter("network-interface-id", ids).add("MaxResults", std::string("1000")),
                "networkInterfaceSet", [&](const pugi::xml_node& one) {
                    std::vector<std::string> groups;
                    for (const pugi::xml_node& group : one.child("groupSet").children("item"))
                        groups.emplace_back(group.child_value("groupId"));
                    out[one.child_value("networkInterfaceId")] = set_of_texts(std::move(groups));
                });
    return out;
}

Value Efs::observed(Region& region, const Item& item, const Value& config) const {
    std::vector<std::string> subnets;
    Value::Map addresses;
    Value groups;
    const std::vector<pugi::xml_node> mounts = mounts_of(item);
    std::map<std::string, Value> listed;
    if (config["security_groups"].is_list() && mounts.size() > 1)
        listed = interface_groups(region, mounts);
    for (const pugi::xml_node& mount : mounts) {
        subnets.emplace_back(mount.child_value("SubnetId"));
        addresses.push_back({mount.child_value("AvailabilityZoneName"),
                             Value(std::string(mount.child_value("IpAddress")))});
        // one mount target with different groups stands for all
        if (!config["security_groups"].is_list() ||
            !(groups.is_null() || groups == config["security_groups"]))
            continue;
        // a list that differs can be out of date
        const auto its = listed.find(mount.child_value("NetworkInterfaceId"));
        groups = its != listed.end() && its->second == config["security_groups"]
                     ? its->second
                     : set_of_texts(groups_of(region, mount.child_value("MountTargetId")));
    }
    Value there = set_of_texts(std::move(subnets));
    if (!(config["subnets"] == there)) require_mount_zones(region, config);
    std::sort(addresses.begin(), addresses.end(),
              [](const Entry& a, const Entry& b) { return a.key < b.key; });
    Value out = Value::map({{"encrypted", item.required("Encrypted") == "true"},
                            {"performance_mode", item.required("PerformanceMode")},
                            {"throughput_mode", item.text("ThroughputMode")},
                            {"subnets", std::move(there)},
                            {"mount_targets", Value::map(std::move(addresses))}});
    return groups.is_null() ? out : out.with("security_groups", groups);
}

std::string Efs::unready(const Item& item, const Value&) const {
    const std::string state = item.required("LifeCycleState");
    if (state == "error")
        throw Error(ErrorKind::failed, "AWS could not create the file system")
            .with_hint("to replace it in the next apply, run `hadeploy taint`");
    if (state != "available") return fmt::format("waiting for the file system, which is {}", state);
    for (const pugi::xml_node& mount : mounts_of(item)) {
        const std::string its = mount.child_value("LifeCycleState");
        if (its == "error")
            throw Error(ErrorKind::failed, fmt::format("AWS could not create the mount target {}",
                                                       mount.child_value("MountTargetId")))
                .with_hint("delete the mount target, then apply again");
        if (its != "available")
            return fmt::format("waiting for the mount target in {}, which is {}",
                               mount.child_value("AvailabilityZoneName"), its);
    }
    return {};
}

std::string Efs::create(Region& region, const Change& change, Params) const {
    const Value& config = change.after;
    require_mount_zones(region, config);
    Value::List tags;
    for (const auto& [key, value] : all_tags(region, change))
        tags.push_back(Value::map({{"Key", key}, {"Value", value}}));
    try {
        return region.efs()
            .rest("CreateFileSystem",
                  {.method = "POST",
                   .path = kFiles,
                   .body = Value::map({{"CreationToken", change.identity},
                                       {"Encrypted", config.flag("encrypted", true)},
                                       {"PerformanceMode", config.text("performance_mode")},
                                       {"ThroughputMode", config.text("throughput_mode")},
                                       {"Tags", Value::list(std::move(tags))}})},
                  true)
            .text("FileSystemId");
    } catch (const ServiceError& error) { // an earlier attempt created it
        if (!error.is({"FileSystemAlreadyExists"})) throw;
        for (const auto& [token, item] : by_identity(region, {change.identity}))
            return item.text(names.id);
        throw;
    }
}

void Efs::change(Region& region, const Item& item, const Value& before, const Value& after,
                 const Notice& progress) const {
    const std::string id = item.text(names.id);
    if (changes_from(before, after, "throughput_mode"))
        region.efs().rest("UpdateFileSystem",
                          {.method = "PUT",
                           .path = fmt::format("{}/{}", kFiles, id),
                           .body = Value::map({{"ThroughputMode", after.text("throughput_mode")}})},
                          true);
    if (changes_from(before, after, "subnets")) set_mounts(region, item, after, progress);
    if (!changes_from(before, after, "security_groups")) return;
    const std::vector<std::string> kept = texts_of(after["subnets"]);
    for (const pugi::xml_node& mount : mounts_of(item)) { // new ones already have them
        if (!is_among(kept, mount.child_value("SubnetId"))) continue;
        region.efs().rest("ModifyMountTargetSecurityGroups",
                          {.method = "PUT",
                           .path = fmt::format("{}/{}/security-groups", kMounts,
                                               mount.child_value("MountTargetId")),
                           .body = Value::map({{"SecurityGroups", after["security_groups"]}})},
                          true);
    }
}

void Efs::unmount(Region& region, const std::string& mount) {
    try {
        region.efs().rest("DeleteMountTarget",
                          {.method = "DELETE", .path = fmt::format("{}/{}", kMounts, mount)}, true);
    } catch (const ServiceError& error) {
        if (!is_missing(error)) throw;
    }
}

/// A zone has one mount target, so old ones are removed before new ones are created.
void Efs::set_mounts(Region& region, const Item& item, const Value& after,
                     const Notice& progress) const {
    const std::string id = item.text(names.id);
    const std::vector<std::string> wanted = texts_of(after["subnets"]);
    std::vector<std::string> have;
    for (const pugi::xml_node& mount : mounts_of(item)) {
        have.emplace_back(mount.child_value("SubnetId"));
        if (is_among(wanted, have.back())) continue;
        progress(fmt::format("removing the mount target in {}",
                             mount.child_value("AvailabilityZoneName")));
        unmount(region, mount.child_value("MountTargetId"));
    }
    // an earlier attempt may also have removed mount targets, or changed the mode
    progress("waiting until it can be mounted");
    wait_until(region, *this, id, "available", [&](const Item& one) {
        const auto all = one.root().child("mounts").children("member");
        return one.text("LifeCycleState") == "available" &&
               std::distance(all.begin(), all.end()) ==
                   static_cast<std::ptrdiff_t>(mounts_of(one).size());
    });
    for (const std::string& subnet : wanted) {
        if (is_among(have, subnet)) continue;
        Value body = Value::map({{"FileSystemId", id}, {"SubnetId", subnet}});
        if (!texts_of(after["security_groups"]).empty())
            body = body.with("SecurityGroups", after["security_groups"]);
        try {
            region.efs().rest("CreateMountTarget",
                              {.method = "POST", .path = kMounts, .body = std::move(body)}, true);
        } catch (const ServiceError& error) {
            // created by an attempt whose response was lost; otherwise the next plan finds it
            // missing
            if (!error.is({"MountTargetConflict"})) throw;
            const auto now = by_id(region, {id});
            const auto its = now.find(id);
            const auto mounts =
                its == now.end() ? std::vector<pugi::xml_node>() : mounts_of(its->second);
            if (std::none_of(mounts.begin(), mounts.end(), [&](const pugi::xml_node& mount) {
                    return subnet == mount.child_value("SubnetId");
                }))
                throw;
        }
    }
}

/// The file system can be deleted when its mount targets are gone. Until then AWS reports that it
/// is in use, and the removal is retried.
void Efs::remove(Region& region, const std::string& id, const Value&) const {
    for (const auto& [own, item] : by_id(region, {id}))
        for (const pugi::xml_node& mount : mounts_of(item))
            unmount(region, mount.child_value("MountTargetId"));
    region.efs().rest("DeleteFileSystem",
                      {.method = "DELETE", .path = fmt::format("{}/{}", kFiles, id)}, true);
}

void Efs::retag(Region& region, const std::string& id, const Tags& set,
                const std::vector<std::string>& gone) const {
    const std::string path = kFileTags + id;
    Value::List tags;
    for (const auto& [key, value] : set)
        tags.push_back(Value::map({{"Key", key}, {"Value", value}}));
    if (!tags.empty())
        region.efs().rest("TagResource",
                          {.method = "POST",
                           .path = path,
                           .body = Value::map({{"Tags", Value::list(std::move(tags))}})},
                          true);
    RestRequest removal{.method = "DELETE", .path = path};
    for (const std::string& key : gone) removal.query.emplace_back("tagKeys", key);
    if (!gone.empty()) region.efs().rest("UntagResource", removal, true);
}

Efs::Efs()
    : AwsType(kEfs,
              {.noun = "file system", .describe = "DescribeFileSystems", .id = "FileSystemId"}) {
    name = "aws.efs";
    summary = "A file system that many machines mount (EFS)";
    doc = "The identity is the creation token, so a file system is never created twice. The file "
          "system has a mount target in each of `subnets`; `mount_targets` exports their addresses "
          "by availability zone. Unlike the DNS name, an address can be used immediately. Mount "
          "targets and security groups change in place. If a mount target moves to a different "
          "subnet, the old one is removed first.\n\n"
          "Detected and repaired: mount targets, security groups, throughput mode and tags; a file "
          "system that is gone is created again, empty. Its files exist nowhere else, so you have "
          "to confirm its destruction. Destroy removes the mount targets, waits until they are "
          "gone, and then removes the file system.";
    import_id = "the file system ID (fs-...)";
    example = "files:\n"
              "  type: aws.efs\n"
              "  subnets: [\"${subnet_a.id}\", \"${subnet_b.id}\"]\n"
              "  security_groups: [\"${nfs.id}\"]\n";
    schema = with_common({
        {.name = "encrypted",
         .type = TypeKind::boolean,
         .doc = "Whether the file system is encrypted, with AWS's key for EFS.",
         .replaces = true,
         .default_value = Value(true)},
        {.name = "performance_mode",
         .type = TypeKind::string,
         .doc = "AWS advises against maxIO.",
         .replaces = true,
         .default_value = Value("generalPurpose"),
         .one_of = {"generalPurpose", "maxIO"}},
        {.name = "throughput_mode",
         .type = TypeKind::string,
         .doc = "`bursting`: the throughput follows the size. `elastic`: it follows the load. AWS "
                "allows one change per day.",
         .default_value = Value("bursting"),
         .one_of = {"bursting", "elastic"}},
        {.name = "subnets",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the subnets with a mount target, each in a different availability zone.",
         .default_value = Value::list({})},
        {.name = "security_groups",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the security groups of the mount targets. They have to allow port 2049. "
                "Default: the VPC's default group.",
         .min = 1},
        {.name = "mount_targets",
         .type = map_of(TypeKind::string),
         .doc = "IP addresses to mount, by availability zone.",
         .computed = true,
         .open = true,
         .changes_on_update = true},
    });
}

} // namespace

std::unique_ptr<ResourceType> efs_type() {
    return std::make_unique<Efs>();
}

} // namespace hadeploy::aws
