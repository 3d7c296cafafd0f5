#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <iterator>

namespace hadeploy {

std::string lifecycle_key_hint(std::string_view key, bool in_lifecycle) {
    // the names of `keep_on_destroy` in Pulumi, Terraform and CloudFormation
    static constexpr std::string_view keep[] = {
        "destroy",         "keep",         "on_destroy",    "retain", "retain_on_delete",
        "deletion_policy", "skip_destroy", "keep_on_delete"};
    static constexpr std::string_view own[] = {
        "prevent_destroy",      kKeepOnDestroy, "create_before_destroy", "ignore_changes",
        "replace_triggered_by", "silence",      "preconditions",         "postconditions"};
    if (std::find(std::begin(keep), std::end(keep), key) != std::end(keep))
        return "to keep the object when the resource is removed, write lifecycle: "
               "{keep_on_destroy: "
               "true}";
    if (!in_lifecycle && std::find(std::begin(own), std::end(own), key) != std::end(own))
        return "write it under `lifecycle:`";
    return {};
}

} // namespace hadeploy
