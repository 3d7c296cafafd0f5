#pragma once

#include "cli/project.h"

#include <cstdint>
#include <string>

namespace hadeploy::cli {

/// The command line, understood.
struct Args {
    std::string command; ///< "plan", "state list", ...; "" when parsing has answered already
    int exit_code = 0;   ///< of an answered one: --help, --version, a usage error

    ProjectOptions project;
    bool json = false;
    bool no_color = false;
    bool statistics = false;
    std::filesystem::path profile; ///< write a trace of this run here
    std::string progress = "auto"; ///< auto, tty, plain, json, quiet

    std::filesystem::path out;       ///< plan --out
    std::filesystem::path plan_file; ///< apply PLAN, show PLAN
    bool detailed_exitcode = false;
    bool destroy = false;
    bool auto_approve = false;
    std::size_t parallelism = 10;
    double lock_timeout = 0; ///< seconds

    std::int64_t run = 0;       ///< rollback N
    std::string name;           ///< state show ADDRESS, output NAME, docs TYPE
    std::string format = "dot"; ///< graph
    bool raw = false;           ///< output --raw
    bool markdown = false;      ///< docs --markdown

    std::string drain;  ///< chaos --drain NODE
    bool force = false; ///< chaos
    std::string report; ///< chaos --report FILE
    double hold = 0;    ///< chaos: seconds to stay drained after the tasks have moved

    std::vector<std::filesystem::path> files; ///< vault ... FILE...
    std::filesystem::path new_password_file;  ///< vault rekey
};

/// Parses the command line; prints help, version and usage errors itself.
Args parse_args(int argc, char** argv);

} // namespace hadeploy::cli
