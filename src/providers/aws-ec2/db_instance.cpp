#include "core/secrecy.h"
#include "core/text.h"
#include "providers/aws-ec2/costs.h"
#include "providers/aws-ec2/db_checks.h"
#include "providers/aws-ec2/db_status.h"
#include "providers/aws-ec2/disk.h"
#include "providers/aws-ec2/rds_type.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::aws {

namespace {

constexpr std::chrono::minutes kLongestChange{120};
constexpr std::size_t kMostSnapshot = 255; ///< characters of its name

/// Attributes that have the same form in create requests, change requests and responses.
struct DbSetting {
    const char* attribute;
    const char* parameter; ///< of a change request
    const char* element;   ///< of a response; nullptr: read in a different way, or not read
    bool of_disk = false;  ///< if one changes, AWS needs all attributes of the disk
};
constexpr std::array<DbSetting, 15> kDbSettings{
    {{"instance_class", "DBInstanceClass", "DBInstanceClass"},
     {"engine_version", "EngineVersion", nullptr},
     {"multi_az", "MultiAZ", "MultiAZ"},
     {"public", "PubliclyAccessible", "PubliclyAccessible"},
     {"port", "DBPortNumber", nullptr},
     {"password", "MasterUserPassword", nullptr},
     {"parameter_group", "DBParameterGroupName",
      "DBParameterGroups/DBParameterGroup/DBParameterGroupName"},
     {"backup_window", "PreferredBackupWindow", "PreferredBackupWindow"},
     {"maintenance_window", "PreferredMaintenanceWindow", "PreferredMaintenanceWindow"},
     {"deletion_protection", "DeletionProtection", "DeletionProtection"},
     {"auto_minor_upgrade", "AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade"},
     {"copy_tags", "CopyTagsToSnapshot", "CopyTagsToSnapshot"},
     {"storage_type", "StorageType", "StorageType", true},
     {"iops", "Iops", "Iops", true},
     {"throughput", "StorageThroughput", "StorageThroughput", true}}};

std::string text_of(const Value& value) {
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    if (value.is_integer()) return std::to_string(value.as_integer());
    return value.is_string() ? value.as_string() : std::string();
}

/// A text of a response as the value of an attribute.
Value value_as(const Attribute& attribute, const std::string& text) {
    if (attribute.type.kind == TypeKind::boolean) return text == "true";
    if (attribute.type.kind == TypeKind::string) return text;
    return to_number(text);
}

std::string state_of_database(const Item& item) {
    return item.required("DBInstanceStatus");
}

class DbInstance final : public RdsType {
  public:
    DbInstance();
    std::string costs(const Value& config) const override {
        return joined_costs({charged(config["instance_class"]),
                             disk_costs({config["storage"], config["storage_type"], config["iops"],
                                         config["throughput"]}),
                             config.flag("multi_az") ? "standby" : ""});
    }
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_name(config["name"], 63, problems);
        check_database(config, problems);
    }
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || config["region"].is_unknown() ||
            config["profile"].is_unknown())
            return {};
        return {fmt::format("aws database {}{}", config.text("name"), scope_of(config))};
    }
    std::optional<DataLoss> held_data(const Value& database) const override;
    bool is_gone(const Item& item) const override { return state_of_database(item) == "deleting"; }
    std::string leaving(const Item& item) const override {
        return fmt::format("waiting for the database, which is {}", state_of_database(item));
    }
    std::string conflict(Region& region, const Value& config) const override;
    Value observed(Region& region, const Item& item, const Value& config) const override;
    std::string unready(const Item& item, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params tags) const override;
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value& before) const override;

  private:
    [[nodiscard]] Params changed(const Item& item, const Value& before, const Value& after) const;
};

/// A snapshot keeps the data, but a replacement starts without it, and backups end in any case.
std::optional<DataLoss> DbInstance::held_data(const Value& database) const {
    const std::string snapshot = database["on_destroy"].text("snapshot");
    DataLoss out{fmt::format("the database {}{}", database.text("name"),
                             snapshot.empty()
                                 ? ", all data in it, and its automated backups"
                                 : fmt::format(" and its automated backups (the snapshot {} will "
                                               "keep its present data)",
                                               snapshot))};
    if (database["storage"].is_integer()) out.bytes = database.integer("storage");
    return out;
}

std::string DbInstance::conflict(Region& region, const Value& config) const {
    require_offered(region, config);
    if (!config["name"].is_string()) return {};
    const auto other = named(region, config.text("name"));
    return other ? fmt::format("the database {}", other->text(names.id)) : "";
}

/// The version in the spelling of the config, if it is one that the config allows.
std::string spelled_version(const std::string& actual, const Value& config) {
    const std::string wanted = config.text("engine_version"), engine = config.text("engine");
    if (wanted.empty() || actual.empty()) return actual;
    // an automatic upgrade by AWS cannot be undone
    const bool by_aws = config.flag("auto_minor_upgrade", true) && is_later(actual, wanted) &&
                        major_of(engine, actual) == major_of(engine, wanted);
    return is_version(wanted, actual) || by_aws ? wanted : actual;
}

/// The size in the config if AWS has enlarged the disk automatically.
std::int64_t spelled_storage(std::int64_t actual, const Value& config) {
    const std::int64_t wanted = config.integer("storage");
    const bool by_aws = config["max_storage"].is_integer() && actual > wanted &&
                        actual <= config.integer("max_storage");
    return by_aws ? wanted : actual;
}

std::vector<std::string> groups_of_database(const Item& item) {
    std::vector<std::string> out;
    for (const pugi::xml_node& group :
         item.root().child("VpcSecurityGroups").children("VpcSecurityGroupMembership"))
        if (group.child_value("Status") != std::string_view("removing"))
            out.emplace_back(group.child_value("VpcSecurityGroupId"));
    return out;
}

Value DbInstance::observed(Region&, const Item& item, const Value& config) const {
    const std::string address = item.text("Endpoint/Address"), port = item.text("Endpoint/Port");
    const std::string next_port = item.text("PendingModifiedValues/Port");
    Value out = Value::map(
        {{"name", item.required(names.id)},
         {"engine", item.required("Engine")},
         {"username", item.text("MasterUsername")},
         {"encrypted", item.text("StorageEncrypted") == "true"},
         {"security_groups", set_of_texts(groups_of_database(item))},
         {"storage",
          spelled_storage(to_number(with_pending(item, "AllocatedStorage")) * kGib, config)},
         {"backup_retention", to_number(with_pending(item, "BackupRetentionPeriod")) * kDay},
         {"pending", set_of_texts(pending_of(item))},
         {"address", address},
         {"endpoint", address.empty() ? "" : fmt::format("{}:{}", address, port)},
         {"actual_version", item.text("EngineVersion")},
         {"availability_zone", item.text("AvailabilityZone")},
         {"arn", item.required("DBInstanceArn")}});
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty()) out = out.with(name, value_as(*find_attribute(schema, name), text));
    };
    for (const DbSetting& one : kDbSettings)
        if (one.element != nullptr) add(one.attribute, with_pending(item, one.element));
    add("engine_version", spelled_version(with_pending(item, "EngineVersion"), config));
    add("port", next_port.empty() ? port : next_port);
    add("database", item.text("DBName"));
    add("subnet_group", item.text("DBSubnetGroup/DBSubnetGroupName"));
    if (const std::string most = item.text("MaxAllocatedStorage"); !most.empty())
        out = out.with("max_storage", to_number(most) * kGib);
    return out;
}

std::string DbInstance::unready(const Item& item, const Value& config) const {
    std::vector<std::string> pending = pending_of(item);
    std::erase(pending, "parameter_group"); // waits for a restart
    if (!pending.empty() && config.flag("apply_immediately"))
        return fmt::format("waiting until AWS changes {}", fmt::join(pending, ", "));
    require_healthy(item);
    const std::string state = state_of_database(item);
    return is_settled(state) ? "" : fmt::format("waiting for the database, which is {}", state);
}

std::string DbInstance::create(Region& region, const Change& change, Params tags) const {
    const Value& config = change.after;
    Params params = std::move(tags);
    params.add("Engine", config.text("engine"))
        .add("MasterUsername", config.text("username"))
        .add("StorageEncrypted", config.flag("encrypted", true))
        .add("AllocatedStorage", std::to_string(config.integer("storage") / kGib))
        .add("BackupRetentionPeriod", std::to_string(config.integer("backup_retention") / kDay))
        .list("VpcSecurityGroupIds.VpcSecurityGroupId", texts_of(config["security_groups"]));
    if (config["database"].is_string()) params.add("DBName", config.text("database"));
    if (config["subnet_group"].is_string())
        params.add("DBSubnetGroupName", config.text("subnet_group"));
    if (config["max_storage"].is_integer())
        params.add("MaxAllocatedStorage", std::to_string(config.integer("max_storage") / kGib));
    for (const DbSetting& one : kDbSettings)
        if (const std::string text = text_of(config[one.attribute]); !text.empty())
            params.add(one.attribute == std::string_view("port") ? "Port" : one.parameter, text);
    const std::string name = config.text("name");
    if (const auto old = named(region, name); old && is_gone(*old))
        throw Error(ErrorKind::failed, fmt::format("the database {} is still being deleted", name))
            .with_hint("apply again once it is gone");
    return create_named(region, change, std::move(params), name);
}

/// The parameters of a change, besides the name.
Params DbInstance::changed(const Item& item, const Value& before, const Value& after) const {
    Params out;
    const auto differs = [&](const DbSetting& one) {
        return changes_from(before, after, one.attribute);
    };
    bool disk = changes_from(before, after, "storage");
    for (const DbSetting& one : kDbSettings) {
        if (one.of_disk)
            disk = disk || differs(one);
        else if (differs(one))
            out.add(one.parameter, text_of(after[one.attribute]));
    }
    if (changes_from(before, after, "backup_retention"))
        out.add("BackupRetentionPeriod", std::to_string(after.integer("backup_retention") / kDay));
    if (changes_from(before, after, "max_storage"))
        out.add("MaxAllocatedStorage", std::to_string(after.integer("max_storage") / kGib));
    if (changes_from(before, after, "security_groups"))
        out.list("VpcSecurityGroupIds.VpcSecurityGroupId", texts_of(after["security_groups"]));
    if (!disk) return out;
    const std::int64_t now = to_number(item.text("AllocatedStorage"));
    out.add("AllocatedStorage", std::to_string(std::max(now, after.integer("storage") / kGib)));
    for (const DbSetting& one : kDbSettings)
        if (const std::string text = text_of(after[one.attribute]); one.of_disk && !text.empty())
            out.add(one.parameter, text);
    return out;
}

void DbInstance::change(Region& region, const Item& item, const Value& before, const Value& after,
                        const Notice& progress) const {
    Params params = changed(item, before, after);
    if (params.all().empty()) return;
    const std::string id = item.text(names.id), engine = after.text("engine");
    if (after.integer("storage") < before.integer("storage"))
        throw Error(ErrorKind::failed, "the storage of a database cannot shrink",
                    after["storage"].loc())
            .with_hint("create a new database, copy the data, then remove this database");
    if (changes_from(before, after, "engine_version") &&
        major_of(engine, before.text("engine_version")) !=
            major_of(engine, after.text("engine_version"))) {
        if (!after.flag("allow_major_upgrade"))
            throw Error(ErrorKind::failed,
                        fmt::format("from {} to {} is a major upgrade",
                                    before.text("engine_version"),
                                    quoted(after["engine_version"], 40)),
                        after["engine_version"].loc())
                .with_hint("it cannot be undone: make a snapshot, then set `allow_major_upgrade: "
                           "true`");
        params.add("AllowMajorVersionUpgrade", true);
    }
    const auto takes_changes = [](const Item& one) {
        const std::string state = state_of_database(one);
        return is_settled(state) || state == "storage-full" || state == "incompatible-parameters";
    };
    if (!takes_changes(item)) {
        require_healthy(item);
        progress(fmt::format("waiting for the database, which is {}", state_of_database(item)));
        wait_until(region, *this, id, "available", takes_changes);
    }
    params.add(names.id, id).add("ApplyImmediately", after.flag("apply_immediately"));
    region.rds().call("ModifyDBInstance", params, true);
}

void DbInstance::remove(Region& region, const std::string& id, const Value& before) const {
    const auto item = named(region, id);
    if (!item || is_gone(*item)) return;
    if (item->text("DeletionProtection") == "true")
        region.rds().call("ModifyDBInstance",
                          Params()
                              .add(names.id, id)
                              .add("DeletionProtection", false)
                              .add("ApplyImmediately", true),
                          true);
    const std::string snapshot = before["on_destroy"].text("snapshot");
    const auto send = [&](const std::string& name) {
        Params params;
        params.add(names.id, id).add("SkipFinalSnapshot", name.empty());
        if (!name.empty()) params.add("FinalDBSnapshotIdentifier", name);
        region.rds().call("DeleteDBInstance", params, true);
    };
    try {
        send(snapshot);
    } catch (const ServiceError& error) {
        const auto now = named(region, id); // an attempt whose response was lost may have succeeded
        if (!now || is_gone(*now)) return;
        if (error.is({"InvalidDBInstanceState"})) require_healthy(*now);
        if (!error.is({"DBSnapshotAlreadyExists"})) throw;
        const std::string which = lower_case(now->required("DbiResourceId")); // "db-..."
        send(generation_name(snapshot, which.substr(which.find('-') + 1), kMostSnapshot));
    }
}

DbInstance::DbInstance()
    : RdsType({.noun = "database",
               .describe = "DescribeDBInstances",
               .create = "CreateDBInstance",
               .set = "DBInstances",
               .id = "DBInstanceIdentifier",
               .arn = "DBInstanceArn",
               .id_filter = "db-instance-id"}) {
    name = "aws.db_instance";
    summary = "A database of RDS: MySQL, MariaDB or PostgreSQL";
    doc =
        "Apply waits until a new database is available, which takes 5 to 20 minutes. Other changes "
        "continue meanwhile, and the progress shows AWS's state of the database. Most settings "
        "change in place. With `apply_immediately`, they change at once, which can interrupt "
        "connections; otherwise they change in the `maintenance_window`. A change that AWS has "
        "accepted but not applied yet counts as made, and `pending` lists it.\n\n"
        "Detected and repaired: changes of all settings, security groups, parameter group and "
        "tags, but not of the password, because it cannot be read. A database that is gone is "
        "created again, empty. An upgrade by AWS to a version that `engine_version` allows is not "
        "drift. Nor is storage that AWS enlarged up to `max_storage`. Destroy and replacement need "
        "confirmation of the data loss. Then they lift `deletion_protection` and do what "
        "`on_destroy` says.";
    import_id = "the name of the database";
    limit = removal_limit = kLongestChange;
    example = "app:\n"
              "  type: aws.db_instance\n"
              "  name: app\n"
              "  engine: postgres\n"
              "  engine_version: \"16\"\n"
              "  instance_class: db.t4g.micro\n"
              "  storage: 20 GiB\n"
              "  multi_az: true\n"
              "  subnet_group: ${places.id}\n"
              "  security_groups: [\"${database.id}\"]\n"
              "  username: app\n"
              "  password: ${secret.db.password}\n"
              "  on_destroy: {snapshot: app-final}\n";
    schema = with_common(database_schema(), true, "Its name.");
}

} // namespace

std::unique_ptr<ResourceType> db_instance_type() {
    return std::make_unique<DbInstance>();
}

} // namespace hadeploy::aws
