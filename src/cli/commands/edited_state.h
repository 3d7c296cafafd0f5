#pragma once

#include "cli/context.h"
#include "planner/plan/prior_state.h"
#include "state/store.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// Opens the state without loading the spec, because the spec may need repair.
/// @throws Error(state) if there is none
std::unique_ptr<Store> open_state(const Context& context, Store::Mode mode);

std::vector<std::string> addresses_of(const PriorState& prior);
Error not_recorded(const std::string& address, const PriorState& prior);
/// The recorded addresses within the given one.
/// @throws Error(usage) if there are none
std::vector<std::string> recorded_within(const std::string& given, const PriorState& prior);

/// Reports a change of the state as text or JSON.
void report_change(const Context& context, const std::string& text, const Store& store,
                   nlohmann::json fields);

} // namespace hadeploy::cli
