#include "cli/command_tree.h"

#include <array>
#include <utility>

namespace hadeploy::cli {

namespace {
using Details = std::pair<std::string_view, std::string_view>;

constexpr std::array kDetails{
    Details{
        "plan",
        "With --target the plan is partial, and says so: what is wanted takes along what it "
        "needs, what is to be removed what depends on it. --replace is for what is broken in a "
        "way that no difference shows. --refresh=false plans by the state alone, without a look "
        "at the world; --refresh-only does the opposite and changes nothing but the state: what "
        "drifted is recorded as it is, what is gone is forgotten. (The next plan without it "
        "wants back what the spec says.)\n\n"
        "--exclude is the opposite of --target: the plan leaves alone what it names and all that "
        "depends on that. In a shell an address with a key needs quotes, as in --replace "
        "'node[\"a\"]'; without them node[a] is understood too.\n\n"
        "New values of outputs and new addresses are changes even where no resource has one: "
        "--detailed-exitcode counts them, and apply records them as a run.\n\n"
        "Data that would be lost is listed above the counts: see apply.\n\n"
        "Instances of which the same is said are told together, with {0..49} where numbers go up "
        "with the index and {key} where the key stands; --unfold lists each. --summary only "
        "counts, "
        "and so does the end of a plan that is longer than a screen.\n\n"
        "What an earlier run began and did not end is listed first: apply and destroy go on with "
        "that before anything new.\n\n"
        "A saved plan holds what it was made from, these options too, and apply does exactly "
        "what it says or refuses."},
    Details{
        "apply",
        "Shows the plan, asks, does it. --destroy is the command destroy; the other options are "
        "those of plan.\n\n"
        "Where data would be lost that exists nowhere else (the disk of a machine, a replicated "
        "volume, a directory with `force`), \"yes\" does not confirm that: type the address of the "
        "resource, or the project's name where there are several. That can't be done out of habit, "
        "nor in another project by mistake. --auto-approve alone refuses such a plan; "
        "--allow-data-loss allows all of it, --allow-data-loss=ADDRESS that of one resource or "
        "module, and an address that loses nothing is an error. A machine needs no confirmation "
        "while more than half of the copies of each volume that it has a part in stay on other "
        "machines. All this holds for destroy, rollback and saved plans too."},
    Details{
        "destroy",
        "It goes by the state. Where the spec can't be used (it is broken, a file that it reads "
        "or the value of a variable is missing) this is reported, and providers are reached as "
        "in the last run.\n\n"
        "A loss of data has to be confirmed, or allowed by --allow-data-loss: see apply."},
    Details{"validate",
            "Required variables need no value here: what depends on them is unknown, and the rest "
            "is checked. A module can be checked alone; its inputs are unknown then."},
    Details{
        "import",
        "The object is read with what the spec says of the resource, so its block comes first. "
        "It does what an entry under `import:` does, but that it only takes a note: what differs "
        "from the spec is for the next plan to tell. What would have to be replaced is refused. "
        "Types tell in `hadeploy docs TYPE` what their ID is, and whether they can be imported. "
        "Types that take over what is there (files, packages, services) need no import."},
    Details{"why",
            "For each difference: the line of the spec, whether the wish or the world has changed, "
            "and what the value comes from; then the same of that."},
    Details{
        "status",
        "Shows the machines, then the swarm's nodes and services, then Gluster's peers, bricks and "
        "what is left to heal, each as far as it can be read within ten seconds, and compares "
        "with the spec. A line with a ! says what is not well; then the exit code is 1."},
    Details{"graph",
            "The html format is one file with the drawing in it: it can be searched, moved and "
            "zoomed, shows what depends on what, and loads nothing from elsewhere.\n\n"
            "In html and svg colours tell what apply would do, going by the state alone: what "
            "follows from data sources counts as changed. Nothing is contacted. In the page "
            "modules and blocks are folded as far as it takes to be read; a click unfolds them."},
    Details{"console",
            "Reads a line, prints its value as JSON; secrets are shown as (secret), what only an "
            "apply can tell as (known after apply). A line may be an expression, such as "
            "length(var.nodes), or a text with ${...} in it, as in a spec. Values of resources are "
            "those of the state; data sources are read when the first of them is asked for, where "
            "what they need is known.\n\n"
            "On a terminal lines can be edited, Tab completes words, and lines are kept in "
            ".hadeploy/console_history, where there is a state. help lists names and keys, help "
            "NAME explains a function."},
    Details{
        "output",
        "With --json the values as JSON; with --raw the bare text of one output, for scripts. A "
        "secret is shown by neither."},
    Details{
        "fmt",
        "Two spaces a level, lists below their key, one space after `:` and `-`, no blanks at "
        "the ends of lines, no two empty lines in a row, one line end at the end. Comments, "
        "order, quotes, block scalars and what stands in `{}` and `[]` stay as they are. A text "
        "is written only if it means the same as before.\n\n"
        "Without a FILE it is the spec or module of the project's directory. --check lists the "
        "files that would change and exits 1 if there are any."},
    Details{"state mv",
            "What refers to it in the state follows. In the spec, `moved:` does the same for "
            "everybody who has a state of it."},
    Details{
        "state trust-host-key",
        "For a machine that was installed again, which `trust_on_first_use` let in once. Logs "
        "in to the machine, shows the fingerprints of the key that the state has and of the "
        "one that the machine shows, and asks. Compare the latter with the machine's console "
        "(`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`).\n\n"
        "Without a terminal it needs --fingerprint, which refuses any other key, or "
        "--auto-approve, which trusts whatever answers. A key that known_hosts has as @revoked is "
        "refused. --dry-run only shows both."},
    Details{"state rm", "What is there stays as it is, and hadeploy knows nothing of it any more."},
    Details{"state pull",
            "What is secret is sealed, and can be opened only with the key of this state."},
    Details{
        "state push",
        "Refused without --force: another project's state, one of another lineage (not pulled "
        "from here), one that is older than what is here by its serial, and any while an earlier "
        "run did not end. Refused without --edited: one that was changed after it was pulled, for "
        "the commands and paths in it are what later runs run and remove. The key or passphrase "
        "has to be the one that it was pulled with."},
    Details{
        "state rekey",
        "For a key that others have seen, or to go from the key file to a passphrase and back. "
        "Everything that is secret, the history too, is sealed with a new data key, and that with "
        "the new key: in one transaction, so that whoever is interrupted has a state that the old "
        "key opens, or the new one.\n\n"
        "Without an option the new key is of the kind that the state has: a passphrase is asked "
        "for; a key file gets a new first line. The keys below it open copies of the state and "
        "plans that were made before; take them out when there are none. After a change of place "
        "or kind the environment has to say so: HADEPLOY_STATE_KEY_FILE, "
        "HADEPLOY_STATE_PASSPHRASE."},
    Details{"taint", "For an object that is broken in a way that no difference shows."},
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

namespace {
void collect(const CommandTree& tree, const std::string& prefix, std::vector<CommandPath>& out) {
    for (const CommandTree& command : tree.commands) {
        const std::string path = prefix.empty() ? command.name : prefix + " " + command.name;
        out.push_back({path, &command});
        collect(command, path, out);
    }
}
} // namespace

std::vector<CommandPath> all_commands(const CommandTree& tree) {
    std::vector<CommandPath> out;
    collect(tree, "", out);
    return out;
}

} // namespace hadeploy::cli
