#pragma once

#include "common/env.h"
#include "common/rpc.h"

#include <string>

namespace hadeploy::svc {

/// The notice above the list.
struct Notice {
    enum class Kind { None, Done, Problem } kind = Kind::None;
    std::string text;
};

/// The form with the visitor's input. It includes the ID, so that a form sent twice is written
/// once.
struct Form {
    std::string id;
    std::string name;
    std::string quantity = "1";
};

/// The page: form, list of entities and the serving node. `list` is the database's response to
/// "list", or null if there was none. All outside data is escaped.
std::string render_page(const Place& place, const Form& form, const Notice& notice,
                        const Json& list);

} // namespace hadeploy::svc
