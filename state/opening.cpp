#include "state/opening.h"

#include "state/open_postgres.h"
#include "state/open_sqlite.h"

namespace hadeploy::state {

std::unique_ptr<SqlStore> open_place(const StateLocation& location, Store::Mode mode,
                                     const std::string& project, const KeySource& key, Form form,
                                     Place place) {
    auto store = location.in_file()
                     ? open_sqlite(location.file, mode, project, key, std::move(form))
                     : open_postgres(location, mode, project, key, std::move(form));
    if (place == Place::here) store->stay_here();
    return store;
}

} // namespace hadeploy::state
