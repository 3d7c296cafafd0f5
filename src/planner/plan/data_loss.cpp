#include "planner/plan/data_loss.h"

#include "core/secrecy.h"
#include "planner/graph/computed.h"
#include "planner/plan/generations.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace hadeploy {

namespace {

/// Whether a step removes an object together with its data. A replacement has a separate step for
/// the removal.
bool ends_object(const PriorState& prior, const Step& step) {
    if (step.action != Action::remove) return false;
    const auto seen = prior.observed.find(step.address);
    return seen == prior.observed.end() || !seen->second.data_gone;
}

std::optional<DataLoss> held_data(const ResourceType& type, const Value& attributes) {
    auto data = type.held_data(attributes);
    if (data) data->what = without_secrets(std::move(data->what), attributes);
    return data;
}

/// A resource with copies of its data on several machines.
struct Replicated {
    const RecordedResource* record;
    const ResourceType* type;
    std::set<std::string> machines;
    bool survives; ///< whether more than half of the copies remain, and the resource too
};

class LossFinder {
  public:
    LossFinder(const Plan& plan, const PriorState& prior, const Registry& registry)
        : plan_(plan), prior_(prior), registry_(registry) {}

    std::vector<Loss> find() {
        for (const Step& step : plan_.steps) {
            if (!ends_object(prior_, step)) continue;
            ended_.insert(resource_address(step.address));
            if (step.type->machine && step.type->removal_ends_machine)
                machines_.insert(resource_address(step.address));
        }
        if (!machines_.empty()) find_replicated();
        std::vector<Loss> out;
        for (const Step& step : plan_.steps)
            if (ends_object(prior_, step)) add(out, step);
        for (const Replicated& r : replicated_) // data that a step removes was added above
            if (!r.survives && !ended_.contains(r.record->address))
                if (auto data = held_data(*r.type, r.record->attributes))
                    out.push_back({r.record->address, r.type, std::move(*data)});
        return out;
    }

  private:
    void add(std::vector<Loss>& out, const Step& step) const {
        auto data = held_data(*step.type, step.before);
        if (!data) return;
        Loss loss{resource_address(step.address), step.type, std::move(*data)};
        for (const Replicated& r : replicated_)
            if (r.survives && r.machines.contains(loss.address)) loss.copied_by = r.record->address;
        out.push_back(std::move(loss));
    }

    /// Finds resources that have copies on a machine that is removed.
    void find_replicated() {
        for (const auto& [address, r] : prior_.recorded) {
            const ResourceType* type = registry_.type(r.type);
            const std::int64_t copies = type == nullptr ? 1 : type->copies(r.attributes);
            if (copies < 2) continue;
            std::set<std::string> machines = machines_in(r.config);
            const auto removed = [&](const std::string& m) { return machines_.contains(m); };
            if (std::none_of(machines.begin(), machines.end(), removed)) continue;
            const std::int64_t lost =
                std::count_if(machines.begin(), machines.end(), [&](const std::string& m) {
                    return removed(m) || observed_gone(prior_, m);
                });
            const bool survives = 2 * (copies - lost) > copies && !ended_.contains(address);
            replicated_.push_back({&r, type, std::move(machines), survives});
        }
    }

    const Plan& plan_;
    const PriorState& prior_;
    const Registry& registry_;
    std::set<std::string> ended_;    ///< resources whose objects are removed
    std::set<std::string> machines_; ///< the machines among them
    std::vector<Replicated> replicated_;
};

} // namespace

std::vector<Loss> find_losses(const Plan& plan, const PriorState& prior, const Registry& registry) {
    return LossFinder(plan, prior, registry).find();
}

} // namespace hadeploy
