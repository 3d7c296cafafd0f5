#include "state/store.h"

#include "state/opening.h"
#include "state/postgres_schema.h"

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

} // namespace hadeploy
