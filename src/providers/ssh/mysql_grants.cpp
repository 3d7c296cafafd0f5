#include "providers/ssh/mysql_grants.h"

#include "core/hash.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace hadeploy::ssh::mysql {

namespace {
using Privileges = std::set<std::string>;

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-";

const std::vector<std::string>& global_privileges() {
    static const std::vector<std::string> all{"BINLOG ADMIN",
                                              "BINLOG MONITOR",
                                              "BINLOG REPLAY",
                                              "CONNECTION ADMIN",
                                              "CREATE TABLESPACE",
                                              "CREATE USER",
                                              "FEDERATED ADMIN",
                                              "FILE",
                                              "PROCESS",
                                              "READ_ONLY ADMIN",
                                              "RELOAD",
                                              "REPLICATION MASTER ADMIN",
                                              "SET USER",
                                              "REPLICATION SLAVE ADMIN",
                                              "REPLICATION SLAVE",
                                              "SHOW DATABASES",
                                              "SHUTDOWN",
                                              "SLAVE MONITOR",
                                              "SUPER"};
    return all;
}

bool is_object_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

/// In a grant on a whole database, _ and % in its name are wildcards unless they are escaped.
std::string escaped_wildcards(std::string_view name) {
    std::string out;
    for (const char c : name)
        out += c == '_' || c == '%' ? fmt::format("\\{}", c) : std::string(1, c);
    return out;
}

std::string object_sql(const std::string& object) {
    if (object == "*.*" || !is_grant_object(object)) return object;
    const std::size_t dot = object.find('.');
    const std::string database = object.substr(0, dot), table = object.substr(dot + 1);
    return table == "*" ? fmt::format("`{}`.*", escaped_wildcards(database))
                        : fmt::format("`{}`.`{}`", database, table);
}

/// The reverse of object_sql(): "`app\_db`.*" is "app_db.*".
std::string object_of_sql(const std::string& sql) {
    std::string plain;
    for (std::size_t i = 0; i < sql.size(); ++i)
        if (sql[i] != '`' && !(sql[i] == '\\' && i + 1 < sql.size())) plain += sql[i];
    return is_grant_object(plain) && object_sql(plain) == sql ? plain : sql;
}

/// "SELECT, UPDATE (`a`, `b`)" -> "SELECT", "UPDATE (`a`, `b`)".
Privileges split_privileges(std::string_view text) {
    Privileges all;
    int depth = 0;
    std::string one;
    const auto add = [&] {
        if (one == "ALL PRIVILEGES") one = "ALL";
        if (!one.empty() && one != "USAGE") all.insert(one);
        one.clear();
    };
    for (const char c : text) {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0)
            add();
        else if (c != ' ' || !one.empty())
            one += c;
    }
    add();
    return all;
}

std::string hash_in(std::string_view line) {
    for (std::size_t at = line.find("'*"); at != std::string_view::npos;
         at = line.find("'*", at + 1)) {
        const std::string_view hash = line.substr(at + 1, 41);
        if (hash.size() == 41 && line.substr(at + 42, 1) == "'" &&
            hash.find_first_not_of("0123456789ABCDEF", 1) == std::string_view::npos)
            return std::string(hash);
    }
    return {};
}

std::map<std::string, Privileges> as_sets(const Value& privileges) {
    std::map<std::string, Privileges> sets;
    if (!privileges.is_map()) return sets;
    for (const Entry& e : privileges.as_map())
        if (e.value.is_list())
            for (const Value& one : e.value.as_list())
                if (one.is_string()) sets[e.key].insert(one.as_string());
    return sets;
}

Privileges without(const Privileges& from, const Privileges& what) {
    Privileges rest;
    std::set_difference(from.begin(), from.end(), what.begin(), what.end(),
                        std::inserter(rest, rest.end()));
    return rest;
}

std::string grant(const std::string& object, Privileges privileges, std::string_view account) {
    if (privileges.empty()) return {};
    const bool option = privileges.erase("GRANT OPTION") > 0;
    if (privileges.empty()) privileges.insert("USAGE");
    return fmt::format("GRANT {} ON {} TO {}{};\n", fmt::join(privileges, ", "), object_sql(object),
                       account, option ? " WITH GRANT OPTION" : "");
}

std::string revoke(const std::string& object, Privileges privileges, std::string_view account) {
    std::string sql;
    const auto add = [&](const std::string& what) {
        sql += fmt::format("REVOKE {} ON {} FROM {};\n", what, object_sql(object), account);
    };
    if (privileges.erase("ALL") >
        0) { // it does not include GRANT OPTION, and no list may follow it
        add("ALL PRIVILEGES");
        std::erase_if(privileges, [](const std::string& one) { return one != "GRANT OPTION"; });
    }
    if (!privileges.empty()) add(fmt::format("{}", fmt::join(privileges, ", ")));
    return sql;
}
} // namespace

bool is_grant_object(std::string_view object) {
    const std::size_t dot = object.find('.');
    if (object == "*.*") return true;
    if (dot == std::string_view::npos) return false;
    const std::string_view table = object.substr(dot + 1);
    return is_object_name(object.substr(0, dot)) && (table == "*" || is_object_name(table));
}

const std::vector<std::string>& all_privileges() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> names{
            "ALL",          "ALTER",          "ALTER ROUTINE", "CREATE",
            "CREATE VIEW",  "CREATE ROUTINE", "DELETE",        "CREATE TEMPORARY TABLES",
            "DROP",         "DELETE HISTORY", "EVENT",         "EXECUTE",
            "GRANT OPTION", "INDEX",          "INSERT",        "LOCK TABLES",
            "REFERENCES",   "SELECT",         "SHOW VIEW",     "SHOW CREATE ROUTINE",
            "TRIGGER",      "UPDATE"};
        names.insert(names.end(), global_privileges().begin(), global_privileges().end());
        return names;
    }();
    return all;
}

bool is_global_privilege(std::string_view privilege) {
    const auto& all = global_privileges();
    return std::find(all.begin(), all.end(), privilege) != all.end();
}

Grants parse_grants(const std::vector<std::string>& lines) {
    Grants grants;
    std::map<std::string, Privileges> seen;
    for (const std::string& line : lines) {
        const std::size_t on = line.find(" ON "), to = line.rfind(" TO ");
        if (!line.starts_with("GRANT ") || on == std::string::npos || to == std::string::npos ||
            on > to || line.starts_with("GRANT PROXY "))
            continue;
        if (const std::string hash = hash_in(line.substr(to)); !hash.empty())
            grants.password_hash = hash;
        Privileges privileges = split_privileges(line.substr(6, on - 6));
        if (line.substr(to).find(" WITH GRANT OPTION") != std::string::npos)
            privileges.insert("GRANT OPTION");
        if (!privileges.empty())
            seen[object_of_sql(line.substr(on + 4, to - on - 4))].merge(privileges);
    }
    Value::Map map;
    for (const auto& [object, privileges] : seen)
        map.push_back({object, Value::list(Value::List(privileges.begin(), privileges.end()))});
    grants.privileges = Value::map(std::move(map));
    return grants;
}

std::string change_grants(std::string_view account, const Value& before, const Value& after) {
    std::map<std::string, Privileges> had = as_sets(before), wanted = as_sets(after);
    std::string sql;
    for (const auto& [object, privileges] : wanted) {
        Privileges& present = had[object];
        if (present.contains("ALL") && !privileges.contains("ALL")) {
            sql += revoke(object, {"ALL"}, account);
            std::erase_if(present, [](const std::string& one) { return one != "GRANT OPTION"; });
        }
        sql += grant(object, without(privileges, present), account);
        // ALL includes the others, except GRANT OPTION
        if (privileges.contains("ALL"))
            std::erase_if(present, [](const std::string& one) { return one != "GRANT OPTION"; });
        sql += revoke(object, without(present, privileges), account);
        present.clear();
    }
    for (const auto& [object, privileges] : had) sql += revoke(object, privileges, account);
    return sql;
}

std::string password_hash(const std::string& password) {
    const std::string first = unhex(digest_hex("SHA1", password)).value_or("");
    std::string hash = "*" + digest_hex("SHA1", first);
    std::transform(hash.begin(), hash.end(), hash.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return hash;
}

} // namespace hadeploy::ssh::mysql
