#include "core/secrecy.h"
#include "providers/aws-ec2/rds_type.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr std::size_t kMostParameters = 20; ///< of a request

using Settings = std::map<std::string, std::string>;

Settings settings_of(const Value& map) {
    Settings out;
    if (map.is_map())
        for (const Entry& e : map.as_map())
            if (e.value.is_string()) out[e.key] = e.value.as_string();
    return out;
}

class DbParameterGroup final : public RdsGroup {
  public:
    DbParameterGroup();
    void check_own(const Value& config, Diagnostics& problems) const override;
    Value observed(Region& region, const Item& item, const Value& config) const override {
        Value out = Value::map({{"name", observed_name(item, config)},
                                {"family", item.required("DBParameterGroupFamily")},
                                {"description", item.text("Description")}});
        if (config["parameters"].is_null()) return out;
        Value::Map set;
        for (const auto& [key, value] : set_in(region, item.text(names.id)))
            set.push_back({key, Value(value)});
        return out.with("parameters", Value::map(std::move(set)));
    }
    bool needs_more(const Value& config) const override {
        return config["parameters"].is_map() && !config["parameters"].as_map().empty();
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.rds().call("DeleteDBParameterGroup", Params().add(names.id, id), true);
    }

  protected:
    void specify(Region&, Params& params, const Value& config) const override {
        params.add("DBParameterGroupFamily", config.text("family"))
            .add("Description", config.text("description"));
    }

  private:
    Params of_group(const std::string& id) const { return Params().add(names.id, id); }
    Settings set_in(Region& region, const std::string& id) const;
    Settings kinds(Region& region, const std::string& id) const;
    void send(Region& region, const char* action, const std::string& id, const Settings& settings,
              const Settings& kinds) const;
};

void DbParameterGroup::check_own(const Value& config, Diagnostics& problems) const {
    check_name(config["name"], 255, problems);
    const Value &family = config["family"], &text = config["description"];
    if (family.is_string() && std::none_of(family.as_string().begin(), family.as_string().end(),
                                           [](char c) { return c >= '0' && c <= '9'; }))
        problems
            .add(fmt::format("{} is not a family of parameter groups", quoted(family)),
                 family.loc())
            .with_hint("an engine and its version, for example postgres16, mysql8.4 or "
                       "mariadb11.4");
    check_text(family, {.noun = "the family", .most = 64, .others = ".-"}, problems);
    if (text.is_string() && text.as_string().empty())
        problems.add("the description of a DB parameter group cannot be empty", text.loc());
    if (!config["parameters"].is_map()) return;
    for (const Entry& e : config["parameters"].as_map())
        if (e.key.empty() || e.key.find_first_of(" \t\r\n") != e.key.npos)
            problems.add(fmt::format("{} is not the name of a parameter",
                                     quoted(config["parameters"], e.key, 40)),
                         e.value.loc());
}

/// The parameters that were set, without the defaults of the family.
Settings DbParameterGroup::set_in(Region& region, const std::string& id) const {
    Settings out;
    region.rds().each(
        "DescribeDBParameters",
        of_group(id).add("Source", std::string("user")).add("MaxRecords", std::string("100")),
        "Parameters", [&](const pugi::xml_node& one) {
            out[one.child_value("ParameterName")] = one.child_value("ParameterValue");
        });
    return out;
}

/// "dynamic" or "static" for each parameter of the family.
Settings DbParameterGroup::kinds(Region& region, const std::string& id) const {
    Settings out;
    region.rds().each("DescribeDBParameters", of_group(id).add("MaxRecords", std::string("100")),
                      "Parameters", [&](const pugi::xml_node& one) {
                          out[one.child_value("ParameterName")] = one.child_value("ApplyType");
                      });
    return out;
}

/// Dynamic parameters apply at once, static ones at the next start of a database.
void DbParameterGroup::send(Region& region, const char* action, const std::string& id,
                            const Settings& settings, const Settings& kinds) const {
    const bool resets = action == std::string_view("ResetDBParameterGroup");
    for (auto it = settings.begin(); it != settings.end();) {
        Params params = of_group(id);
        if (resets) params.add("ResetAllParameters", false);
        for (std::size_t n = 1; n <= kMostParameters && it != settings.end(); ++n, ++it) {
            const std::string prefix = fmt::format("Parameters.Parameter.{}.", n);
            const auto kind = kinds.find(it->first);
            const bool dynamic = kind != kinds.end() && kind->second == "dynamic";
            params.add(prefix + "ParameterName", it->first)
                .add(prefix + "ApplyMethod", std::string(dynamic ? "immediate" : "pending-reboot"));
            if (!resets) params.add(prefix + "ParameterValue", it->second);
        }
        region.rds().call(action, params, true);
    }
}

void DbParameterGroup::change(Region& region, const Item& item, const Value& before,
                              const Value& after, const Notice&) const {
    if (!changes_from(before, after, "parameters")) return;
    const std::string id = item.text(names.id);
    const Settings wanted = settings_of(after["parameters"]), have = set_in(region, id);
    Settings set, gone;
    for (const auto& [key, value] : wanted)
        if (const auto it = have.find(key); it == have.end() || it->second != value)
            set[key] = value;
    for (const auto& [key, value] : have)
        if (!wanted.contains(key)) gone[key] = value;
    const Settings how = kinds(region, id);
    for (const auto& [key, value] : set)
        if (!how.empty() && !how.contains(key))
            throw Error(ErrorKind::failed,
                        fmt::format("the family {} has no parameter {}", after.text("family"),
                                    quoted(after["parameters"], key, 40)),
                        after["parameters"].loc())
                .with_hint("names are in lower case; a parameter can have a different name in each "
                           "version");
    send(region, "ModifyDBParameterGroup", id, set, how);
    send(region, "ResetDBParameterGroup", id, gone, how);
}

DbParameterGroup::DbParameterGroup()
    : RdsGroup({.noun = "DB parameter group",
                .describe = "DescribeDBParameterGroups",
                .create = "CreateDBParameterGroup",
                .set = "DBParameterGroups",
                .id = "DBParameterGroupName",
                .arn = "DBParameterGroupArn"}) {
    name = "aws.db_parameter_group";
    summary = "Settings of databases";
    doc = "Parameters change in place. Parameters that AWS calls dynamic apply at once; the others "
          "apply at the next restart of a database. hadeploy does not restart the database; until "
          "the restart, `pending` of the `aws.db_instance` contains `parameter_group`. A change of "
          "the family, for example for a different major version, replaces the group. The new "
          "group is created first, with a part of its identity in its name.\n\n"
          "Detected and repaired: parameters that were set, changed or reset, and tags; a group "
          "that is gone is created again. Destroy waits until no database uses it.";
    import_id = "the name of the group";
    example = "settings:\n"
              "  type: aws.db_parameter_group\n"
              "  name: app\n"
              "  family: postgres16\n"
              "  parameters: {max_connections: \"200\", log_min_duration_statement: \"500\"}\n";
    schema = with_common(
        {
            {.name = "name",
             .type = TypeKind::string,
             .doc = "Name, unique in the region.",
             .required = true,
             .replaces = true},
            {.name = "family",
             .type = TypeKind::string,
             .doc = "Engine and version: postgres16, mysql8.4, mariadb11.4.",
             .required = true,
             .replaces = true},
            {.name = "description",
             .type = TypeKind::string,
             .doc = "What it is for.",
             .replaces = true,
             .default_value = Value("managed by hadeploy")},
            {.name = "parameters",
             .type = map_of(TypeKind::string),
             .doc = "All parameters whose values differ from the defaults of the family, as "
                    "strings. If not set, parameters are not managed."},
        },
        true, "Its name.");
}

} // namespace

std::unique_ptr<ResourceType> db_parameter_group_type() {
    return std::make_unique<DbParameterGroup>();
}

} // namespace hadeploy::aws
