#pragma once

#include "common/env.h"
#include "common/rpc.h"

#include <string>

namespace hadeploy::svc {

/// What the page shows above the list.
struct Notice {
    enum class Kind { None, Done, Problem } kind = Kind::None;
    std::string text;
};

/// The form as the visitor left it. The id travels with it, so that sending the same form twice
/// writes once.
struct Form {
    std::string id;
    std::string name;
    std::string quantity = "1";
};

/// The one page: form, list of entities and who served it. `list` is the database's answer to
/// "list", or null when there was none. Everything that came from outside is escaped.
std::string render_page(const Place& place, const Form& form, const Notice& notice,
                        const Json& list);

} // namespace hadeploy::svc
