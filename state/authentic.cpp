#include "state/authentic.h"

#include "core/error.h"
#include "core/text.h"
#include "state/digest.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace hadeploy::state {

using sql::Database;
using sql::Statement;

std::string mac_of(const Cipher& cipher, const RecordText& record) {
    const std::string generation = std::to_string(record.generation);
    const std::string tainted = std::to_string(record.tainted);
    return cipher.mac({"resource", record.address, record.type, generation, record.identity,
                       record.config, record.attributes, record.depends_on, tainted});
}

std::string mac_of(const Cipher& cipher, const IntentText& intent) {
    const std::string generation = std::to_string(intent.generation);
    return cipher.mac({"intent", intent.address, intent.type, generation, intent.action,
                       intent.identity, intent.config, intent.depends_on});
}

Error altered(std::string_view address) {
    return Error(ErrorKind::state,
                 fmt::format("the record of {} was altered outside hadeploy", in_quotes(address)))
        .with_hint("nothing was changed, as the record determines which commands run; restore a "
                   "backup of the state");
}

void check_mac(const Cipher& cipher, std::string_view expected, std::string_view mac,
               std::string_view address) {
    if (cipher.authenticates() && expected != mac) throw altered(address);
}

Error incomplete(const std::string& name) {
    return Error(ErrorKind::state, fmt::format("records of the state {} were removed, added or "
                                               "replaced by older versions outside hadeploy",
                                               name))
        .with_hint("nothing was changed, as the records determine which commands run; restore a "
                   "backup of the whole state");
}

namespace {
std::string project_mac(const Cipher& cipher, const Project& project) {
    return cipher.mac({"project and digest", project.name, project.lineage,
                       std::to_string(project.serial), project.outputs, project.digest});
}
/// The MAC of the project in a state that predates the digest.
std::string old_project_mac(const Cipher& cipher, const Project& project) {
    return cipher.mac({"project", project.name, project.lineage, std::to_string(project.serial),
                       project.outputs});
}

/// The project and its stored MAC.
std::pair<Project, std::string> stored_project(Database& database, bool with_digest) {
    Statement query(database, with_digest
                                  ? kProjectQuery
                                  : "SELECT name, lineage, serial, outputs, '', mac FROM project");
    if (!query.step()) return {};
    return {{query.text(0), query.text(1), query.integer(2), query.text(3), query.text(4)},
            query.text(5)};
}
} // namespace

void check_project_mac(const Cipher& cipher, const Project& project, std::string_view mac,
                       const std::string& name) {
    if (!cipher.authenticates_project()) return;
    if (mac == (cipher.authenticates_set() ? project_mac(cipher, project)
                                           : old_project_mac(cipher, project)))
        return;
    throw Error(ErrorKind::state,
                fmt::format("the outputs, serial, lineage or name in the state {} were altered "
                            "outside hadeploy",
                            name))
        .with_hint("nothing was changed; restore a backup of the state");
}

Project read_project(Database& database, const Cipher& cipher) {
    auto [project, mac] = stored_project(database, cipher.authenticates_set());
    check_project_mac(cipher, project, mac, database.name());
    return std::move(project);
}

void write_project(Database& database, const Cipher& cipher, const Project& project) {
    Statement(database, "UPDATE project SET lineage = ?, serial = ?, outputs = ?, digest = ?, mac "
                        "= ? WHERE id = 1")
        .bind(project.lineage, project.serial, project.outputs, project.digest,
              project_mac(cipher, project))
        .run();
}

void authenticate_project(Database& database, const Cipher& cipher) {
    Project project = stored_project(database, false).first;
    project.digest = digests_text(cipher, digests_of(database, cipher));
    write_project(database, cipher, project);
}

namespace {
/// The stored and the expected MAC of a record or an intent.
struct Authenticated {
    std::string key, address, stored, mac;
};

std::vector<Authenticated> records_of(Database& database, const Cipher& cipher) {
    std::vector<Authenticated> out;
    Statement rows(database, "SELECT address, type, generation, identity, config, attributes, "
                             "depends_on, tainted, mac FROM resources");
    while (rows.step()) {
        const std::string address = rows.text(0), type = rows.text(1), identity = rows.text(3),
                          config = rows.text(4), attributes = rows.text(5),
                          depends_on = rows.text(6);
        const RecordText record{address, type,       rows.integer(2), identity,
                                config,  attributes, depends_on,      rows.integer(7)};
        out.push_back({address, address, rows.text(8), mac_of(cipher, record)});
    }
    return out;
}

std::vector<Authenticated> intents_of(Database& database, const Cipher& cipher) {
    std::vector<Authenticated> out;
    Statement open(database, "SELECT id, address, type, generation, action, identity, config, "
                             "depends_on, mac FROM intents");
    while (open.step()) {
        const std::string address = open.text(1), type = open.text(2), action = open.text(4),
                          identity = open.text(5), config = open.text(6), depends_on = open.text(7);
        const IntentText intent{address,  type,   open.integer(3), action,
                                identity, config, depends_on};
        out.push_back({open.text(0), address, open.text(8), mac_of(cipher, intent)});
    }
    return out;
}
} // namespace

void check_all(Database& database, const Cipher& cipher) {
    for (const Authenticated& m : records_of(database, cipher))
        check_mac(cipher, m.mac, m.stored, m.address);
    for (const Authenticated& m : intents_of(database, cipher))
        check_mac(cipher, m.mac, m.stored, m.address);
    const Project project = read_project(database, cipher);
    if (!cipher.authenticates_set()) return;
    const Digests found = digests_of(database, cipher);
    if (!has_records(cipher, project.digest, found.records) ||
        !has_intents(cipher, project.digest, found.intents))
        throw incomplete(database.name());
}

void authenticate_all(Database& database, const Cipher& cipher) {
    Statement mark_row(database, "UPDATE resources SET mac = ? WHERE address = ?");
    for (const Authenticated& m : records_of(database, cipher)) mark_row.bind(m.mac, m.key).run();
    Statement mark_intent(database, "UPDATE intents SET mac = ? WHERE id = ?");
    for (const Authenticated& m : intents_of(database, cipher))
        mark_intent.bind(m.mac, m.key).run();
}

} // namespace hadeploy::state
