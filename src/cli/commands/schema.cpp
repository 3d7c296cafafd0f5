#include "cli/commands.h"
#include "cli/docs/docs_schema.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

int run_schema(Context& context) {
    context.print(spec_schema(context.registry, context.args.module).dump(2) + "\n");
    return 0;
}

} // namespace hadeploy::cli
