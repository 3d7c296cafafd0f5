#include "providers/aws-ec2/costs.h"
#include "providers/aws-ec2/ec2_type.h"

#include "core/secrecy.h"
#include "providers/aws-ec2/disk.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

std::int64_t number_of(const Item& item, const char* path) {
    return to_number(item.required(path));
}

Disk disk_of(const Value& config) {
    return {config["size"], config["volume_type"], config["iops"], config["throughput"]};
}

/// /dev/sdf, /dev/xvdba, xvdh: the names that EC2 documents.
bool is_device(std::string_view name) {
    if (name.starts_with("/dev/")) name.remove_prefix(5);
    for (const std::string_view kind : {"sd", "xvd"}) {
        if (!name.starts_with(kind)) continue;
        const std::string_view rest = name.substr(kind.size());
        return !rest.empty() && rest.size() <= 3 && std::islower(rest[0]) != 0 &&
               std::all_of(rest.begin(), rest.end(), [](unsigned char c) {
                   return std::islower(c) != 0 || std::isdigit(c) != 0;
               });
    }
    return false;
}

class Volume final : public Ec2Type {
  public:
    Volume();
    std::string costs(const Value& config) const override { return disk_costs(disk_of(config)); }
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_disk(disk_of(config), problems);
        check_id(config["snapshot"], "snap-", "a snapshot", problems);
        check_id(config["instance"], "i-", "an instance", problems);
        const Value& device = config["device"];
        if (device.is_string() && !is_device(device.as_string()))
            problems.add(fmt::format("{} is not a device name", quoted(device)), device.loc())
                .with_hint("for example /dev/sdf");
        const bool attached = config["instance"].is_unknown() || !config.text("instance").empty();
        if (attached && config["device"].is_null())
            problems
                .add("missing \"device\", the device name of the volume in the instance",
                     config["instance"].loc())
                .with_hint("for example /dev/sdf");
    }
    std::optional<DataLoss> held_data(const Value& volume) const override {
        DataLoss loss{fmt::format("the volume {}", volume.text("id"))};
        if (volume["size"].is_integer()) loss.bytes = volume.integer("size");
        return loss;
    }
    Value observed(Region&, const Item& item, const Value& config) const override {
        Value out = Value::map({{"size", number_of(item, "size") * kGib},
                                {"volume_type", item.required("volumeType")},
                                {"encrypted", item.text("encrypted") == "true"},
                                {"availability_zone", item.required("availabilityZone")},
                                {"snapshot", item.text("snapshotId")}});
        for (const char* name : {"iops", "throughput"})
            if (!item.text(name).empty()) out = out.with(name, number_of(item, name));
        if (item.text("snapshotId").empty() && config["snapshot"].is_null())
            out = out.without("snapshot");
        const std::string state = item.text("attachmentSet/item/status");
        if (state != "attached" && state != "attaching") return out.with("instance", "");
        return out.with("instance", item.text("attachmentSet/item/instanceId"))
            .with("device", item.text("attachmentSet/item/device"));
    }
    bool is_gone(const Item& item) const override { return item.text("status") == "deleted"; }
    std::string unready(const Item& item, const Value& config) const override {
        const std::string state = item.text("status");
        if (state == "error") throw Error(ErrorKind::failed, "AWS could not create the volume");
        const bool attached = !config.text("instance").empty();
        const bool ready =
            attached ? item.text("attachmentSet/item/status") == "attached" : state == "available";
        return ready ? "" : fmt::format("waiting for the volume, which is {}", state);
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        const Value& config = change.after;
        params.add("AvailabilityZone", config.text("availability_zone"))
            .add("Encrypted", config.flag("encrypted"))
            .add("ClientToken", change.identity);
        specify_disk(params, "", disk_of(config), "Size");
        if (!config.text("snapshot").empty()) params.add("SnapshotId", config.text("snapshot"));
        return root_of(*region.change("CreateVolume", params, true)).child_value("volumeId");
    }
    bool needs_more(const Value& config) const override { return !config.text("instance").empty(); }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value& before) const override {
        if (!before.text("instance").empty()) detach(region, id, before.text("instance"));
        region.change("DeleteVolume", Params().add("VolumeId", id), true);
    }

  private:
    static void detach(Region& region, const std::string& id, const std::string& instance) {
        try {
            region.change("DetachVolume", Params().add("VolumeId", id).add("InstanceId", instance),
                          true);
        } catch (const ServiceError& error) { // already detached or detaching
            if (!error.is({"IncorrectState", "InvalidAttachment.NotFound"})) throw;
        }
    }
};

void Volume::change(Region& region, const Item& item, const Value& before, const Value& after,
                    const Notice& progress) const {
    const std::string id = item.text("volumeId");
    if (after.integer("size") < before.integer("size"))
        throw Error(ErrorKind::failed, "a volume cannot shrink", after["size"].loc())
            .with_hint("create a new volume, copy the data, then remove this one");
    bool differs = false;
    for (const char* name : {"size", "volume_type", "iops", "throughput"})
        differs = differs || changes_from(before, after, name);
    if (differs) {
        Params params;
        params.add("VolumeId", id);
        specify_disk(params, "", disk_of(after), "Size");
        region.change("ModifyVolume", params, true);
    }
    if (!changes_from(before, after, "instance") && !changes_from(before, after, "device")) return;
    if (!before.text("instance").empty()) {
        progress("detaching it");
        detach(region, id, before.text("instance"));
    }
    if (after.text("instance").empty()) return;
    progress("waiting until it can be attached"); // it is being created or detached
    wait_until(region, *this, id, "available",
               [](const Item& one) { return one.text("status") == "available"; });
    Params params;
    params.add("VolumeId", id)
        .add("InstanceId", after.text("instance"))
        .add("Device", after.text("device"));
    region.change("AttachVolume", params, false);
}

Volume::Volume()
    : Ec2Type({.noun = "volume",
               .describe = "DescribeVolumes",
               .set = "volumeSet",
               .id = "volumeId",
               .id_filter = "volume-id",
               .tagged = "volume",
               .page = 500}) {
    name = "aws.volume";
    summary = "An EBS volume, which outlives instances";
    doc =
        "Size, type and attachment change in place.\n\n"
        "Detected and repaired: size, type, attachment and tags. Its data exists nowhere else, so "
        "you have to confirm its destruction. Destroy detaches the volume first.";
    import_id = "the volume ID (vol-...)";
    example = "storage:\n"
              "  type: aws.volume\n"
              "  availability_zone: eu-central-1a\n"
              "  size: 20 GiB\n"
              "  instance: ${node.id}\n"
              "  device: /dev/sdf\n";
    schema = with_common({
        {.name = "availability_zone",
         .type = TypeKind::string,
         .doc = "Availability zone; it must be that of the instance.",
         .required = true,
         .replaces = true},
        {.name = "size",
         .type = TypeKind::bytes,
         .doc = "Size; it can only grow.",
         .required = true,
         .min = kGib},
        {.name = "volume_type",
         .type = TypeKind::string,
         .doc = "Type: gp3, io2, st1, ...",
         .default_value = Value("gp3")},
        {.name = "iops",
         .type = TypeKind::integer,
         .doc = "I/O operations per second.",
         .filled = true},
        {.name = "throughput",
         .type = TypeKind::integer,
         .doc = "Throughput in MiB per second.",
         .filled = true},
        {.name = "encrypted",
         .type = TypeKind::boolean,
         .doc = "Whether the volume is encrypted, with the account's default key.",
         .replaces = true,
         .default_value = Value(true)},
        {.name = "snapshot",
         .type = TypeKind::string,
         .doc = "ID of the snapshot from which the volume is created.",
         .replaces = true},
        {.name = "instance",
         .type = TypeKind::string,
         .doc = "ID of the instance to which the volume is attached. Empty: none.",
         .default_value = Value("")},
        {.name = "device",
         .type = TypeKind::string,
         .doc = "Device name in the instance: "
                "/dev/sdf."},
    });
}

class Eip final : public Ec2Type {
  public:
    Eip();
    std::string costs(const Value&) const override { return "public IPv4 address"; }
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_id(config["instance"], "i-", "an instance", problems);
    }
    Value observed(Region&, const Item& item, const Value&) const override {
        return Value::map(
            {{"address", item.required("publicIp")}, {"instance", item.text("instanceId")}});
    }
    std::string create(Region& region, const Change&, Params params) const override {
        params.add("Domain", std::string("vpc"));
        return root_of(*region.change("AllocateAddress", params, false))
            .child_value("allocationId");
    }
    bool needs_more(const Value& config) const override { return !config.text("instance").empty(); }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice&) const override {
        if (!changes_from(before, after, "instance")) return;
        disassociate(region, item);
        if (after.text("instance").empty()) return;
        region.change("AssociateAddress",
                      Params()
                          .add("AllocationId", item.text("allocationId"))
                          .add("InstanceId", after.text("instance")),
                      true);
    }
    void remove(Region& region, const std::string& id, const Value&) const override {
        for (const auto& [own, item] : by_id(region, {id})) disassociate(region, item);
        region.change("ReleaseAddress", Params().add("AllocationId", id), true);
    }

  private:
    static void disassociate(Region& region, const Item& item) {
        const std::string id = item.text("associationId");
        if (!id.empty())
            region.change("DisassociateAddress", Params().add("AssociationId", id), true);
    }
};

Eip::Eip()
    : Ec2Type({.noun = "elastic IP address",
               .describe = "DescribeAddresses",
               .set = "addressesSet",
               .id = "allocationId",
               .id_filter = "allocation-id",
               .tagged = "elastic-ip"}) {
    name = "aws.eip";
    summary = "A public IPv4 address that can move between instances";
    doc = "Detected and repaired: a change of the instance that has the address, and of tags. "
          "Destroy "
          "releases the address, which is then lost.";
    import_id = "the allocation ID (eipalloc-...)";
    example = "front:\n"
              "  type: aws.eip\n"
              "  instance: ${node.id}\n";
    schema = with_common({
        {.name = "instance",
         .type = TypeKind::string,
         .doc = "ID of the instance that has the address. Empty: none.",
         .default_value = Value("")},
        {.name = "address",
         .type = TypeKind::ipv4,
         .doc = "The address.",
         .computed = true,
         .open = true},
    });
}

} // namespace

std::unique_ptr<ResourceType> volume_type() {
    return std::make_unique<Volume>();
}
std::unique_ptr<ResourceType> eip_type() {
    return std::make_unique<Eip>();
}

} // namespace hadeploy::aws
