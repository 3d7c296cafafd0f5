// Databases, classic load balancers and rules of security groups, without a service.
#include "aws/problems.h"
#include "providers/aws-ec2/classic_listener.h"
#include "providers/aws-ec2/db_status.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::aws;
using aws::test::said_of;

namespace {

std::string database_said(const Value& changes) {
    return said_of("aws.db_instance",
                   Value::map({{"name", "app"},
                               {"engine", "postgres"},
                               {"instance_class", "db.t4g.micro"},
                               {"storage", "20 GiB"},
                               {"username", "app"},
                               {"password", Value("0123456789").as_secret()},
                               {"on_destroy", Value::map({{"snapshot", "app-final"}})}})
                       .with_all(changes));
}

std::string database_said(const char* name, const Value& value) {
    return database_said(Value::map({{name, value}}));
}

Item database_described(const std::string& inside) {
    pugi::xml_document document;
    document.load_string(("<DBInstance>" + inside + "</DBInstance>").c_str());
    return Item(document.first_child());
}

std::string state_said(const char* state) {
    try {
        require_healthy(database_described("<DBInstanceIdentifier>app</DBInstanceIdentifier>"
                                           "<DBInstanceStatus>" +
                                           std::string(state) + "</DBInstanceStatus>"));
    } catch (const Error& error) {
        return error.message + "; " + error.hint;
    }
    return "";
}

std::string classic_said(const Value& changes) {
    const Value listener =
        Value::map({{"port", 80}, {"protocol", "HTTP"}, {"instance_port", 8080}});
    return said_of("aws.classic_load_balancer", Value::map({{"name", "front"},
                                                            {"subnets", Value::list({"subnet-1"})},
                                                            {"listeners", Value::list({listener})}})
                                                    .with_all(changes));
}

std::string classic_check_said(const Value& check) {
    return classic_said(Value::map({{"health_check", check}}));
}

Value classic_check(const std::string& target) {
    pugi::xml_document document;
    document.load_string(("<HealthCheck><Target>" + target +
                          "</Target><Interval>5</Interval><Timeout>2</Timeout>"
                          "<HealthyThreshold>2</HealthyThreshold>"
                          "<UnhealthyThreshold>3</UnhealthyThreshold></HealthCheck>")
                             .c_str());
    return classic_check_of(document.first_child());
}

std::string single_rule_said(const Value& changes) {
    return said_of(
        "aws.security_group_rule",
        Value::map({{"group", "sg-1"}, {"ports", "80"}, {"peer", "10.0.0.0/8"}}).with_all(changes));
}

} // namespace

TEST_CASE("aws.db_instance: names, classes and versions") {
    CHECK(database_said({}) == "");
    for (const char* bad : {"", "1app", "App", "app-", "a--b"})
        CHECK(database_said("name", bad).ends_with("cannot be the name of a database\n"));
    CHECK(database_said("name", "a.b") ==
          "the name of a database contains \".\", which AWS does not allow\n");
    CHECK(database_said("name", std::string(64, 'a')) ==
          "the name of a database has 64 characters (at most 63)\n");
    for (const char* bad : {"t4g.micro", "db.t4g", "db..micro", "db.T4g.micro"})
        CHECK(database_said("instance_class", bad).ends_with("is not a DB instance class\n"));
    for (const char* good : {"16", "16.3", "8.0.39", "11.4.4", "5.7.44-RDS.20240408"})
        CHECK(database_said("engine_version", good) == "");
    for (const char* bad : {"", "latest", "16."})
        CHECK(database_said("engine_version", bad).ends_with("is not a version\n"));
}

TEST_CASE("aws.db_instance: the password is checked, and not shown") {
    const auto said = [](const char* engine, const std::string& password) {
        return database_said(
            Value::map({{"engine", engine}, {"password", Value(password).as_secret()}}));
    };
    CHECK(said("postgres", std::string(128, 'x')) == "");
    CHECK(said("postgres", std::string(129, 'x')) ==
          "the password does not have 8 to 128 characters\n");
    CHECK(said("mysql", std::string(42, 'x')) == "the password does not have 8 to 41 characters\n");
    CHECK(said("mysql", "short") == "the password does not have 8 to 41 characters\n");
    for (const char* bad :
         {"with a blank", "with/slash", "with@sign1", "with\"quote", "wïth-umlaut"})
        CHECK(said("mysql", bad) == "the password contains a character that RDS does not allow\n");
    CHECK(find_attribute(db_instance_type()->schema, "password")->secret);
    for (const char* bad : {"", "1st", "rdsadmin", "admin"})
        CHECK(database_said("username", bad).ends_with("cannot be the name of the user\n"));
    CHECK(database_said(Value::map({{"engine", "mysql"}, {"username", "admin"}})) == "");
}

TEST_CASE("aws.db_instance: what happens to the data has to be said") {
    const char* either =
        "`on_destroy` needs either the name of a snapshot or `skip_snapshot: true`\n";
    const auto said = [](const Value& end) { return database_said("on_destroy", end); };
    CHECK(said(Value::map({{"skip_snapshot", true}})) == "");
    CHECK(said(Value::map({{"snapshot", Value::unknown()}})) == "");
    CHECK(said(Value::map({})) == either);
    CHECK(said(Value::map({{"skip_snapshot", false}})) == either);
    CHECK(said(Value::map({{"snapshot", "x"}, {"skip_snapshot", true}})) == either);
    CHECK(said(Value::map({{"snapshot", "x_y"}})) != "");
    CHECK(database_said("on_destroy", Value()).find("on_destroy") != std::string::npos);
    const auto type = db_instance_type();
    const auto lost = [&](const Value& end) {
        return type->held_data(Value::map({{"name", "app"}, {"on_destroy", end}}))->what;
    };
    CHECK(lost(Value::map({{"skip_snapshot", true}})) ==
          "the database app, all data in it, and its automated backups");
    CHECK(lost(Value::map({{"snapshot", "end"}})) ==
          "the database app and its automated backups (the snapshot end will keep its present "
          "data)");
}

TEST_CASE("aws.db_instance: storage") {
    const auto said = [](const char* type, const char* size, Value iops = {}) {
        return database_said(
            Value::map({{"storage_type", type}, {"storage", size}, {"iops", std::move(iops)}}));
    };
    CHECK(said("gp3", "20 GiB") + said("standard", "5 GiB") + said("io2", "100 GiB", 1'000) +
              said("gp3", "400 GiB", 12'000) ==
          "");
    CHECK(said("gp3", "10 GiB") == "the storage of the type gp3 is 20 to 65536 GiB, got 10\n");
    CHECK(said("io1", "50 GiB", 1'000) ==
          "the storage of the type io1 is 100 to 65536 GiB, got 50\n");
    CHECK(said("io1", "100 GiB") == "storage of the type io1 needs iops\n");
    CHECK(said("gp2", "20 GiB", 3'000) == "the iops of the type gp2 cannot be chosen\n");
    CHECK(said("gp3", "20 GiB", 3'000) ==
          "the iops of the type gp3 can be chosen only for disks of at least 400 GiB\n");
    CHECK(said("gp3", "20.5 GiB") == "the storage of a database must be a whole number of GiB\n");
    CHECK(database_said("max_storage", "10 GiB") == "`max_storage` is smaller than `storage`\n");
    CHECK(database_said("backup_retention", "36h") ==
          "backups are kept for a whole number of days\n");
}

TEST_CASE("aws.db_instance: windows of time") {
    for (const char* good : {"03:00-03:30", "23:45-00:15"})
        CHECK(database_said("backup_window", good) == "");
    for (const char* bad : {"", "3:00-4:00", "03:00-03:29", "24:00-24:30", "03:00", "03:00-0a:00"})
        CHECK(database_said("backup_window", bad).ends_with("is not a time for backups\n"));
    for (const char* good : {"sun:05:00-sun:06:00", "sun:23:45-mon:00:15"})
        CHECK(database_said("maintenance_window", good) == "");
    for (const char* bad : {"", "05:00-06:00", "Sun:05:00-Sun:06:00", "sun:05:00-sun:05:10", "sun"})
        CHECK(
            database_said("maintenance_window", bad).ends_with("is not a time for maintenance\n"));
}

TEST_CASE("aws.db_instance: versions") {
    CHECK(is_version("16", "16.3"));
    CHECK(is_version("16.3", "16.3"));
    CHECK_FALSE(is_version("16.3", "16.30"));
    CHECK_FALSE(is_version("1", "16.3"));
    CHECK_FALSE(is_version("16.3", "16"));
    CHECK(major_of("postgres", "16.3") == "16");
    CHECK(major_of("postgres", "16") == "16");
    CHECK(major_of("mysql", "8.4.3") == "8.4");
    CHECK(major_of("mariadb", "11.4") == "11.4");
    CHECK(is_later("16.10", "16.9"));
    CHECK(is_later("16.3", "16"));
    CHECK_FALSE(is_later("16.3", "16.3"));
    CHECK_FALSE(is_later("16.3", "17"));
}

TEST_CASE("aws.db_instance: states") {
    for (const char* state : {"available", "storage-optimization"}) CHECK(is_settled(state));
    for (const char* state : {"creating", "backing-up", "modifying", "rebooting", "failed"})
        CHECK_FALSE(is_settled(state));
    for (const char* state : {"available", "creating", "backing-up", "upgrading", "what-is-new"})
        CHECK(state_said(state) == "");
    CHECK(state_said("storage-full") == "the database app is storage-full; enlarge `storage`, with "
                                        "`apply_immediately: true`");
    for (const char* state : {"failed", "stopped", "incompatible-network", "restore-error"})
        CHECK(state_said(state).starts_with("the database app is " + std::string(state) + "; "));
}

TEST_CASE("aws.db_instance: changes that wait") {
    const Item item = database_described(
        "<DBInstanceClass>db.t4g.micro</DBInstanceClass><MultiAZ>false</MultiAZ>"
        "<PendingModifiedValues><DBInstanceClass>db.t4g.small</DBInstanceClass><Port/>"
        "</PendingModifiedValues><DBParameterGroups><DBParameterGroup><ParameterApplyStatus>"
        "pending-reboot</ParameterApplyStatus></DBParameterGroup></DBParameterGroups>");
    CHECK(with_pending(item, "DBInstanceClass") == "db.t4g.small");
    CHECK(with_pending(item, "MultiAZ") == "false");
    CHECK(pending_of(item) == std::vector<std::string>{"instance_class", "parameter_group"});
}

TEST_CASE("aws.db_subnet_group, aws.db_parameter_group: checks") {
    const auto group = [](const Value& changes) {
        return said_of(
            "aws.db_subnet_group",
            Value::map({{"name", "data"}, {"subnets", Value::list({"subnet-1", "subnet-2"})}})
                .with_all(changes));
    };
    CHECK(group({}) == "");
    CHECK(group(Value::map({{"subnets", Value::list({"subnet-1"})}})) ==
          "a DB subnet group needs subnets in at least two availability zones\n");
    CHECK(group(Value::map({{"name", "Data"}})) ==
          "\"Data\" cannot be the name of a DB subnet group\n");
    CHECK(group(Value::map({{"description", ""}})) ==
          "the description of a DB subnet group cannot be empty\n");
    const auto settings = [](const char* family, const char* parameter) {
        return said_of("aws.db_parameter_group",
                       Value::map({{"name", "app"},
                                   {"family", family},
                                   {"parameters", Value::map({{parameter, "1"}})}}));
    };
    CHECK(settings("mariadb11.4", "max_connections") == "");
    CHECK(settings("postgres", "x") == "\"postgres\" is not a family of parameter groups\n");
    CHECK(settings("mysql8.4", "a b") == "\"a b\" is not the name of a parameter\n");
}

TEST_CASE("aws.classic_load_balancer: listeners and health checks") {
    CHECK(classic_said({}) == "");
    const auto listener = [](const Value& changes) {
        const Value plain =
            Value::map({{"port", 80}, {"protocol", "HTTP"}, {"instance_port", 8080}});
        return classic_said(Value::map({{"listeners", Value::list({plain.with_all(changes)})}}));
    };
    CHECK(listener(Value::map({{"protocol", "HTTPS"}})) ==
          "the listener for HTTPS has no certificate\n");
    CHECK(listener(Value::map({{"certificate", "arn:aws:iam::1:server-certificate/x"}})) ==
          "a listener for HTTP has no certificate\n");
    CHECK(listener(Value::map({{"instance_protocol", "TCP"}})) ==
          "a listener for HTTP cannot forward connections as TCP\n");
    CHECK(classic_said(Value::map({{"draining", "1500ms"}})) ==
          "the time for draining is not a whole number of seconds\n");
    const Value http = Value::map({{"protocol", "HTTP"}, {"port", 80}, {"path", "/"}});
    CHECK(classic_check_said(http) == "");
    CHECK(classic_check_said(http.without("path")) == "a health check by HTTP needs a path\n");
    CHECK(classic_check_said(http.with("protocol", "TCP")) ==
          "a health check by TCP has no path\n");
    CHECK(classic_check_said(http.with("path", "ping")) ==
          "\"ping\" is not a path for a health check\n");
    CHECK(classic_check_said(http.with("interval", "5s")) ==
          "the timeout of the health check is not shorter than its interval\n");
    CHECK(classic_check("HTTP:80/ping/me") == Value::map({{"protocol", "HTTP"},
                                                          {"port", 80},
                                                          {"path", "/ping/me"},
                                                          {"interval", 5'000},
                                                          {"timeout", 2'000},
                                                          {"healthy_threshold", 2},
                                                          {"unhealthy_threshold", 3}}));
    CHECK(classic_check("TCP:22")["path"].is_null());
    CHECK(classic_check_params(classic_check("HTTP:80/ping")).all()[0].second == "HTTP:80/ping");
    CHECK(classic_check_params(classic_check("TCP:22")).all()[0].second == "TCP:22");
    CHECK(classic_check("") == Value::map({}));
}

TEST_CASE("aws.classic_load_balancer: a list of listeners gives the same listeners again") {
    const ClassicListeners there = {
        {80, {.protocol = "HTTP", .instance_protocol = "HTTP", .instance_port = 8080}},
        {443,
         {.protocol = "SSL", .instance_protocol = "TCP", .instance_port = 1, .certificate = "c"}}};
    CHECK(classic_listeners_of(value_of(there)) == there);
    CHECK_THROWS_AS(classic_listeners_of(database_described("<member/>").root()), ServiceError);
}

TEST_CASE("aws.classic_target: its ID follows from its config") {
    const Value config = Value::map({{"balancer", "front"}, {"instance", "i-1"}});
    CHECK(said_of("aws.classic_target", config) == "");
    CHECK(said_of("aws.classic_target", config.with("instance", "web")) ==
          "\"web\" is not the ID of an instance\n");
    const auto type = classic_target_type();
    CHECK(dynamic_cast<const AwsType&>(*type).id_from(config) == "front/i-1");
    CHECK(type->claims(config) == std::vector<std::string>{"aws classic target front/i-1"});
    CHECK(type->claims(config.with("instance", Value::unknown())).empty());
}

TEST_CASE("aws.security_group_rule: checks and warnings as for the rules of a group") {
    CHECK(single_rule_said({}) == "");
    CHECK(single_rule_said(Value::map({{"group", "web"}})) ==
          "\"web\" is not the ID of a security group\n");
    CHECK(single_rule_said(Value::map({{"ports", "http"}})) ==
          "\"http\" is not a port or a port range\n");
    CHECK(single_rule_said(Value::map({{"protocol", "icmp"}})) ==
          "the protocol icmp does not have ports\n");
    CHECK(
        single_rule_said(Value::map({{"peer", "10.0.0.1"}})).starts_with("\"10.0.0.1\" is not a"));
    CHECK(single_rule_said(Value::map({{"peer", Value::unknown()}})) == "");
    const Value open = Value::map({{"ports", "22"}, {"peer", "0.0.0.0/0"}});
    CHECK(single_rule_said(open) == "warning: port 22 is open to the whole Internet (0.0.0.0/0)\n");
    CHECK(single_rule_said(open.with("direction", "egress")) == "");
    const auto type = security_group_rule_type();
    const auto claims = [&](const char* peer) {
        return type->claims(Value::map({{"group", "sg-1"},
                                        {"direction", "ingress"},
                                        {"protocol", "tcp"},
                                        {"ports", "80"},
                                        {"peer", peer}}));
    };
    CHECK(claims("10.1.2.3/8") == claims("10.0.0.0/8"));
    CHECK(claims("10.0.0.0/8") ==
          std::vector<std::string>{"aws ingress rule of sg-1: tcp 80-80 10.0.0.0/8"});
}
