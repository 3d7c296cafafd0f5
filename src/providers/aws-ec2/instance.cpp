#include "providers/aws-ec2/costs.h"
#include "providers/aws-ec2/ec2_type.h"

#include "providers/aws-ec2/launch.h"

#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr int kMostTokens = 5;
constexpr std::size_t kMostStatuses = 100; ///< instances of a DescribeInstanceStatus
constexpr const char* kChecks = "hadeploy-checks";

std::string state_of(const Item& item) {
    return item.text("instanceState/name");
}

/// The checks of an instance that have not succeeded: "system initializing, instance initializing";
/// "ok" if all have.
std::string checks_in(const Item& status) {
    std::string out;
    for (const auto& [check, path] : {std::pair{"system", "systemStatus/status"},
                                      {"instance", "instanceStatus/status"},
                                      {"volume", "attachedEbsStatus/status"}}) {
        const bool always = std::string_view(check) != "volume"; // only of newer instance types
        const std::string state = always ? status.required(path) : status.text(path);
        if (state.empty() || state == "ok" || state == "not-applicable") continue;
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", check, state);
    }
    return out.empty() ? "ok" : out;
}

bool waits_for_checks(const Value& config) {
    return config.text("wait_for") == "checks" && config.flag("running", true);
}

/// The ID of the volume from which an instance boots.
std::string root_disk(const Item& item) {
    for (const pugi::xml_node& disk : item.root().child("blockDeviceMapping").children("item"))
        if (item.text("rootDeviceName") == disk.child_value("deviceName"))
            return disk.child("ebs").child_value("volumeId");
    throw Error(ErrorKind::failed,
                fmt::format("the instance {} has no root volume", item.text("instanceId")));
}

class Instance final : public Ec2Type {
  public:
    Instance();
    std::string costs(const Value& config) const override {
        return joined_costs({charged(config["instance_type"]), disk_costs(root_disk_of(config)),
                             config.flag("public_ip") ? "public IPv4 address" : ""});
    }
    Value derive(const Value& config) const override {
        return Value::map({{"connection", connection(config, Value::unknown())}});
    }
    bool restarts(const Value& before, const Value& after) const override {
        return before.flag("running", true) && changes_from(before, after, "instance_type");
    }
    std::optional<DataLoss> held_data(const Value& instance) const override {
        return DataLoss{fmt::format("the root volume of the instance {}", instance.text("id"))};
    }
    void check_own(const Value& config, Diagnostics& problems) const override;
    void unfold(const pugi::xml_node& item,
                const std::function<void(const pugi::xml_node&)>& take) const override {
        if (!item.child("instancesSet"))
            throw wrong_answer("ec2:DescribeInstances",
                               "the response has a reservation without its <instancesSet>");
        for (const pugi::xml_node& one : item.child("instancesSet").children("item")) take(one);
    }
    bool is_gone(const Item& item) const override {
        return state_of(item) == "terminated" || state_of(item) == "shutting-down";
    }
    Value observed(Region& region, const Item& item, const Value& config) const override;
    [[nodiscard]] std::chrono::milliseconds limit_of(const Value& config) const override {
        return waits_for_checks(config) ? 2 * limit : limit;
    }
    void add_status(Region& region, const std::vector<Awaited>& objects) const override;
    std::string unready(const Item& item, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params params) const override;
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("TerminateInstances", Params().add("InstanceId.1", id), true);
    }

  private:
    static Value connection(const Value& config, const Value& address) {
        Value out = Value::map({{"address", address}, {"port", 22}, {"user", config["user"]}});
        if (config["private_key_file"].is_string())
            out = out.with("private_key_file", config["private_key_file"]);
        if (!config["host_key"].is_null()) out = out.with("host_key", config["host_key"]);
        return out;
    }
    void set(Region& region, const std::string& id, const std::string& name,
             const std::string& value) const {
        region.change("ModifyInstanceAttribute", Params().add("InstanceId", id).add(name, value),
                      true);
    }
    void resize(Region& region, const Item& item, const Value& after, const Notice& progress) const;
};

void Instance::check_own(const Value& config, Diagnostics& problems) const {
    check_id(config["subnet"], "subnet-", "a subnet", problems);
    check_launch(config, problems);
}

Value Instance::observed(Region&, const Item& item, const Value& config) const {
    std::vector<std::string> groups;
    for (const pugi::xml_node& group : item.root().child("groupSet").children("item"))
        groups.emplace_back(group.child_value("groupId"));
    const std::string state = item.required("instanceState/name"),
                      profile = item.text("iamInstanceProfile/arn");
    const std::string outside = item.text("ipAddress"), inside = item.text("privateIpAddress");
    const bool by_public = config.text("login_by", "public") == "public" && !outside.empty();
    Value out = Value::map({
        {"image", item.required("imageId")},
        {"instance_type", item.required("instanceType")},
        {"subnet", item.required("subnetId")},
        {"availability_zone", item.text("placement/availabilityZone")},
        {"security_groups", set_of_texts(std::move(groups))},
        {"private_address", inside},
        {"public_address", outside},
        {"running", state == "running" || state == "pending"},
        {"connection", connection(config, by_public ? outside : inside)},
    });
    if (const std::string key = item.text("keyName"); !key.empty()) out = out.with("key", key);
    if (const std::string tokens = item.text("metadataOptions/httpTokens"); !tokens.empty())
        out = out.with("metadata_tokens", tokens);
    if (!profile.empty()) out = out.with("iam_profile", profile.substr(profile.rfind('/') + 1));
    // the rest is not read back: the config's own value never differs from it
    if (config.text("user_data_change") == "ignore" && !config["user_data"].is_null())
        out = out.with("user_data", config["user_data"]);
    return out;
}

std::string Instance::unready(const Item& item, const Value& config) const {
    const std::string state = state_of(item);
    if (is_gone(item))
        throw Error(ErrorKind::failed,
                    fmt::format("the instance {} terminated while it was starting: {}",
                                item.text("instanceId"), item.text("stateReason/message")));
    if (state != (config.flag("running", true) ? "running" : "stopped"))
        return fmt::format("waiting for the instance, which is {}", state);
    if (!waits_for_checks(config)) return {};
    const std::string checks = item.text(kChecks);
    if (checks == "ok") return {};
    return fmt::format("waiting for the status checks{}", checks.empty() ? "" : ": " + checks);
}

/// EC2 lists the status of an instance once it is running.
void Instance::add_status(Region& region, const std::vector<Awaited>& objects) const {
    std::map<std::string, Item*> asked;
    for (const Awaited& one : objects)
        if (waits_for_checks(*one.config) && state_of(*one.item) == "running")
            asked[one.item->text("instanceId")] = one.item;
    std::vector<std::string> ids;
    for (auto it = asked.begin(); it != asked.end();) {
        ids.push_back(it->first);
        if (++it != asked.end() && ids.size() < kMostStatuses) continue;
        const char* action = "DescribeInstanceStatus";
        try {
            region.each(action, Params().list("InstanceId", ids), "instanceStatusSet",
                        [&](const pugi::xml_node& node) {
                            const Item status(node);
                            if (const auto found = asked.find(status.text("instanceId"));
                                found != asked.end())
                                found->second->add(kChecks, checks_in(status));
                        });
        } catch (ServiceError& error) {
            // one that is not visible everywhere yet: the next poll asks again
            if (!error.is({"InvalidInstanceID.NotFound"})) {
                if (error.action.empty()) error.action = fmt::format("ec2:{}", action);
                throw;
            }
        }
        ids.clear();
    }
}

std::string Instance::create(Region& region, const Change& change, Params params) const {
    const Value& config = change.after;
    specify_tags(params, 2, "volume", all_tags(region, change));
    params.add("MinCount", std::string("1")).add("MaxCount", std::string("1"));
    specify_launch(region, params, "", config);
    const std::string network = network_prefix("", config);
    params.add(network + "SubnetId", config.text("subnet"));
    if (config["private_address"].is_string())
        params.add(network + "PrivateIpAddress", config.text("private_address"));
    // if the instance has been terminated since, its token returns that instance again
    for (int n = 0;; ++n) {
        Params with_token = params;
        with_token.add("ClientToken",
                       n == 0 ? change.identity : fmt::format("{}-{}", change.identity, n));
        try {
            const auto answer = region.change("RunInstances", with_token, true);
            const Item made(root_of(*answer).child("instancesSet").child("item"));
            if (!is_gone(made) || n == kMostTokens) return made.text("instanceId");
        } catch (const ServiceError& error) {
            if (!error.is({"IdempotentInstanceTerminated"}) || n == kMostTokens) throw;
        }
    }
}

/// The instance type can only be changed while the instance is stopped.
void Instance::resize(Region& region, const Item& item, const Value& after,
                      const Notice& progress) const {
    const std::string id = item.text("instanceId");
    if (state_of(item) != "stopped") {
        progress("stopping the instance to change its type");
        region.change("StopInstances", Params().add("InstanceId.1", id), true);
        wait_until(region, *this, id, "stopped",
                   [](const Item& one) { return state_of(one) == "stopped"; });
    }
    set(region, id, "InstanceType.Value", after.text("instance_type"));
    if (after.flag("running", true))
        region.change("StartInstances", Params().add("InstanceId.1", id), true);
}

void Instance::change(Region& region, const Item& item, const Value& before, const Value& after,
                      const Notice& progress) const {
    const std::string id = item.text("instanceId");
    if (changes_from(before, after, "security_groups")) {
        Params params;
        params.add("InstanceId", id).list("GroupId", texts_of(after["security_groups"]));
        region.change("ModifyInstanceAttribute", params, true);
    }
    if (changes_from(before, after, "metadata_tokens"))
        region.change(
            "ModifyInstanceMetadataOptions",
            Params().add("InstanceId", id).add("HttpTokens", after.text("metadata_tokens")), true);
    if (changes_from(before, after, "root_volume")) {
        Params params;
        params.add("VolumeId", root_disk(item));
        specify_disk(params, "", root_disk_of(after), "Size");
        region.change("ModifyVolume", params, true);
    }
    if (changes_from(before, after, "instance_type")) return resize(region, item, after, progress);
    if (!changes_from(before, after, "running")) return;
    region.change(after.flag("running") ? "StartInstances" : "StopInstances",
                  Params().add("InstanceId.1", id), true);
}

/// A change of an attribute that EC2 only accepts at launch replaces the instance.
Schema launch_schema() {
    Schema out = launch_fields();
    for (Attribute& a : out) {
        a.replaces = a.name == "image" || a.name == "key" || a.name == "public_ip" ||
                     a.name == "iam_profile" || a.name == "user_data";
        if (a.name == "instance_type") a.doc += " A change stops and starts the instance.";
        if (a.name == "user_data" || a.name == "root_volume") a.doc += " Not read back.";
    }
    out.push_back({.name = "subnet",
                   .type = TypeKind::string,
                   .doc = "ID of the subnet.",
                   .required = true,
                   .replaces = true});
    out.push_back({.name = "private_address",
                   .type = TypeKind::ipv4,
                   .doc = "Private address in the subnet.",
                   .filled = true,
                   .replaces = true});
    out.push_back(
        {.name = "user_data_change",
         .type = TypeKind::string,
         .doc =
             "Effect of a change of `user_data`: `replace` replaces the instance, `ignore` leaves "
             "it alone until the next replacement.",
         .operational = true,
         .default_value = Value("replace"),
         .one_of = {"replace", "ignore"}});
    return out;
}

Schema login_schema() {
    return {
        {.name = "running",
         .type = TypeKind::boolean,
         .doc = "Whether the instance runs.",
         .default_value = Value(true),
         .verb = "start"},
        {.name = "wait_for",
         .type = TypeKind::string,
         .doc = "When a new, started or resized instance is complete: once it is `running`, or "
                "once EC2's status `checks` of it have succeeded, which takes some minutes and "
                "shows that its system has started. Machines that are reached over SSH do not "
                "need them.",
         .operational = true,
         .default_value = Value("running"),
         .one_of = {"running", "checks"}},
        {.name = "user",
         .type = TypeKind::account,
         .doc =
             "User to log in as, with sudo rights. It depends on the image: `admin` in Debian's, "
             "`ubuntu` in Ubuntu's, `ec2-user` in Amazon's.",
         .operational = true,
         .default_value = Value("admin")},
        {.name = "private_key_file",
         .type = TypeKind::local_path,
         .doc = "Private key to log in with. Default: the keys of the SSH agent and those in "
                "`~/.ssh`.",
         .operational = true},
        {.name = "host_key",
         .type = TypeKind::string,
         .doc = "The public host key, if it is known before the first login, for example because "
                "`user_data` contains the private one.",
         .operational = true},
        {.name = "login_by",
         .type = TypeKind::string,
         .doc = "Which address the connection uses. An instance without a public address is "
                "reached at its private address.",
         .operational = true,
         .default_value = Value("public"),
         .one_of = {"public", "private"}},
        {.name = "availability_zone",
         .type = TypeKind::string,
         .doc = "Availability zone.",
         .computed = true,
         .open = true},
        {.name = "public_address",
         .type = TypeKind::string,
         .doc = "Public address; empty if the instance has none.",
         .computed = true,
         .open = true,
         .changes_on_update = true},
        {.name = "connection",
         .type = TypeKind::connection,
         .doc = "The connection to the instance, for hosts of `host.*` and the like if `host_key` "
                "is set. Otherwise let an `ssh.host` with `trust_on_first_use` record the key of "
                "this address.",
         .computed = true},
    };
}

Instance::Instance()
    : Ec2Type({.noun = "instance",
               .describe = "DescribeInstances",
               .set = "reservationSet",
               .id = "instanceId",
               .id_filter = "instance-id",
               .tagged = "instance",
               .page = 1000}) {
    name = "aws.instance";
    summary = "An EC2 instance: a virtual machine";
    doc = "A client token and the tags are part of the request that creates the instance, so a "
          "lost response or a killed run never leaves a second one. Other changes continue while "
          "the instance starts.\n\n"
          "Detected and repaired: a stopped instance; its type, groups, metadata options and "
          "tags. A terminated instance is created again. Destroy terminates the instance with its "
          "root volume.";
    import_id = "the instance ID (i-...)";
    machine = true;
    removal_ends_machine = true;
    example = "web:\n"
              "  type: aws.instance\n"
              "  image: ${debian.id}\n"
              "  instance_type: t3.small\n"
              "  subnet: ${subnet[\"eu-central-1a\"].id}\n"
              "  security_groups: [\"${web.id}\"]\n"
              "  key: ${login.name}\n";
    schema = launch_schema();
    for (Attribute& a : login_schema()) schema.push_back(std::move(a));
    schema = with_common(std::move(schema));
}

} // namespace

std::unique_ptr<ResourceType> instance_type() {
    return std::make_unique<Instance>();
}

} // namespace hadeploy::aws
