#include "planner/plan/import.h"

#include "core/text.h"
#include "planner/graph/computed.h"
#include "planner/graph/early.h"
#include "planner/graph/instances.h"
#include "planner/plan/decide.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

Decision decide_import(const ResourceType& type, const Value& config, const Observation& observed,
                       const Import& import) {
    const auto refuse = [&](std::string why, std::string hint) {
        throw import_error(import, ErrorKind::failed, std::move(why), std::move(hint));
    };
    const std::string what_id =
        type.import_id.empty() ? "" : fmt::format("the ID is {}", type.import_id);
    if (observed.state == Observation::State::absent)
        refuse(import.id.empty() ? fmt::format("there is no {} of this name", type.name)
                                 : fmt::format("there is no {} {}", type.name, import.id),
               !what_id.empty() ? what_id : "take the import out, and it is made anew");
    if (!observed.foreign.empty())
        refuse(import.id.empty()
                   ? "what is there can't be taken over without its ID: " + observed.foreign
                   : fmt::format("what is there by that name is not {}: {}", import.id,
                                 observed.foreign),
               what_id);
    Decision d = decide(type, config, nullptr, {}, observed);
    if (d.action == Action::replace)
        refuse("it would be destroyed at once: " + d.reason,
               "let the spec say what is there; change it once it is imported");
    if (d.action == Action::adopt)
        d.verb = "import";
    else
        d.reason = "imported";
    return d;
}

Error import_too_early(const Import& import) {
    return import_error(import, ErrorKind::failed, "it can't be read yet",
                        "import it in another run, once what it rests on is made, and up");
}

RecordedResource imported(const std::string& address, const Plan& plan, const Graph& graph) {
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [&](const Step& s) { return s.address == address; });
    const ResourceType& type = *step->type;
    for (const Attribute& a : type.schema)
        if (!a.computed && step->after[a.name].contains_unknown()) {
            Error error(ErrorKind::failed,
                        fmt::format("{} is not known before what it refers to is made", a.name),
                        step->after[a.name].loc());
            error.address = address;
            throw std::move(error).with_hint("apply that first: --target names it");
        }
    const Value attributes = complete(type, step->after.with_all(step->before), {});
    return {address,
            type.name,
            step->generation,
            step->identity,
            step->after,
            with_machine(type, address, attributes),
            graph.dependencies(*step->node)};
}

} // namespace hadeploy
