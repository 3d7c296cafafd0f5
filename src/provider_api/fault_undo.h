#pragma once

#include "core/value.h"
#include "provider_api/schema.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

/// Undo of faults (`hadeploy chaos`), shared by the providers that inject them. A process on the
/// affected machine ends the fault after a time limit, even if hadeploy has been killed by then.
namespace hadeploy::fault {

/// The directory of the records on a host: readable only by root, and empty after a boot.
inline constexpr std::string_view kHostDirectory = "/run/hadeploy";

/// An undo to arm. The scripts are POSIX sh; `$1` is the directory of the fault's record.
struct Undo {
    std::string directory; ///< directory of the records
    std::string node;      ///< name of the node in the swarm; unique in the directory
    std::string kind;      ///< "kill", "fill-disk", ...
    std::string lineage;   ///< lineage of the state
    std::chrono::milliseconds after{0};
    std::string script; ///< ends the fault; can be run again, and can be run without a fault
    /// A script that the process runs at its start. Files that the script opens are closed when the
    /// process ends.
    std::string hold = ":";
};

/// Quotes the string as one word of a shell command line.
std::string quoted(std::string_view text);

/// Each of these is a POSIX sh script.

/// Starts the process and checks that it runs. Fails if the node already has a fault. More lines
/// can be appended to the script; in these, `$fault` is the directory of the record.
std::string arm(const Undo& undo);
/// Ends this fault, if the node has it, and removes its record.
std::string end(std::string_view directory, std::string_view node, std::string_view kind,
                std::string_view lineage);
/// Prints the faults for parse().
std::string list(std::string_view directory);

/// A fault that has been recorded.
struct Record {
    std::string node, kind, lineage;
    std::chrono::seconds since{0}; ///< age
    std::chrono::seconds left{0};  ///< until the undo
    bool armed = false;            ///< whether the process of the undo runs
};
/// The faults in the output of list(). Other lines are ignored.
std::vector<Record> parse(std::string_view text);

/// The attribute `faults` of the types that read records, with the values of to_value().
Attribute faults_attribute();
/// Converts records to attributes of an object, and back.
Value to_value(const std::vector<Record>& records);
std::vector<Record> from_value(const Value& list);

} // namespace hadeploy::fault
