#include "providers/aws-ec2/launch.h"

#include "core/hash.h"
#include "core/secrecy.h"
#include "providers/aws-ec2/aws_type.h"

#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::size_t kMostUserData = 16 * 1024; ///< bytes, before base64

/// "t3.micro", "u7in-16tb.224xlarge": a family and a size.
bool is_instance_type(std::string_view text) {
    const std::size_t dot = text.find('.');
    return dot != text.npos && dot > 1 && dot + 1 < text.size() && text[0] >= 'a' &&
           text[0] <= 'z' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == text.npos &&
           text.find('.', dot + 1) == text.npos;
}

std::string root_device(Region& region, const std::string& image) {
    std::string device;
    region.each("DescribeImages", Params().list("ImageId", {image}), "imagesSet",
                [&](const pugi::xml_node& item) { device = item.child_value("rootDeviceName"); });
    return device.empty() ? "/dev/xvda" : device;
}

std::vector<Attribute> root_volume_fields() {
    return {
        {.name = "size",
         .type = TypeKind::bytes,
         .doc = "Size; that of an instance can only grow.",
         .min = kGib},
        {.name = "type", .type = TypeKind::string, .doc = "Type: gp3, io2, ..."},
        {.name = "iops", .type = TypeKind::integer, .doc = "I/O operations per second."},
        {.name = "throughput", .type = TypeKind::integer, .doc = "Throughput in MiB per second."},
        {.name = "encrypted",
         .type = TypeKind::boolean,
         .doc = "Whether the volume is encrypted. Can only be set at creation."},
    };
}

} // namespace

Disk root_disk_of(const Value& config) {
    const Value& disk = config["root_volume"];
    return {disk["size"], disk["type"], disk["iops"], disk["throughput"]};
}

void check_launch(const Value& config, Diagnostics& problems) {
    check_id(config["image"], "ami-", "an image", problems);
    check_ids(config["security_groups"], "sg-", "a security group", problems);
    const Value &type = config["instance_type"], &user_data = config["user_data"];
    if (type.is_string() && !is_instance_type(type.as_string()))
        problems.add(fmt::format("{} is not an instance type", quoted(type)), type.loc())
            .with_hint("an instance type has a family and a size, for example t3.small");
    check_text(config["iam_profile"],
               {.noun = "the name of an instance profile", .most = 128, .others = "+=,.@-_"},
               problems);
    check_plain(config["key"], "the name of a key pair", problems);
    if (user_data.is_string() && user_data.as_string().size() > kMostUserData)
        problems
            .add(fmt::format("the user data has {} bytes (at most {})",
                             user_data.as_string().size(), kMostUserData),
                 user_data.loc())
            .with_hint("compress the user data, or let a short script download the rest");
    check_disk(root_disk_of(config), problems);
}

std::string network_prefix(const std::string& prefix, const Value& config) {
    return prefix + (config["public_ip"].is_bool() ? "NetworkInterface.1." : "");
}

void specify_launch(Region& region, Params& params, const std::string& prefix,
                    const Value& config) {
    params.add(prefix + "ImageId", config.text("image"))
        .add(prefix + "InstanceType", config.text("instance_type"))
        .add(prefix + "MetadataOptions.HttpTokens", config.text("metadata_tokens", "required"));
    if (config["key"].is_string()) params.add(prefix + "KeyName", config.text("key"));
    if (config["iam_profile"].is_string())
        params.add(prefix + "IamInstanceProfile.Name", config.text("iam_profile"));
    if (config["user_data"].is_string())
        params.add(prefix + "UserData", base64_encode(config.text("user_data")));
    const std::string network = network_prefix(prefix, config);
    params.list(network + "SecurityGroupId", texts_of(config["security_groups"]));
    if (config["public_ip"].is_bool())
        params.add(network + "DeviceIndex", std::string("0"))
            .add(network + "AssociatePublicIpAddress", config.flag("public_ip"));
    if (!config["root_volume"].is_map()) return;
    const std::string disk = prefix + "BlockDeviceMapping.1.";
    params.add(disk + "DeviceName", root_device(region, config.text("image")));
    params.add(disk + "Ebs.DeleteOnTermination", true);
    specify_disk(params, disk + "Ebs.", root_disk_of(config), "VolumeSize");
    if (config["root_volume"]["encrypted"].is_bool())
        params.add(disk + "Ebs.Encrypted", config["root_volume"].flag("encrypted"));
}

Schema launch_fields() {
    return {
        {.name = "image",
         .type = TypeKind::string,
         .doc = "ID of the image, for example of the data source `aws.image`.",
         .required = true},
        {.name = "instance_type",
         .type = TypeKind::string,
         .doc = "Instance type, for example t3.small.",
         .required = true},
        {.name = "security_groups",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the security groups.",
         .required = true,
         .min = 1},
        {.name = "key",
         .type = TypeKind::string,
         .doc = "Name of the key pair for the first login."},
        {.name = "public_ip",
         .type = TypeKind::boolean,
         .doc = "Whether to assign a public address at launch; overrides the subnet's setting."},
        {.name = "iam_profile", .type = TypeKind::string, .doc = "Name of the instance profile."},
        {.name = "user_data",
         .type = TypeKind::string,
         .doc = "Script or cloud-config for the first boot."},
        {.name = "root_volume",
         .type = object_of(root_volume_fields()),
         .doc = "The volume from which the instance boots. Settings that are not given come from "
                "the image. It is deleted with the instance."},
        {.name = "metadata_tokens",
         .type = TypeKind::string,
         .doc = "Whether the metadata service requires session tokens (IMDSv2).",
         .default_value = Value("required"),
         .one_of = {"required", "optional"}},
    };
}

} // namespace hadeploy::aws
