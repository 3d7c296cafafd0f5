#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Addresses by those that they replace. All at once: two may swap.
using Moves = std::map<std::string, std::string>;

/// The world with recorded resources, and what interrupted runs left open, under other addresses.
/// Dependencies and connections that name them follow. PriorState::moved tells what was moved in
/// all.
PriorState moved_world(PriorState world, const Moves& moves);

/// The same for the spec's `moved:`, one entry after the other. An entry whose old address nothing
/// has was done before, and does nothing.
/// @throws Error: the new address is taken
PriorState with_moves(PriorState world, const std::vector<Move>& moves);

/// The address that a recorded one has after the moves.
const std::string& address_now(const Moves& moves, const std::string& before);

/// The addresses that recorded resources now have which were at this address, or within it, before
/// the moves that led to this world.
std::vector<std::string> moved_from(const std::string& before, const PriorState& world);

/// A value whose connections name the machines that they lead to by the addresses after the moves.
Value with_machines_moved(const Value& value, const Moves& moves);

/// Those of the moves that begin at a recorded address. What is recorded at their ends, and moves
/// nowhere, moves aside: to `address#generation`, from where it is removed.
Moves with_room(const Moves& moves, const PriorState& world);

/// The records of `after` that differ from those of `before`: what was moved, and what names it.
std::vector<RecordedResource> changed_records(const PriorState& before, const PriorState& after);

/// Whether the move gives another address to what has this one. Of a move to an instance (`a`
/// becomes `a["x"]`) the other instances are no part.
bool is_moved(const Move& move, const std::string& address);

} // namespace hadeploy
