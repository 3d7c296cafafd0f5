#include "cli/docs/completion.h"
#include "cli/commands.h"

namespace hadeploy::cli {

int run_completion(Context& context) {
    context.print(completion_script(command_tree(), context.args.name));
    return 0;
}

} // namespace hadeploy::cli
