#include "cli/measurement_declarations.h"

#include "bench/load.h"
#include "chaos/fault.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// A fault with its target, and its options.
void declare_fault(CLI::App& command, chaos::FaultKind kind, Args& args) {
    const std::string name(chaos::name_of(kind));
    command
        .add_option_function<std::string>(
            "--" + name,
            [&args, name](const std::string& node) { args.faults.emplace_back(name, node); },
            std::string(chaos::help_of(kind)))
        ->type_name("NODE")
        ->expected(0, 1);
    for (const Attribute& option : chaos::options_of(kind))
        command
            .add_option_function<std::string>(
                "--" + option.name,
                [&args, key = option.name](const std::string& value) {
                    args.fault_options[key] = value;
                },
                fmt::format("With --{}: {}", name, option.doc))
            ->type_name("VALUE");
}

} // namespace

void declare_drill_options(CLI::App& chaos, Args& args) {
    for (const chaos::FaultKind kind : chaos::fault_kinds()) declare_fault(chaos, kind, args);
    chaos.add_flag("--leader", args.leader, "The target is the swarm's leader");
    chaos.add_flag("--random", args.random, "The target is a random node");
    chaos.add_option("--seed", args.seed, "Number that determines the choice of --random")
        ->type_name("N");
    chaos
        .add_option("--hold", args.hold, "Seconds that the fault lasts after the tasks have moved")
        ->check(CLI::Range(0, 3600));
    chaos.add_flag("--force", args.force, "Run even if the cluster is not healthy at the start");
    chaos.add_option("--report", args.report, "Also write the full report to FILE as JSON")
        ->type_name("FILE");
    chaos.add_option("--junit", args.junit, "Also write the thresholds to FILE as JUnit XML")
        ->type_name("FILE");
    chaos.add_option("--html", args.html, "Also write the report to FILE as one HTML page")
        ->type_name("FILE");
}

void declare_bench_options(CLI::App& bench, Args& args) {
    BenchArgs& b = args.bench;
    bench
        .add_option("URL", b.urls,
                    "URLs, requested in turn. Default: the URL in the outputs of the last "
                    "apply, or the URLs of the chaos section")
        ->type_name("URL");
    CLI::Option* requests =
        bench.add_option("-n,--requests", b.requests, "Number of requests (default 100)")
            ->type_name("N")
            ->check(CLI::Range(1, static_cast<int>(bench::kMostRequests)));
    CLI::Option* clients =
        bench
            .add_option("-c,--concurrency", b.concurrency,
                        "Number of clients, each of which waits for its response before it "
                        "sends the next request (default 10)")
            ->type_name("N")
            ->check(CLI::Range(1, bench::kMostConcurrency));
    bench
        .add_option("--rate", b.rate,
                    "Requests per second, sent without waiting for earlier responses")
        ->type_name("N")
        ->check(CLI::Range(0.01, static_cast<double>(bench::kMostRate)))
        ->excludes(requests)
        ->excludes(clients);
    bench
        .add_option("--duration", b.duration,
                    "Seconds after which no more requests are sent (default 10 with --rate, "
                    "otherwise 60)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 3600.0));
    bench.add_option("--timeout", b.timeout, "Seconds that a request may take (default 5)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.001, 300.0));
    bench.add_flag("--keep-alive", b.keep_alive, "Use connections again");
    bench
        .add_option("--method", b.method,
                    "Method of the requests (default GET, or POST with a "
                    "body)")
        ->check(CLI::IsMember({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}));
    bench.add_option("--header", b.headers, "Add a header to the requests; can be repeated")
        ->type_name("NAME:VALUE")
        ->allow_extra_args(false);
    bench.add_option("--body", b.body, "Body of the requests")->type_name("TEXT");
    CLI::Option* header =
        bench
            .add_option("--replica-header", b.replica_header,
                        "Header of the responses that names the replica (default X-Served-By)")
            ->type_name("NAME");
    bench
        .add_option("--replica-key", b.replica_key,
                    "Key of the JSON responses that names the replica")
        ->type_name("KEY")
        ->excludes(header);
    bench
        .add_option("--threshold", b.thresholds,
                    "Exit with 3 if this limit is missed, for example p99=200ms, failed=0 or "
                    "rate=100; can be repeated")
        ->type_name("FIGURE=LIMIT")
        ->allow_extra_args(false);
    bench.add_option("--matrix", b.matrix, "Measure each row of this YAML file")->type_name("FILE");
    bench.add_option("--save", b.save, "Also save the report to FILE as JSON")->type_name("FILE");
    bench.add_option("--compare", b.compare, "Compare with the saved report in FILE")
        ->type_name("FILE");
    bench.add_option("--show", b.show, "Show the saved report in FILE instead of measuring")
        ->type_name("FILE");
    bench.add_option("--html", args.html, "Also write the report to FILE as one HTML page")
        ->type_name("FILE");
}

} // namespace hadeploy::cli
