#pragma once

#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/lease.h"
#include "providers/libvirt/libvirt_type.h"

#include <string>

namespace hadeploy::libvirt {

// Suffixes of own_file() for the files of a domain in its pool.
inline constexpr const char* kOverlay = ".qcow2";
inline constexpr const char* kSeed = ".seed.iso";
inline constexpr const char* kConsole = ".console.log";

/// The fixed lease of a domain, from its configuration.
Lease lease_of(const Value& config);

/// The connection to the machine; `host_key` is "" while it is unknown.
Value connection_of(const Value& config, const std::string& host_key);

/// Creates or updates a domain to match `change.after`, even if parts of it exist, and returns its
/// attributes. The definition shows how far an interrupted run got: it contains the seed until the
/// guest has responded for the first time. A stopped machine with a seed is built again.
Value make_machine(Session& session, const Change& change);

/// Removes the domain with this identity, its disk, lease and other files.
void remove_machine(Session& session, const Change& change);

/// The text of a file in /proc of this machine; "" if it cannot be read.
std::string proc_text(const char* path);

/// Available memory of this machine in bytes, from the text of /proc/meminfo.
std::int64_t available_memory(const std::string& meminfo);

} // namespace hadeploy::libvirt
