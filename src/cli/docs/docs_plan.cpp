#include "cli/docs/docs_plan.h"

namespace hadeploy::cli {

std::string plan_json_reference() {
    return R"md(## Plan JSON

`hadeploy show --json FILE` prints the plan as one JSON object. The last line of `hadeploy plan
--json` is such an object too. Programs can read these objects, for example to check a plan against
rules. `format_version` is 1. It is raised when a field is removed or changes its meaning; new
fields can be added at any time. A secret is shown as `"(secret)"`, and a value that only apply can
determine as `"(known after apply)"`.

| Field | |
|---|---|
| `format_version` | 1 |
| `destroy`, `refresh_only`, `partial` | `destroy`: everything is removed; `refresh_only`: only the state changes; `partial`: only a part of the spec was planned |
| `environment` | the environment; absent if the project has none |
| `steps` | the steps in an order in which they can be executed; see below |
| `counts` | number of steps by action; a replacement counts as one step |
| `outputs` | the planned outputs |
| `output_changes` | by name: `action` (`create`, `update`, `remove`), `before`, `after` |
| `losses` | data that is lost: `address`, `type`, `what`, `bytes` (or null), `copied_by` (the resource that keeps copies, or "") |
| `costs` | what the provider charges for after the plan and not before (`added`), and what no longer (`ended`): lists of `what` (size or class, never a price) and `count`; absent if that does not change |
| `moved` | new addresses: `from`, `to` |
| `resumed` | by address: the changes of an interrupted run that are completed first; absent if there are none |
| `later` | turns that are left for later plans: `machine`, `addresses`, `action`; absent if there are none |
| `notices` | remarks, as texts |
| `warnings` | `kind`, `message`, `address`, `file`, `line`, `column`, `hint`, `notes` |
| `saved` | only of a saved plan: `project`, `version` (of hadeploy), `created`, `lineage` and `serial` of the state, `origin` as in [`history --json`](commands.md#history) |

| Field of a step | |
|---|---|
| `address`, `type` | the resource |
| `action` | `create`, `update`, `replace`, `remove`, `adopt`, `read`, `forget`, `refresh` |
| `verb` | the action in the words of the type, such as `start`, or "" |
| `reason` | for people |
| `changes` | the attributes that differ: `name`, `before`, `after`, `replaces` (it forces the replacement), `drift` (the object was changed outside hadeploy) |
| `before`, `after` | all attributes as far as they are known; null if there is no object |
| `generation` | generation of the object; each replacement raises it |
| `read_first` | the resource's machine is not up yet: the object is read when the machine is up, and repaired if it differs |
| `after_steps` | addresses of the steps that this step waits for |
| `create_before_destroy` | true if the new object is created first; otherwise absent |
| `costs` | what the provider charges for, `before` and `after` the step, such as "t3.micro, 8 GiB gp3"; "" for nothing; absent if the object is free |
| `removed_after_steps` | of a replacement: addresses of the steps that the removal of the old object waits for; otherwise absent |
| `if_differs` | true if the step is carried out only if values that become known during apply differ; otherwise absent |

)md";
}

} // namespace hadeploy::cli
