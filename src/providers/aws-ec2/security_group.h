#pragma once

#include "core/error.h"
#include "core/value.h"
#include "providers/aws-ec2/query.h"

#include <compare>
#include <pugixml.hpp>
#include <set>
#include <string>

namespace hadeploy::aws {

/// The smallest part of a security group: one protocol, one range of ports, one source.
struct RuleAtom {
    std::string protocol;               ///< "tcp", "udp", "icmp", or "-1": all
    std::int64_t first = -1, last = -1; ///< ports; -1: all
    std::string peer;                   ///< a CIDR range in EC2's spelling, sg-..., or pl-...
    std::string description = {};

    auto operator<=>(const RuleAtom&) const = default;
};

/// The atoms of a list of rules in a config. `self` stands for the group itself. EC2 keeps one of
/// several atoms that differ only in their description; so does this function, which keeps the
/// first.
std::set<RuleAtom> atoms_of(const Value& rules, const std::string& self);
/// The atoms that EC2 describes in `<ipPermissions>` or `<ipPermissionsEgress>`.
std::set<RuleAtom> atoms_of(const pugi::xml_node& permissions);
/// The atoms as a list of rules, one rule for each atom.
Value rules_of(const std::set<RuleAtom>& atoms, const std::string& self);

/// Adds rules to a request about a group.
void add_atoms(Params& params, const std::string& group, const std::set<RuleAtom>& atoms);

/// The warning about ports that are open to the Internet.
inline constexpr const char* kOpenPort = "open_port";
inline constexpr const char* kOpenPortDoc =
    "A port for SSH (22), MySQL (3306) or PostgreSQL (5432) is open to the Internet.";
/// @param config  with the rules in `ingress`
void warn_of_open_ports(const Value& config, Diagnostics& warnings);

/// The first and the last port of "443" or "8000-8100"; false for anything else.
bool parse_ports(const std::string& text, std::int64_t& first, std::int64_t& last);

} // namespace hadeploy::aws
