#pragma once

#include "provider_api/resource_type.h"

#include <string>
#include <vector>

namespace hadeploy::cli {

/// One row of a schema's documentation; the fields of objects have their own rows, under names
/// such as `bootstrap.size`, `ports[].host` or `labels.*.value`.
struct DocRow {
    std::string name;
    std::string type;
    std::string facts; ///< "required", "default 1 GiB", "one of a, b", ...
    std::string doc;
    bool computed = false;
};

std::vector<DocRow> doc_rows(const Schema& schema);

/// A sentence that describes how to import objects of the type.
std::string import_text(const ResourceType& type);

} // namespace hadeploy::cli
