#pragma once

#include "provider_api/resource_type.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// One line of a schema's documentation; the fields of objects have lines of their own, under names
/// such as `bootstrap.size`, `ports[].host` or `labels.*.value`.
struct DocRow {
    std::string name;
    std::string type;
    std::string facts; ///< "required", "default 1 GiB", "one of a, b", ...
    std::string doc;
    bool computed = false;
};

std::vector<DocRow> doc_rows(const Schema& schema);

/// What can be imported of a type, in a sentence.
std::string import_text(const ResourceType& type);

} // namespace hadeploy::cli
