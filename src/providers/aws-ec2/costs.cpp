#include "providers/aws-ec2/costs.h"

#include "core/secrecy.h"
#include "provider_api/units.h"

#include <fmt/format.h>

namespace hadeploy::aws {

std::string charged(const Value& setting, std::string_view unit) {
    if (setting.is_null()) return {};
    if (setting.is_unknown()) return "?";
    return redacted(setting, display(setting)) + (unit.empty() ? "" : " ") + std::string(unit);
}

std::string disk_costs(const Disk& disk) {
    std::string out = disk.size.is_integer()
                          ? redacted(disk.size, show_bytes(disk.size.as_integer()))
                          : charged(disk.size);
    if (const std::string type = charged(disk.type); !type.empty())
        out += (out.empty() ? "" : " ") + type;
    return joined_costs({out, charged(disk.iops, "IOPS"), charged(disk.throughput, "MiB/s")});
}

std::string joined_costs(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts)
        if (!part.empty()) out += (out.empty() ? "" : ", ") + part;
    return out;
}

} // namespace hadeploy::aws
