#pragma once

#include "cli/docs/command_tree.h"
#include "cli/project.h"
#include "cli/templates.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hadeploy::cli {

/// Value of --allow-data-loss without an address. No resource can have this name.
inline constexpr const char* kAllData = "true";

/// Options of bench; those without a value are not given.
struct BenchArgs {
    std::vector<std::string> urls;
    std::optional<std::int64_t> requests;
    std::optional<int> concurrency;
    std::optional<double> rate, duration, timeout; ///< per second, seconds, seconds
    bool keep_alive = false;
    std::optional<std::string> method, body, replica_header, replica_key;
    std::vector<std::string> headers;        ///< NAME:VALUE
    std::vector<std::string> thresholds;     ///< FIGURE=LIMIT
    std::string matrix, save, compare, show; ///< files; "": none
};

/// The parsed command line.
struct Args {
    std::string command; ///< "plan", "state list", ...; "" if parsing has already printed an answer
    int exit_code = 0;   ///< set if `command` is "": --help, --version or a usage error

    ProjectOptions project;
    bool json = false;
    bool no_color = false;
    bool statistics = false;
    std::filesystem::path profile; ///< write a trace of this run here
    std::string log_level;         ///< "": the level in HADEPLOY_LOG
    std::filesystem::path log_file;
    std::string progress = "auto"; ///< auto, tty, plain, json, quiet

    std::filesystem::path file; ///< validate PATH: file name within the project directory; init DIR
    std::filesystem::path out;  ///< plan --out
    std::filesystem::path plan_file; ///< apply PLAN, show PLAN
    bool detailed_exitcode = false;
    PlanOptions plan;     ///< plan, apply, destroy, why
    bool summary = false; ///< show only the counts of a plan
    bool unfold = false;  ///< list every instance in a plan
    bool auto_approve = false;
    /// Addresses whose data may be lost; kAllData allows all.
    std::vector<std::string> allow_data_loss;
    double lock_timeout = 0; ///< seconds

    std::optional<std::int64_t> run; ///< rollback N, history show N
    std::string name; ///< ... ADDRESS, output NAME, docs TYPE, completion SHELL, ssh NODE
    std::string to;   ///< TO of state mv, state migrate FROM TO
    std::string id;   ///< import ADDRESS ID
    std::vector<std::string> addresses;           ///< state rm ADDRESS..., state list ADDRESS...
    bool dry_run = false;                         ///< state mv, state rm, state trust-host-key
    std::optional<std::string> fingerprint;       ///< state trust-host-key
    std::string format = "dot";                   ///< graph
    bool raw = false;                             ///< output --raw
    bool show_secrets = false;                    ///< output --raw --show-secrets
    std::optional<std::string> expression;        ///< console -e
    bool markdown = false;                        ///< docs, show PLAN
    std::size_t limit = 65'536;                   ///< show --markdown: maximum size in bytes
    bool commands = false;                        ///< docs --commands
    bool man = false;                             ///< docs --man
    bool module = false;                          ///< schema --module
    std::string template_name = kDefaultTemplate; ///< init

    /// chaos: name and target of each fault on the command line; "" if the target is not given.
    std::vector<std::pair<std::string, std::string>> faults;
    std::map<std::string, std::string> fault_options; ///< chaos: --delay, --path, ...
    bool leader = false;                              ///< chaos: the swarm's leader is the target
    bool random = false;                              ///< chaos: any node is the target
    std::optional<std::uint64_t> seed;                ///< chaos --random
    bool force = false;                               ///< chaos, state push
    bool edited = false;                              ///< state push
    std::string report;                               ///< chaos --report FILE
    std::string junit;                                ///< chaos --junit FILE
    std::string html; ///< --html FILE of plan, show, apply, destroy, rollback, chaos and bench
    BenchArgs bench;
    double hold = 0; ///< chaos: seconds that the fault lasts after the tasks have moved

    bool follow = false;             ///< logs
    std::optional<std::size_t> tail; ///< logs: number of lines
    std::string since;               ///< logs: a time or a duration
    bool timestamps = false;         ///< logs

    bool watch = false;        ///< status --watch
    int interval = 0;          ///< watch, status --watch: seconds; 0: the default
    bool once = false;         ///< watch
    bool repair = false;       ///< watch
    std::string listen;        ///< watch: address of the metrics; "": none
    bool allow_remote = false; ///< watch --listen: also on an address that is not loopback
    std::string webhook;       ///< watch; "": HADEPLOY_WEBHOOK, or none
    bool overwrite = false;    ///< restore

    bool check = false;     ///< fmt
    bool diff = false;      ///< fmt
    bool recursive = false; ///< fmt

    std::vector<std::string> words;           ///< ssh NODE WORD..., exec SERVICE WORD...
    std::vector<std::filesystem::path> files; ///< vault, fmt, state push, backup, restore: FILE
    std::filesystem::path new_password_file;  ///< vault rekey, state rekey
    std::filesystem::path new_key_file;       ///< state rekey
};

/// All commands with their help texts.
CommandTree command_tree();

/// Parses the command line; prints help, version and usage errors itself.
Args parse_args(int argc, char** argv);

} // namespace hadeploy::cli
