#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/record.h"

namespace hadeploy::cli {

int run_destroy(Context& context) {
    load_for_removal(context);
    PlanOptions options = context.args.plan;
    options.destroy = true;
    return plan_and_execute(context, options, "destroy");
}

} // namespace hadeploy::cli
