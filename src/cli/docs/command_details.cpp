#include "cli/docs/command_details.h"

#include <array>
#include <utility>

namespace hadeploy::cli {

namespace {
using Details = std::pair<std::string_view, std::string_view>;

constexpr std::array kDetails{
    Details{
        "init",
        "Creates DIR, or uses the current directory, and writes a spec with explanations and a "
        ".gitignore. The templates:\n\n"
        "minimal: files and a password on this machine; needs nothing else\n"
        "single: a virtual machine with a web server, with libvirt\n"
        "ha3: three virtual machines with Docker Swarm, Gluster and the demo app, with libvirt\n"
        "existing: a Docker Swarm on machines that exist, with a compose file of your own\n"
        "aws: a network on AWS with two web servers\n\n"
        "Modules that the template calls are copied into the project, so it does not depend on the "
        "installed version. No file is replaced; an existing .gitignore is kept. The name of the "
        "project is that of the directory."},
    Details{
        "doctor",
        "Checks what the resources and the state of the spec need on this machine: libvirt, KVM, "
        "memory, disk space, tools that build base images, keys for logins, credentials for AWS, "
        "the directory or the database of the state. Each line has a status: met, limited (apply "
        "works, but for example slowly) or missing, and the command that improves it. The exit "
        "code is 1 if something is missing. Nothing is changed and no host is logged in to; AWS, "
        "the libvirt daemon and the database of the state are contacted.\n\n"
        "Without a spec in the directory, everything that a spec could use is checked. Nothing is "
        "required then, and the exit code is 0.\n\n"
        "With --json each prerequisite is one line with area, name, status, message and fix; the "
        "last line counts those that are missing."},
    Details{
        "plan",
        "With --target the plan is partial, and its text says so. It includes the dependencies of "
        "created and changed resources, and the dependents of removed resources. Use --replace for "
        "an object that is broken although no difference is found. --refresh=false plans from "
        "the state alone, without reading the real objects. --refresh-only does the opposite "
        "and changes nothing but the state: it records drift and forgets objects that no "
        "longer exist. (The next plan without it proposes to restore what the spec says.)\n\n"
        "--exclude is the opposite of --target: the plan leaves the named resources and their "
        "dependents alone. In a shell, quote an address that has a key, as in --replace "
        "'node[\"a\"]'; node[a] is accepted too.\n\n"
        "New values of outputs and new addresses are changes even if no resource changes: "
        "--detailed-exitcode counts them, and apply records them as a run.\n\n"
        "Data that would be lost is listed above the counts. See `apply`.\n\n"
        "Instances with identical changes are shown together, with {0..49} for numbers that "
        "follow the index and {key} for the key; --unfold lists each instance. --summary shows "
        "only counts, and a plan longer than one screen ends with the same counts.\n\n"
        "Work that an earlier run began and did not finish is listed first: apply and destroy "
        "finish it before they begin anything new.\n\n"
        "A saved plan contains its inputs, including these options. apply carries out exactly "
        "that plan or refuses it, also on a different machine: see docs/plans-in-ci.md. "
        "`hadeploy docs plan-json` describes the JSON."},
    Details{
        "bench",
        "By default 10 clients send 100 requests together, as with `ab -n 100 -c 10`: each waits "
        "for its response before it sends the next request (closed loop). With --rate, requests "
        "are sent at a constant rate and do not wait for earlier responses (open loop). Latency "
        "then counts from the time when a request was due, so a stall of the app shows in every "
        "request that was due during the stall.\n\n"
        "A response with 2xx is a success. Redirects are not followed. Latencies and percentiles "
        "are those of successes; the report also has them by status code, by replica and by "
        "second.\n\n"
        "The figures of --threshold: mean, p50, p90, p95, p99 and max (durations, at most), failed "
        "(percent, at most) and rate (successes per second, at least). The exit code is 3 if one "
        "is missed, 4 if this machine was so busy that its figures cannot be trusted, and 1 if no "
        "request succeeded. Ctrl-C ends the measurement; the report has the figures so far and "
        "says that it was interrupted.\n\n"
        "A matrix has keys that count for all rows, named like the options, and `rows`, each with "
        "a `name`, its own keys, and `before`, a command that is run first without a shell. "
        "Options of the command line replace the keys for all rows. Reports contain neither "
        "headers nor bodies, and URLs without user and query."},
    Details{
        "show",
        "For a saved plan, --markdown prints the text for a pull request: counts, data losses, "
        "and the plan in a code block that no name or value can close. If the text would be longer "
        "than --limit, the plan is cut, and the text says how many lines are shown. --json prints "
        "the plan as one object. "
        "A plan that apply would refuse, for example because the state has changed, is not "
        "shown."},
    Details{
        "apply",
        "Shows the plan, asks for approval and carries it out. --destroy is the same as the "
        "command destroy; the other options are the same as for plan.\n\n"
        "If data that exists nowhere else would be lost (the disk of a machine, a replicated "
        "volume, a directory with `force`), \"yes\" is not enough: type the address of the "
        "resource, or the name of the project if there are several. This prevents approval out "
        "of habit or in the wrong project. --auto-approve alone refuses such a plan; "
        "--allow-data-loss allows all losses, --allow-data-loss=ADDRESS those of one resource "
        "or module. An address without a loss of data is an error. A machine needs no confirmation "
        "while more than half of the copies of each volume on it remain on other machines. The "
        "same rules apply to destroy, rollback and saved plans."},
    Details{"destroy",
            "Works from the state. If the spec cannot be used (it is invalid, or a file that it "
            "reads or the value of a variable is missing), hadeploy reports this and uses the "
            "provider settings of the last run.\n\n"
            "A loss of data has to be confirmed, or allowed with --allow-data-loss. See `apply`."},
    Details{
        "validate",
        "Required variables need no value: values that depend on them are unknown, and everything "
        "else is checked. A module can be checked alone; its inputs are then unknown."},
    Details{
        "import",
        "Reads the object with the settings of its resource in the spec, so write the block first. "
        "It does the same as an entry under `import:`, but only records the object: the next plan "
        "shows the differences from the spec. An object that would have to be replaced is refused. "
        "`hadeploy docs TYPE` says whether a type can be imported and what its ID is. Types that "
        "adopt existing objects (files, packages, services) need no import."},
    Details{
        "why",
        "For each difference it shows the line of the spec, whether the spec or the real object "
        "has changed, and the source of the value. It then explains that source in the same way."},
    Details{
        "ssh",
        "NODE is the key of an instance, as in node1 for node[\"node1\"], the name of a resource "
        "without a key, or an address. Address, user, key file, host key and jump host come from "
        "the "
        "state; ~/.ssh/config and known_hosts are not used. The words after NODE are passed to "
        "ssh: "
        "a command, or options such as -L. The exit code is that of ssh.\n\n"
        "    hadeploy ssh node1\n"
        "    hadeploy ssh node1 sudo docker ps\n"
        "    hadeploy ssh node1 -L 8080:localhost:80 -N\n\n"
        "For scp, sftp and rsync it writes .hadeploy/ssh/config: scp -F .hadeploy/ssh/config "
        "FILE node1:"},
    Details{
        "logs",
        "SERVICE is the name of a service in the compose file, or its full name: web, app_web. If "
        "several stacks have a service of this name, put the address of the resource before it: "
        "module.shop.app/web. It can be one task, as in the printed lines: web.2, web@node1. "
        "Without SERVICE, the logs of all services are shown.\n\n"
        "The logs of a swarm are read through the first manager that responds. If it is lost "
        "during --follow, another one continues, without repeated or missing lines. The services "
        "of a docker.compose are read on their host; --follow shows the containers that exist "
        "when it starts. The colours of programs are removed, and other control characters are "
        "escaped. With --json each line is an object with service, task, node, time and "
        "@message.\n\n"
        "The exit code is 1 if a log could be read only in part, for example because a node is "
        "down, 69 if no host responds, and 130 after Ctrl-C."},
    Details{
        "exec",
        "Looks for a running container of the service on all machines of the swarm, and runs the "
        "command there with `docker exec`. SERVICE is the same as for logs; web.2 and web@node1 "
        "choose a task. The words after SERVICE are the command, without a shell; the default is "
        "`sh`. Standard input is passed on, and there is a terminal if hadeploy has one. The exit "
        "code is that of the command; 255 if the connection fails.\n\n"
        "    hadeploy exec web -- env\n"
        "    hadeploy exec database sh -c 'wc -c </data/entities.db'\n"
        "    hadeploy exec web.2"},
    Details{
        "scale",
        "The number of tasks is part of the spec, so scale changes it there: it finds the variable "
        "of the root module that sets the replicas of the service, and changes its value where it "
        "stands, which is a --var-file of the command line or the `default` in hadeploy.yaml. Then "
        "it plans and applies the service's resource, as `apply --target` does. A later plan finds "
        "no difference. If the plan is not approved, the file is restored; if a change fails, the "
        "file keeps the new number, and the next apply continues.\n\n"
        "If no variable sets the number, nothing is changed, and the error names the line of the "
        "compose file. SERVICE is the same as for logs. A global service cannot be scaled.\n\n"
        "    hadeploy scale web=5"},
    Details{
        "images",
        "Lists the images on all hosts of docker.* resources, with their size and the resources of "
        "the state that use them. An image that only containers use is listed with these. `unused` "
        "means neither. Docker counts layers that images share for each image. If a host cannot be "
        "read, the others are listed and the exit code is 69.\n\n"
        "With --json each image is one line with node, image, id, tags, digests, size, used_by, "
        "containers and unused."},
    Details{
        "clean",
        "Removes, on all hosts of docker.* resources:\n\n"
        "- stopped containers of the recorded stacks: the earlier tasks, with their logs\n"
        "- images that no container and no resource of the state uses, if all their names are "
        "names of images of the state, such as an older version of the same image, or begin with "
        "hadeploy/; images without a name, if such a container ran them\n\n"
        "It removes no volume, no running container, no container of a docker.compose, and nothing "
        "that others made. Docker refuses to remove an object that is in use by then. It shows "
        "what it would remove and asks for approval. The exit code is 1 if a host or an object was "
        "left out.\n\n"
        "`rollback` and an apply of an earlier version send removed images again, or pull them."},
    Details{
        "status",
        "Shows the machines, the nodes and services of the swarm, and Gluster's peers, bricks and "
        "pending heals, if they can be read within ten seconds, and compares them with the spec. A "
        "line that begins with ! reports a problem; the exit code is then 1.\n\n"
        "--watch repeats this until Ctrl-C; on a terminal it redraws the text in place. The spec "
        "is read only once, at the start."},
    Details{
        "watch",
        "Compares the real objects with the state and the spec in rounds, and prints a line when "
        "something changes: drift (an object differs from its applied state), pending changes (the "
        "spec differs), and objects that cannot be read. The spec is read again in each round. "
        "Nothing is "
        "changed without --repair.\n\n"
        "--repair creates and updates drifted resources without asking. It never replaces or "
        "removes an object, loses data or makes a pending change: such drift is only reported. A "
        "repair takes the lock of the state, and is postponed while another run holds the lock. A "
        "repair that failed is retried after a pause that doubles from the interval up to an "
        "hour.\n\n"
        "--once exits with 2 if there is drift, and with 69 if an object cannot be read. SIGTERM "
        "ends a watch with 0, Ctrl-C with 130. docs/watch.md describes the metrics, the messages "
        "of the webhook and the systemd unit."},
    Details{
        "backup",
        "Streams an archive made by GNU tar on the host: owners, modes, ACLs, extended attributes, "
        "links and sparse files of one file system, compressed with zstd or gzip. FILE gets its "
        "name when it is complete, with mode 0600, and is never replaced. It is a tar file and can "
        "be opened without hadeploy. The app may write to the files while they are read: stop the "
        "app for a consistent backup. docs/backup.md has more details, and describes the backup of "
        "the state."},
    Details{
        "restore",
        "Verifies the checksum of FILE before it contacts anything. The directory has to be empty; "
        "with --overwrite its contents are replaced, and files that are not in the backup are "
        "removed. The contents change only after all files were unpacked beside them, so a broken "
        "connection or a full disk changes nothing. Asks for approval."},
    Details{"graph",
            "The html format is one file with the drawing in it. It can be searched, moved and "
            "zoomed, shows dependencies, and loads nothing from elsewhere.\n\n"
            "In html and svg, colours show what apply would do according to the state alone; "
            "values that follow from data sources count as changed. Nothing is contacted. The page "
            "folds modules and blocks until it is readable; a click unfolds them."},
    Details{"console",
            "Reads a line and prints its value as JSON. Secrets are shown as (secret), "
            "values that only apply can determine as (known after apply). A line is an "
            "expression, such as length(var.nodes), or a string with ${...} in it, as in a spec. "
            "Values of resources are those of the state. Data sources are read "
            "when the first of them is used, if their arguments are known.\n\n"
            "On a terminal, lines can be edited, Tab completes words, and lines are "
            "kept in .hadeploy/console_history if there is a state. help lists names "
            "and keys, help NAME explains a function."},
    Details{"output", "--json prints the values as JSON; --raw prints the bare text of one output, "
                      "for scripts. A secret is printed only by --raw with --show-secrets."},
    Details{"fmt",
            "Uses two spaces per level, lists below their key, one space after `:` and `-`, "
            "no trailing whitespace, no two empty lines in a row, and one newline at the end. "
            "Comments, order, quotes, block scalars and the content of `{}` and `[]` stay "
            "as they are. A file is written only if its meaning does not change.\n\n"
            "Without FILE it formats the spec or module of the project directory. --check "
            "lists the files that would change and exits with code 1 if there are any."},
    Details{"state mv", "References to the resource in the state are updated too. In the spec, "
                        "`moved:` does the same for every state of the project."},
    Details{"state trust-host-key",
            "For a machine that was reinstalled and whose key was trusted by `trust_on_first_use`. "
            "Logs in to the machine, shows the fingerprints of the recorded key and of the "
            "presented key, and asks. Compare the presented one with the machine's console "
            "(`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`).\n\n"
            "Without a terminal it needs --fingerprint, which refuses any other key, or "
            "--auto-approve, which trusts any key. A key that known_hosts marks as @revoked is "
            "refused. --dry-run only shows both fingerprints."},
    Details{
        "history",
        "A run is recorded with its origin: the user and the machine, the job in GitHub Actions or "
        "GitLab CI, and the git commit of the spec. The commit has a + if tracked files in the "
        "directory of the spec had uncommitted changes. With --json each run is one line:\n\n"
        "format_version: 1, until a field is removed or changes its meaning\n"
        "run, command, result: result is \"\" while the run is active or if it was killed\n"
        "started_ms, ended_ms: Unix time in milliseconds; ended_ms is 0 as long as result is "
        "\"\"\n"
        "counts: number of steps by outcome\n"
        "origin: user, host, ci (system, job, url, user) and commit (id, changed), each if it is "
        "known; runs of older versions have no origin\n"
        "planned: the origin of the saved plan that the run applied; otherwise absent"},
    Details{"history show",
            "The plan is shown as it was when the run started, with secrets hidden. A plan of more "
            "than 1000 steps is shown as a summary. For a run that was killed, only completed "
            "steps are known. With --json the run is one line in the format of `history` with the "
            "additional fields plan (the text), steps (address, action, outcome, started_ms, "
            "ended_ms) and errors."},
    Details{"state rm", "The objects stay as they are, and hadeploy no longer manages them."},
    Details{"state pull",
            "Secrets are encrypted and can be opened only with the key of this state."},
    Details{
        "state push",
        "Refused without --force: a state of a different project or lineage (not pulled from this "
        "state), a state with a lower serial than the current state, and any state while an "
        "earlier run is unfinished. Refused without --edited: a state that was changed after "
        "it was pulled, because later runs execute its commands and remove its paths. A state has "
        "to be pushed with the same key or passphrase with which it was pulled."},
    Details{"state migrate",
            "A location is a file, such as .hadeploy/state.db, or a URL as in `state` of the spec: "
            "postgresql://USER@HOST/DATABASE?schema=NAME. Records, outputs, the journal and the "
            "history are moved, and the key stays the same. Both locations are locked during the "
            "move.\n\n"
            "The copy is written in one transaction, read back and compared before it replaces the "
            "original. From then on, commands that use the earlier location report where the state "
            "is. After an interruption, run the same command again: it continues, or reports that "
            "nothing is left to do. Refused if the new location contains a different state. The "
            "earlier location keeps its contents; the same command with FROM and TO exchanged "
            "moves the state back."},
    Details{
        "state rekey",
        "Use it for a key that others have seen, or to change from a key file to a passphrase or "
        "back. All secrets, including those in the history, are encrypted with a new data key, "
        "which is encrypted with the new key. This happens in one transaction: after an "
        "interruption, either the old or the new key opens the state.\n\n"
        "Without an option the new key is of the same kind as the current key: a passphrase is "
        "asked for; a key file gets a new first line. The keys below that line open copies of the "
        "state and plans that were made before; delete them when no copies remain. If the location "
        "or the kind of the key changes, set HADEPLOY_STATE_KEY_FILE or HADEPLOY_STATE_PASSPHRASE "
        "accordingly."},
    Details{"taint", "For an object that is broken although a plan finds no difference."},
    Details{"completion",
            "bash: source <(hadeploy completion bash)\n"
            "zsh: hadeploy completion zsh >\"${fpath[1]}/_hadeploy\"\n"
            "fish: hadeploy completion fish >~/.config/fish/completions/hadeploy.fish"},
};
} // namespace

std::string_view command_details(std::string_view path) {
    for (const Details& d : kDetails)
        if (d.first == path) return d.second;
    return {};
}

} // namespace hadeploy::cli
