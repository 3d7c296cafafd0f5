#include "providers/aws-ec2/db_checks.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "providers/aws-ec2/checks.h"
#include "providers/aws-ec2/disk.h"
#include "providers/aws-ec2/rds_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::int64_t kMostStorage = 65'536; ///< GiB
constexpr std::size_t kShortestPassword = 8;

/// CreateDBInstance, AllocatedStorage and Iops.
struct Storage {
    std::string_view type;
    std::int64_t least_gib;
    bool needs_iops = false;
};
constexpr std::array<Storage, 5> kStorage{
    {{"gp3", 20}, {"gp2", 20}, {"io1", 100, true}, {"io2", 100, true}, {"standard", 5}}};
constexpr std::int64_t kLeastForIops = 400; ///< GiB of the smallest gp3 whose speed can be chosen

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// "db.t4g.micro".
bool is_class(std::string_view text) {
    if (!text.starts_with("db.")) return false;
    text.remove_prefix(3);
    const std::size_t dot = text.find('.');
    return dot != text.npos && dot > 0 && dot + 1 < text.size() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == text.npos;
}

bool is_version_text(std::string_view text) {
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0 &&
           text.find_first_not_of("0123456789.-rdsRDS") == text.npos && !text.ends_with('.');
}

/// "03:00"; minutes of the day, -1 for anything else.
int minute_of(std::string_view text) {
    if (text.size() != 5 || text[2] != ':' || !all_digits(text.substr(0, 2)) ||
        !all_digits(text.substr(3)))
        return -1;
    const int hours = (text[0] - '0') * 10 + text[1] - '0';
    const int minutes = (text[3] - '0') * 10 + text[4] - '0';
    return hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

/// Whether a text is two times of day with at least half an hour between them, or, with `days`, of
/// the week.
bool is_window(std::string_view text, bool days) {
    constexpr std::array<std::string_view, 7> week{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const std::size_t dash = text.find('-');
    if (dash == text.npos) return false;
    constexpr int day = 24 * 60, least = 30;
    int at[2];
    for (const std::size_t i : {0U, 1U}) {
        std::string_view part = i == 0 ? text.substr(0, dash) : text.substr(dash + 1);
        at[i] = 0;
        if (days) {
            const auto name = std::find(week.begin(), week.end(), part.substr(0, 3));
            if (name == week.end() || part.size() < 5 || part[3] != ':') return false;
            at[i] = static_cast<int>(name - week.begin()) * day;
            part.remove_prefix(4);
        }
        const int minute = minute_of(part);
        if (minute < 0) return false;
        at[i] += minute;
    }
    const int whole = days ? 7 * day : day;
    return (at[1] - at[0] + whole) % whole >= least;
}

void check_windows(const Value& config, Diagnostics& problems) {
    const Value &backup = config["backup_window"], &upkeep = config["maintenance_window"];
    if (backup.is_string() && !is_window(backup.as_string(), false))
        problems.add(fmt::format("{} is not a time for backups", quoted(backup)), backup.loc())
            .with_hint("at least half an hour in UTC, for example 03:00-03:30");
    if (upkeep.is_string() && !is_window(upkeep.as_string(), true))
        problems.add(fmt::format("{} is not a time for maintenance", quoted(upkeep)), upkeep.loc())
            .with_hint("at least half an hour in UTC, in lower case, for example "
                       "sun:05:00-sun:06:00");
}

void check_gib(const Value& size, const char* noun, Diagnostics& problems) {
    if (size.is_integer() && size.as_integer() % kGib != 0)
        problems.add(fmt::format("{} must be a whole number of GiB", noun), size.loc());
}

void check_storage(const Value& config, Diagnostics& problems) {
    const Value &size = config["storage"], &most = config["max_storage"], &iops = config["iops"];
    check_gib(size, "the storage of a database", problems);
    check_gib(most, "the largest storage of a database", problems);
    if (size.is_integer() && most.is_integer() && most.as_integer() < size.as_integer())
        problems.add("`max_storage` is smaller than `storage`", most.loc());
    const auto type = std::find_if(kStorage.begin(), kStorage.end(), [&](const Storage& s) {
        return config.text("storage_type") == s.type;
    });
    if (type == kStorage.end()) return;
    if (const std::int64_t gib = config.integer("storage") / kGib;
        size.is_integer() && (gib < type->least_gib || gib > kMostStorage))
        problems.add(fmt::format("the storage of the type {} is {} to {} GiB, got {}", type->type,
                                 type->least_gib, kMostStorage,
                                 redacted(size, std::to_string(gib))),
                     size.loc());
    if (type->needs_iops && iops.is_null())
        problems.add(fmt::format("storage of the type {} needs iops", type->type),
                     config["storage_type"].loc().known() ? config["storage_type"].loc()
                                                          : size.loc());
    for (const char* speed : {"iops", "throughput"}) {
        if (!config[speed].is_integer()) continue;
        const bool chosen =
            type->type == "gp3" || (type->needs_iops && speed == std::string_view("iops"));
        if (!chosen)
            problems.add(fmt::format("the {} of the type {} cannot be chosen", speed, type->type),
                         config[speed].loc());
        else if (type->type == "gp3" && size.is_integer() &&
                 size.as_integer() < kLeastForIops * kGib)
            problems
                .add(fmt::format(
                         "the {} of the type gp3 can be chosen only for disks of at least {} GiB",
                         speed, kLeastForIops),
                     config[speed].loc())
                .with_hint("smaller disks have 3000 operations and 125 MiB per second");
    }
}

void check_login(const Value& config, Diagnostics& problems) {
    const Value &user = config["username"], &password = config["password"];
    const std::string engine = config["engine"].is_string() ? config.text("engine") : std::string();
    if (user.is_string()) {
        const std::string& text = user.as_string();
        const std::size_t most = engine == "mysql" ? 32 : engine == "mariadb" ? 16 : 63;
        check_text(user, {.noun = "the name of the user", .most = most, .others = "_"}, problems);
        if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0])) == 0 ||
            text == "rdsadmin" || (engine == "postgres" && lower_case(text) == "admin"))
            problems.add(fmt::format("{} cannot be the name of the user", quoted(user)), user.loc())
                .with_hint("it begins with a letter; RDS reserves rdsadmin, and PostgreSQL admin");
    }
    if (!password.is_string()) return;
    const std::string& text = password.as_string();
    const std::size_t most = engine == "postgres" ? 128 : 41;
    if (text.size() < kShortestPassword || text.size() > most)
        problems.add(
            fmt::format("the password does not have {} to {} characters", kShortestPassword, most),
            password.loc());
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) {
            return c <= 0x20 || c >= 0x7f || c == '/' || c == '"' || c == '@';
        }))
        problems.add("the password contains a character that RDS does not allow", password.loc())
            .with_hint("printable ASCII without blanks and / \" @");
}

void check_end(const Value& end, Diagnostics& problems) {
    if (!end.is_map()) return;
    const Value &snapshot = end["snapshot"], &skip = end["skip_snapshot"];
    if (!skip.is_unknown() && !snapshot.is_unknown() &&
        snapshot.is_null() != (skip.is_bool() && skip.as_bool()))
        problems
            .add("`on_destroy` needs either the name of a snapshot or `skip_snapshot: true`",
                 end.loc())
            .with_hint("for example {snapshot: app-final}; without a snapshot the data is lost");
    check_rds_name(snapshot, "the name of a snapshot", 255, problems);
}

} // namespace

void check_database(const Value& config, Diagnostics& problems) {
    const Value &kind = config["instance_class"], &version = config["engine_version"];
    check_ids(config["security_groups"], "sg-", "a security group", problems);
    if (kind.is_string() && !is_class(kind.as_string()))
        problems.add(fmt::format("{} is not a DB instance class", quoted(kind)), kind.loc())
            .with_hint("for example db.t4g.micro");
    if (version.is_string() && !is_version_text(version.as_string()))
        problems.add(fmt::format("{} is not a version", quoted(version)), version.loc())
            .with_hint("for example \"16\" or \"16.3\"");
    const Value& days = config["backup_retention"];
    if (days.is_integer() && days.as_integer() % kDay != 0)
        problems.add("backups are kept for a whole number of days", days.loc())
            .with_hint("for example 7d; 0d for no backups");
    check_text(config["database"], {.noun = "the name of the database", .most = 63, .others = "_"},
               problems);
    check_storage(config, problems);
    check_login(config, problems);
    check_windows(config, problems);
    check_end(config["on_destroy"], problems);
}

namespace {

Schema engine_schema() {
    return {
        {.name = "name",
         .type = TypeKind::string,
         .doc = "Name, unique in the region. It is a part of the DNS name of the database.",
         .required = true,
         .replaces = true},
        {.name = "engine",
         .type = TypeKind::string,
         .doc = "The database system.",
         .required = true,
         .replaces = true,
         .one_of = {"mysql", "mariadb", "postgres"}},
        {.name = "engine_version",
         .type = TypeKind::string,
         .doc = "Version of the engine. A shorter version, such as \"16\", allows all versions "
                "that begin with it. AWS's default if not set.",
         .filled = true},
        {.name = "allow_major_upgrade",
         .type = TypeKind::boolean,
         .doc = "Whether an upgrade to a different major version is allowed. Such an upgrade "
                "cannot be undone.",
         .operational = true,
         .default_value = Value(false)},
        {.name = "auto_minor_upgrade",
         .type = TypeKind::boolean,
         .doc = "Whether AWS installs later minor versions, in the maintenance window.",
         .default_value = Value(true)},
        {.name = "instance_class",
         .type = TypeKind::string,
         .doc = "DB instance class, for example db.t4g.micro. A change interrupts connections.",
         .required = true},
        {.name = "multi_az",
         .type = TypeKind::boolean,
         .doc = "Whether it has a standby in another zone, which AWS charges for too.",
         .default_value = Value(false)},
        {.name = "username",
         .type = TypeKind::string,
         .doc = "Name of the first user.",
         .required = true,
         .replaces = true},
        {.name = "password",
         .type = TypeKind::string,
         .doc = "Password of the first user. Not read back.",
         .required = true,
         .secret = true},
        {.name = "database",
         .type = TypeKind::string,
         .doc = "Name of a database that is created together with the DB instance.",
         .replaces = true},
        {.name = "parameter_group",
         .type = TypeKind::string,
         .doc = "Name of the DB parameter group. AWS's default if not set. A different group takes "
                "effect at the next restart.",
         .filled = true},
    };
}

Schema storage_schema() {
    return {
        {.name = "storage",
         .type = TypeKind::bytes,
         .doc = "Size of the disk; it can only grow.",
         .required = true},
        {.name = "max_storage",
         .type = TypeKind::bytes,
         .doc = "Maximum size to which AWS enlarges the disk automatically. If it equals "
                "`storage`, AWS does not enlarge the disk.",
         .filled = true},
        {.name = "storage_type",
         .type = TypeKind::string,
         .doc = "Type of the disk.",
         .default_value = Value("gp3"),
         .one_of = {"gp3", "gp2", "io1", "io2", "standard"}},
        {.name = "iops",
         .type = TypeKind::integer,
         .doc = "Operations per second; for io1, io2, and gp3 of at least 400 GiB.",
         .filled = true,
         .min = 1'000,
         .max = 256'000},
        {.name = "throughput",
         .type = TypeKind::integer,
         .doc = "MiB per second; for gp3 of at least 400 GiB.",
         .filled = true,
         .min = 125,
         .max = 4'000},
        {.name = "encrypted",
         .type = TypeKind::boolean,
         .doc = "Whether the disk is encrypted, with AWS's key for RDS.",
         .replaces = true,
         .default_value = Value(true)},
        {.name = "subnet_group",
         .type = TypeKind::string,
         .doc = "Name of the DB subnet group. If not set, the DB subnet group of the default VPC.",
         .filled = true,
         .replaces = true},
        {.name = "security_groups",
         .type = set_of(TypeKind::string),
         .doc = "IDs of the security groups. The VPC's default if not set.",
         .filled = true,
         .min = 1},
        {.name = "public",
         .type = TypeKind::boolean,
         .doc = "Whether it has a public address.",
         .default_value = Value(false)},
        {.name = "port",
         .type = TypeKind::port,
         .doc = "Port. The engine's default if not set. A change restarts the database.",
         .filled = true},
    };
}

Schema upkeep_schema() {
    return {
        {.name = "backup_retention",
         .type = TypeKind::duration,
         .doc = "How long automated backups are kept, in days; 0d for none.",
         .default_value = Value(7 * kDay),
         .min = 0,
         .max = 35 * kDay},
        {.name = "backup_window",
         .type = TypeKind::string,
         .doc = "When backups are made, in UTC: 03:00-03:30.",
         .filled = true},
        {.name = "maintenance_window",
         .type = TypeKind::string,
         .doc = "When AWS applies pending changes, in UTC: sun:05:00-sun:06:00.",
         .filled = true},
        {.name = "apply_immediately",
         .type = TypeKind::boolean,
         .doc = "Whether changes are made immediately even if they interrupt connections. "
                "Otherwise, changes that interrupt connections wait for the maintenance window.",
         .operational = true,
         .default_value = Value(false)},
        {.name = "deletion_protection",
         .type = TypeKind::boolean,
         .doc = "Whether AWS refuses to delete it. A confirmed removal lifts the protection.",
         .default_value = Value(false)},
        {.name = "copy_tags",
         .type = TypeKind::boolean,
         .doc = "Whether snapshots of the database get its tags.",
         .default_value = Value(true)},
        {.name = "on_destroy",
         .type = object_of({{.name = "snapshot",
                             .type = TypeKind::string,
                             .doc = "Name of the snapshot that is made first. If the name is in "
                                    "use, a part of AWS's ID of the database is appended."},
                            {.name = "skip_snapshot",
                             .type = TypeKind::boolean,
                             .doc = "True: no snapshot is made."}}),
         .doc = "What happens to the data when the database is removed or replaced.",
         .required = true,
         .operational = true},
    };
}

Schema exported_schema() {
    return {
        {.name = "address",
         .type = TypeKind::string,
         .doc = "DNS name of the database.",
         .computed = true,
         .open = true},
        {.name = "endpoint",
         .type = TypeKind::string,
         .doc = "ADDRESS:PORT.",
         .computed = true,
         .open = true,
         .changes_on_update = true},
        {.name = "actual_version",
         .type = TypeKind::string,
         .doc = "The version that runs.",
         .computed = true,
         .open = true,
         .changes_on_update = true},
        {.name = "pending",
         .type = list_of(TypeKind::string),
         .doc = "Attributes whose changes wait for the maintenance window, and `parameter_group` "
                "if it waits for a restart.",
         .computed = true,
         .open = true,
         .changes_on_update = true},
        {.name = "availability_zone",
         .type = TypeKind::string,
         .doc = "Its availability zone. With `multi_az`, the zone of the primary.",
         .computed = true,
         .open = true,
         .changes_on_update = true},
        {.name = "arn", .type = TypeKind::string, .doc = "ARN.", .computed = true, .open = true},
    };
}

} // namespace

Schema database_schema() {
    Schema out = engine_schema();
    for (Schema part : {storage_schema(), upkeep_schema(), exported_schema()})
        for (Attribute& a : part) out.push_back(std::move(a));
    return out;
}

} // namespace hadeploy::aws
