#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Moves: old addresses by new ones. All moves apply simultaneously, so two addresses can be
/// swapped.
using Moves = std::map<std::string, std::string>;

/// The prior state with recorded resources and interrupted changes moved to new addresses.
/// Dependencies and connections that name them are updated. PriorState::moved holds all moves so
/// far.
PriorState moved_prior_state(PriorState prior, const Moves& moves);

/// Applies the spec's `moved:`, one entry after the other. An entry has no effect if nothing has
/// its old address, because then the move was made by an earlier run.
/// @throws Error if a new address is in use
PriorState with_moves(PriorState prior, const std::vector<Move>& moves);

/// The address, after the moves, of a resource that is recorded as `before`.
const std::string& address_now(const Moves& moves, const std::string& before);

/// The current addresses of the recorded resources whose address before the moves of this prior
/// state was `before`, or was within `before`.
std::vector<std::string> moved_from(const std::string& before, const PriorState& prior);

/// A value in which connections name their machines by the addresses after the moves.
Value with_machines_moved(const Value& value, const Moves& moves);

/// The moves that start at a recorded address. If a move leads to the address of a recorded object
/// that does not move, that object moves to `address#generation`, where it is removed.
Moves with_room(const Moves& moves, const PriorState& prior);

/// The records of `after` that differ from `before`: the moved records, and the records that refer
/// to them.
std::vector<RecordedResource> changed_records(const PriorState& before, const PriorState& after);

/// Records the moved resources under their new addresses before any other change of the plan.
void note_moves(Plan& plan, const PriorState& prior);

/// Whether a move changes this address. A move to an instance (`a` to `a["x"]`) does not affect the
/// other instances.
bool is_moved(const Move& move, const std::string& address);

} // namespace hadeploy
