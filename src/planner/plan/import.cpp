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
               !what_id.empty() ? what_id : "to create a new object, delete the import");
    if (!observed.foreign.empty())
        refuse(
            import.id.empty()
                ? "the existing object can't be adopted without its ID: " + observed.foreign
                : fmt::format("the object of that name is not {}: {}", import.id, observed.foreign),
            what_id);
    Decision d = decide(type, config, nullptr, {}, observed);
    if (d.action == Action::replace)
        refuse("it would be destroyed immediately: " + d.reason,
               "make the spec match the existing object; change it after the import");
    if (d.action == Action::adopt)
        d.verb = "import";
    else
        d.reason = "imported";
    return d;
}

Error import_too_early(const Import& import) {
    return import_error(
        import, ErrorKind::failed, "the object can't be read yet",
        "import it in a later run, when the resources that it depends on are created and up");
}

RecordedResource imported(const std::string& address, const Plan& plan, const Graph& graph) {
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [&](const Step& s) { return s.address == address; });
    const ResourceType& type = *step->type;
    for (const Attribute& a : type.schema)
        if (!a.computed && step->after[a.name].contains_unknown()) {
            Error error(
                ErrorKind::failed,
                fmt::format("{} is not known until the resources that it refers to are created",
                            a.name),
                step->after[a.name].loc());
            error.address = address;
            throw std::move(error).with_hint("apply them first, with --target");
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
