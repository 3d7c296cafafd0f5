#include "providers/aws-ec2/disk.h"

#include "core/secrecy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

/// The documentation of CreateVolume; the ratios are those of "Amazon EBS volume types".
struct DiskType {
    const char* name;
    std::int64_t least_gib, most_gib;
    std::int64_t least_iops = 0, most_iops = 0, iops_per_gib = 0; ///< 0: cannot be set
    bool needs_iops = false, has_throughput = false;
};
constexpr std::array<DiskType, 7> kDiskTypes{
    {{.name = "gp3",
      .least_gib = 1,
      .most_gib = 65'536,
      .least_iops = 3'000,
      .most_iops = 80'000,
      .iops_per_gib = 500,
      .has_throughput = true},
     {.name = "gp2", .least_gib = 1, .most_gib = 16'384},
     {.name = "io1",
      .least_gib = 4,
      .most_gib = 16'384,
      .least_iops = 100,
      .most_iops = 64'000,
      .iops_per_gib = 50,
      .needs_iops = true},
     {.name = "io2",
      .least_gib = 4,
      .most_gib = 65'536,
      .least_iops = 100,
      .most_iops = 256'000,
      .iops_per_gib = 1'000,
      .needs_iops = true},
     {.name = "st1", .least_gib = 125, .most_gib = 16'384},
     {.name = "sc1", .least_gib = 125, .most_gib = 16'384},
     {.name = "standard", .least_gib = 1, .most_gib = 1'024}}};
constexpr std::int64_t kLeastThroughput = 125, kMostThroughput = 2'000, kIopsPerThroughput = 4;

const DiskType* disk_type(const Value& name) {
    if (!name.is_string()) return nullptr;
    const auto it = std::find_if(kDiskTypes.begin(), kDiskTypes.end(),
                                 [&](const DiskType& t) { return name.as_string() == t.name; });
    return it == kDiskTypes.end() ? nullptr : &*it;
}

std::int64_t in_gib(const Value& bytes) {
    return (bytes.as_integer() + kGib - 1) / kGib;
}

/// Adds a problem if a number is out of range.
void check_number(const Value& value, std::int64_t number, const std::string& noun,
                  std::int64_t least, std::int64_t most, Diagnostics& problems) {
    if (number >= least && number <= most) return;
    problems.add(fmt::format("{} must be between {} and {}, got {}", noun, least, most,
                             redacted(value, std::to_string(number))),
                 value.loc());
}

void check_iops(const Disk& disk, const DiskType& type, Diagnostics& problems) {
    if (disk.iops.is_null() && type.needs_iops)
        problems.add(fmt::format("a volume of type {} needs `iops`", type.name), disk.type.loc());
    if (!disk.iops.is_integer()) return;
    const std::int64_t iops = disk.iops.as_integer();
    if (type.most_iops == 0) {
        problems.add(fmt::format("`iops` cannot be set for volumes of type {}", type.name),
                     disk.iops.loc());
        return;
    }
    std::int64_t most = type.most_iops;
    if (disk.size.is_integer())
        most = std::clamp(in_gib(disk.size) * type.iops_per_gib, type.least_iops, most);
    check_number(disk.iops, iops,
                 fmt::format("`iops` for type {}{}", type.name,
                             most == type.most_iops ? "" : ", at this size,"),
                 type.least_iops, most, problems);
}

void check_throughput(const Disk& disk, const DiskType& type, Diagnostics& problems) {
    if (!disk.throughput.is_integer()) return;
    if (!type.has_throughput) {
        problems.add(fmt::format("`throughput` cannot be set for volumes of type {}", type.name),
                     disk.throughput.loc());
        return;
    }
    std::int64_t most = kMostThroughput;
    if (disk.iops.is_integer() || disk.iops.is_null()) {
        const std::int64_t iops = disk.iops.is_null() ? type.least_iops : disk.iops.as_integer();
        most = std::clamp(iops / kIopsPerThroughput, kLeastThroughput, most);
    }
    check_number(disk.throughput, disk.throughput.as_integer(),
                 fmt::format("throughput{}", most == kMostThroughput ? "" : ", with these iops,"),
                 kLeastThroughput, most, problems);
}

} // namespace

void check_disk(const Disk& disk, Diagnostics& problems) {
    if (disk.size.is_integer() && disk.size.as_integer() % kGib != 0)
        problems.add("the size of a volume must be a whole number of GiB", disk.size.loc());
    const DiskType* type = disk_type(disk.type);
    if (type == nullptr) {
        if (disk.type.is_string())
            problems.add(fmt::format("{} is not a volume type", quoted(disk.type)), disk.type.loc())
                .with_hint("the volume types are gp3, gp2, io1, io2, st1, sc1 and standard");
        return;
    }
    if (disk.size.is_integer())
        check_number(disk.size, in_gib(disk.size),
                     fmt::format("the size in GiB for type {}", type->name), type->least_gib,
                     type->most_gib, problems);
    check_iops(disk, *type, problems);
    check_throughput(disk, *type, problems);
}

void specify_disk(Params& params, const std::string& prefix, const Disk& disk,
                  const char* size_name) {
    const DiskType* type = disk_type(disk.type);
    if (disk.size.is_integer()) params.add(prefix + size_name, std::to_string(in_gib(disk.size)));
    if (disk.type.is_string()) params.add(prefix + "VolumeType", disk.type.as_string());
    if (disk.iops.is_integer() && (type == nullptr || type->most_iops > 0))
        params.add(prefix + "Iops", std::to_string(disk.iops.as_integer()));
    if (disk.throughput.is_integer() && (type == nullptr || type->has_throughput))
        params.add(prefix + "Throughput", std::to_string(disk.throughput.as_integer()));
}

} // namespace hadeploy::aws
