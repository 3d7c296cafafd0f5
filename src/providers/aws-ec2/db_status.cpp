#include "providers/aws-ec2/db_status.h"

#include "core/secrecy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::aws {

namespace {

/// The states of "Viewing Amazon RDS DB instance status" in which AWS does not continue by itself.
struct Trouble {
    std::string_view state;
    const char* hint;
};
constexpr const char* kReplace = "`hadeploy taint` lets the next apply replace it";
constexpr std::array<Trouble, 14> kTroubles{
    {{"failed", "restore it from a backup, or run `hadeploy taint`: the next apply then replaces "
                "it with an empty database"},
     {"incompatible-create", kReplace},
     {"incompatible-network", "check its subnets and security groups, for example for free "
                              "addresses and for DNS in the VPC"},
     {"incompatible-option-group", "correct its option group"},
     {"incompatible-parameters",
      "undo the last change of its parameters, then restart it in AWS's console"},
     {"incompatible-restore", kReplace},
     {"inaccessible-encryption-credentials", "enable the KMS key that encrypts it"},
     {"inaccessible-encryption-credentials-recoverable",
      "enable the KMS key that encrypts it, then start it in AWS's console"},
     {"insufficient-capacity", "choose a different DB instance class, or try again later"},
     {"restore-error", kReplace},
     {"stopped", "start it (`aws rds start-db-instance`), then apply again"},
     {"stopping", "start it (`aws rds start-db-instance`) once it has stopped, then apply again"},
     {"storage-full", "enlarge `storage`, with `apply_immediately: true`"},
     {"upgrade-failed", "see its events in AWS's console"}}};

/// How PendingModifiedValues names an attribute.
struct Pending {
    const char* element;
    const char* attribute;
};
constexpr std::array<Pending, 10> kPending{{{"DBInstanceClass", "instance_class"},
                                            {"AllocatedStorage", "storage"},
                                            {"MasterUserPassword", "password"},
                                            {"Port", "port"},
                                            {"BackupRetentionPeriod", "backup_retention"},
                                            {"MultiAZ", "multi_az"},
                                            {"EngineVersion", "engine_version"},
                                            {"Iops", "iops"},
                                            {"StorageThroughput", "throughput"},
                                            {"StorageType", "storage_type"}}};

} // namespace

bool is_settled(std::string_view state) {
    return state == "available" || state == "storage-optimization" ||
           state == "storage-initialization";
}

void require_healthy(const Item& item) {
    const std::string state = item.required("DBInstanceStatus");
    const auto it = std::find_if(kTroubles.begin(), kTroubles.end(),
                                 [&](const Trouble& t) { return t.state == state; });
    if (it == kTroubles.end()) return;
    throw Error(ErrorKind::failed,
                fmt::format("the database {} is {}", item.text("DBInstanceIdentifier"), state))
        .with_hint(it->hint);
}

std::string with_pending(const Item& item, const char* element) {
    const std::string next = item.text(fmt::format("PendingModifiedValues/{}", element).c_str());
    return next.empty() ? item.text(element) : next;
}

std::vector<std::string> pending_of(const Item& item) {
    std::vector<std::string> out;
    const pugi::xml_node values = item.root().child("PendingModifiedValues");
    for (const Pending& one : kPending)
        if (*values.child_value(one.element) != '\0') out.emplace_back(one.attribute);
    for (const pugi::xml_node& group :
         item.root().child("DBParameterGroups").children("DBParameterGroup"))
        if (group.child_value("ParameterApplyStatus") == std::string_view("pending-reboot"))
            out.emplace_back("parameter_group");
    return out;
}

bool is_version(std::string_view wanted, std::string_view actual) {
    return actual == wanted || (actual.size() > wanted.size() && actual.starts_with(wanted) &&
                                actual[wanted.size()] == '.');
}

std::string major_of(std::string_view engine, std::string_view version) {
    std::size_t end = version.find('.');
    if (engine != "postgres" && end != version.npos) end = version.find('.', end + 1);
    return std::string(version.substr(0, end));
}

bool is_later(std::string_view version, std::string_view than) {
    const auto take = [](std::string_view& text) {
        long out = 0;
        while (!text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0) {
            out = std::min(out * 10 + (text[0] - '0'), 1'000'000L);
            text.remove_prefix(1);
        }
        if (!text.empty()) text.remove_prefix(1);
        return out;
    };
    while (!version.empty() || !than.empty())
        if (const long a = take(version), b = take(than); a != b) return a > b;
    return false;
}

namespace {

/// The versions of an engine.
std::vector<std::string> offered_versions(Region& region, const std::string& engine) {
    std::vector<std::string> out;
    region.rds().each(
        "DescribeDBEngineVersions",
        Params().add("Engine", engine).add("MaxRecords", std::string("100")), "DBEngineVersions",
        [&](const pugi::xml_node& one) { out.emplace_back(one.child_value("EngineVersion")); });
    return out;
}

void require_version(Region& region, const std::string& engine, const Value& version) {
    if (!version.is_string()) return;
    const std::vector<std::string> offered = offered_versions(region, engine);
    std::vector<std::string> majors;
    for (const std::string& one : offered) {
        if (is_version(version.as_string(), one)) return;
        const std::string major = major_of(engine, one);
        if (std::find(majors.begin(), majors.end(), major) == majors.end()) majors.push_back(major);
    }
    throw Error(
        ErrorKind::failed,
        fmt::format("RDS does not offer {} {} in {}", engine, quoted(version, 40), region.name()),
        version.loc())
        .with_hint(fmt::format("it offers {}", fmt::join(majors, ", ")));
}

void require_class(Region& region, const std::string& engine, const Value& wanted) {
    if (!wanted.is_string()) return;
    const auto answer = region.rds().call("DescribeOrderableDBInstanceOptions",
                                          Params()
                                              .add("Engine", engine)
                                              .add("DBInstanceClass", wanted.as_string())
                                              .add("MaxRecords", std::string("20")),
                                          true);
    const pugi::xml_node options = result_of(*answer).child("OrderableDBInstanceOptions");
    if (!options)
        throw wrong_answer("rds:DescribeOrderableDBInstanceOptions",
                           "the response has no <OrderableDBInstanceOptions>");
    if (options.child("OrderableDBInstanceOption")) return;
    throw Error(ErrorKind::failed,
                fmt::format("RDS does not offer {} for {} in {}", quoted(wanted, 40), engine,
                            region.name()),
                wanted.loc())
        .with_hint("choose a different DB instance class, for example db.t4g.micro; `aws rds "
                   "describe-orderable-db-instance-options` lists them");
}

} // namespace

void require_offered(Region& region, const Value& config) {
    if (!config["engine"].is_string()) return;
    const std::string engine = config.text("engine");
    try {
        require_version(region, engine, config["engine_version"]);
        require_class(region, engine, config["instance_class"]);
    } catch (const ServiceError& error) { // the create request will report the same error
        if (!error.is({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})) throw;
    }
}

} // namespace hadeploy::aws
