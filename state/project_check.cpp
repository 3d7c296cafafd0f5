#include "state/project_check.h"

#include "core/text.h"
#include "state/authentic.h"

#include <fmt/format.h>

namespace hadeploy::state {

void check_project(sql::Database& database, const std::string& project, const char* other) {
    sql::Statement query(database, kNameQuery);
    const bool there = query.step();
    const std::string name = there ? query.text(0) : "";
    const std::int64_t serial = there ? query.integer(1) : 0;
    if (serial < 0 || serial > kMostSerial)
        throw Error(
            ErrorKind::state,
            fmt::format("the state {} has the serial {}, which hadeploy cannot have written: "
                        "something else altered it",
                        database.name(), serial))
            .with_hint("nothing was changed; restore a backup of the state");
    if (project.empty() || name == project) return;
    throw Error(ErrorKind::state, fmt::format("the state {} belongs to the project {}, not to {}",
                                              database.name(), in_quotes(name), in_quotes(project)))
        .with_hint(other);
}

} // namespace hadeploy::state
