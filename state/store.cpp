#include "state/store.h"

#include "core/text.h"
#include "state/authentic.h"
#include "state/opening.h"
#include "state/postgres_schema.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace hadeploy {

std::unique_ptr<Store> Store::open(const StateLocation& location, Mode mode,
                                   const std::string& project, const KeySource& key, Form form) {
    return state::open_place(location, mode, project, key, std::move(form), state::Place::here);
}

bool Store::exists(const StateLocation& location) {
    if (location.in_file()) {
        struct stat info {};
        return ::lstat(location.file.c_str(), &info) == 0;
    }
    postgres::Database database(location);
    return postgres::schema_version(database, postgres::migrations()) > 0;
}

namespace state {
std::unique_ptr<SqlStore> open_place(const StateLocation& location, Store::Mode mode,
                                     const std::string& project, const KeySource& key, Form form,
                                     Place place) {
    auto store = location.in_file()
                     ? open_sqlite(location.file, mode, project, key, std::move(form))
                     : open_postgres(location, mode, project, key, std::move(form));
    if (place == Place::here) store->stay_here();
    return store;
}

void check_project(sql::Database& database, const std::string& project, const char* other) {
    sql::Statement query(database, "SELECT name, serial FROM project");
    const bool there = query.step();
    const std::string name = there ? query.text(0) : "";
    const std::int64_t serial = there ? query.integer(1) : 0;
    if (serial < 0 || serial > kMostSerial)
        throw Error(
            ErrorKind::state,
            fmt::format("the state {} has the serial {}, which hadeploy cannot have written: "
                        "it was altered by something else",
                        database.name(), serial))
            .with_hint("nothing was changed; restore a backup of the state");
    if (project.empty() || name == project) return;
    throw Error(ErrorKind::state, fmt::format("the state {} belongs to the project {}, not to {}",
                                              database.name(), in_quotes(name), in_quotes(project)))
        .with_hint(other);
}
} // namespace state

} // namespace hadeploy
