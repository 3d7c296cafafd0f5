#include "engine/planning.h"

#include "planner/plan/make_plan.h"
#include "planner/plan/refresh_plan.h"
#include "planner/plan/removal.h"
#include "planner/plan/selection.h"
#include "planner/spec/address.h"

#include <algorithm>

namespace hadeploy {
namespace {

PlannedRun start(const PlanSource& source, const Store& store, const PlanOptions& options,
                 std::stop_token stop = {}) {
    PlannedRun p;
    p.prior = load_prior_state(store);
    p.prior.elsewhere = source.elsewhere;
    if (!options.destroy && !options.refresh_only) {
        for (const Moves& moves : source.moves_back) {
            const Moves back = with_room(moves, p.prior);
            p.prior = moved_prior_state(std::move(p.prior), back);
        }
        p.prior = with_moves(std::move(p.prior), source.graph.spec().moved);
    }
    p.settings = source.settings;
    ProviderContext context = source.context;
    context.lineage = p.prior.lineage;
    if (stop.stop_possible()) context.stop = std::move(stop);
    p.endpoints = std::make_unique<Endpoints>(source.graph.registry(), std::move(context),
                                              source.parallelism);
    return p;
}

/// The reads that a plan with these options needs. Sets `evaluation` to the evaluation that found
/// them.
std::vector<PlannedRead> to_read(PlannedRun& p, const PlanSource& source,
                                 const PlanOptions& options,
                                 std::optional<Evaluation>& evaluation) {
    const Registry& registry = source.graph.registry();
    const auto selected = [&] {
        return Selection(options, options.destroy ? nullptr : &source.graph, p.prior);
    };
    std::vector<PlannedRead> what;
    if (options.refresh_only) {
        what = reads_of_records(registry, p.prior, p.settings);
    } else if (options.destroy) {
        what = reads_before_destroy(registry, p.prior, p.settings, selected());
    } else {
        evaluation = evaluate_and_move(source.graph, p.prior, p.settings);
        what = std::move(evaluation->reads);
    }
    const Selection selection = selected(); // after the moves
    if (!selection.all())
        std::erase_if(what,
                      [&](const PlannedRead& s) { return !selection.reads(s.request.address); });
    return what;
}

/// Plans a destroy from the state alone. Errors get the location of the block in the spec.
Plan destroy_plan(const PriorState& prior, const PlanSource& source, const PlanOptions& options) {
    try {
        return make_destroy_plan(prior, source.graph.registry(), options, &source.graph);
    } catch (const Error& errors) {
        std::vector<Error> placed = errors.all();
        for (Error& error : placed)
            if (const auto node = source.graph.find(error.address); node && !error.loc.known())
                error.loc = source.graph[*node].block->loc;
        throw Error(std::move(placed));
    }
}

void make(PlannedRun& p, const PlanSource& source, const PlanOptions& options,
          const Evaluation* evaluation = nullptr) {
    if (options.refresh_only)
        p.plan = make_refresh_plan(source.graph, p.prior, options);
    else if (options.destroy)
        p.plan = destroy_plan(p.prior, source, options);
    else
        p.plan = make_plan(source.graph, p.prior, p.settings, options, evaluation);
}

/// Reads everything that the plan needs.
/// @returns the evaluation for the plan; none for a plan that needs no spec
std::optional<Evaluation> read_all(PlannedRun& p, const PlanSource& source,
                                   const PlanOptions& options, Events& events,
                                   const std::stop_token& stop) {
    const auto read_sources = [&] {
        if (!options.destroy) read_data(p.prior, source.graph, p.settings, *p.endpoints, events);
    };
    std::optional<Evaluation> evaluation;
    if (options.refresh) {
        read_sources(); // reads may depend on data sources, and data sources on the objects that
                        // were read
        const std::vector<PlannedRead> what = to_read(p, source, options, evaluation);
        refresh(p.prior, what, *p.endpoints, events);
    } else {
        if (!options.destroy && !options.refresh_only)
            evaluation = evaluate_and_move(source.graph, p.prior, p.settings);
        assume_recorded(p.prior);
    }
    read_sources();
    if (stop.stop_requested())
        throw Interrupted(); // then endpoints that did not respond are not errors
    return evaluation;
}

/// Adds the resources of the errors to the exclusions.
/// @throws Error: all of the errors, if one of them is not about a single object
void exclude(const Error& errors, const Graph& graph, const PriorState& prior, PlanOptions& options,
             LeftOut& left_out) {
    for (const Error& error : errors.all()) {
        const std::string address = resource_address(error.address);
        const bool known = graph.find(address) || prior.recorded.contains(address);
        const bool again = std::find(options.exclude.begin(), options.exclude.end(), address) !=
                           options.exclude.end();
        if (!known || again || error.kind == ErrorKind::spec || error.kind == ErrorKind::usage)
            throw Error(errors);
    }
    for (Error error : errors.all()) {
        options.exclude.push_back(resource_address(error.address));
        left_out.errors.push_back(std::move(error));
    }
}

} // namespace

PlannedRun read_and_plan(const PlanSource& source, const Store& store, const PlanOptions& options,
                         Events& events, const std::stop_token& stop) {
    PlannedRun p = start(source, store, options, stop);
    const std::optional<Evaluation> evaluation = read_all(p, source, options, events, stop);
    make(p, source, options, evaluation ? &*evaluation : nullptr);
    return p;
}

PlannedRun read_and_plan_rest(const PlanSource& source, const Store& store, Events& events,
                              const std::stop_token& stop, LeftOut& left_out) {
    PlanOptions options;
    PlannedRun p = start(source, store, options, stop);
    const std::optional<Evaluation> evaluation = read_all(p, source, options, events, stop);
    for (;;) { // dependents of a resource with an error are planned only without it, and can have
               // errors too
        try {
            make(p, source, options, evaluation ? &*evaluation : nullptr);
            break;
        } catch (const Error& errors) {
            exclude(errors, source.graph, p.prior, options, left_out);
        }
    }
    if (left_out.errors.empty()) return p;
    const Selection selection(options, &source.graph, p.prior);
    for (const auto& [address, recorded] : p.prior.recorded)
        if (!selection.has(address)) left_out.addresses.push_back(address);
    return p;
}

PlannedRun plan_from_record(const PlanSource& source, const Store& store) {
    PlannedRun p = start(source, store, {});
    assume_recorded(p.prior);
    const Evaluation evaluation = evaluate_and_move(source.graph, p.prior, p.settings);
    make(p, source, {}, &evaluation);
    return p;
}

PlannedRun plan_from_observations(const PlanSource& source, const Store& store,
                                  const PlanOptions& options,
                                  std::map<std::string, Observation> observed) {
    PlannedRun p = start(source, store, options);
    // observations use the addresses after the evaluation, which needs only the observations of
    // data sources
    for (const auto& [address, seen] : observed)
        if (const auto node = source.graph.find(address); node && source.graph[*node].type->data)
            p.prior.observed.emplace(address, seen);
    std::optional<Evaluation> evaluation;
    if (!options.destroy && !options.refresh_only)
        evaluation = evaluate_and_move(source.graph, p.prior, p.settings);
    p.prior.observed = std::move(observed);
    make(p, source, options, evaluation ? &*evaluation : nullptr);
    return p;
}

} // namespace hadeploy
