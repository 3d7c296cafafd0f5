#include "cli/commands.h"
#include "cli/machines.h"
#include "cli/render/terminal.h"
#include "cli/render/text.h"
#include "cli/services/docker_hosts.h"
#include "cli/services/services.h"
#include "cli/stop_on_signal.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

/// A running container of a service.
struct Running {
    DockerHost host;
    std::string container; ///< its ID
};

/// Prints the host name, and a line "ID NAME STATUS" for each running container of the service.
std::string containers_script(const Service& service) {
    std::vector<std::string> labels;
    std::string name = "{{.Names}}";
    if (service.swarm) {
        labels = {"com.docker.swarm.service.name=" + service.full_name()};
        name = "{{.Label \"com.docker.swarm.task.name\"}}";
    } else {
        labels = {"com.docker.compose.project=" + service.stack,
                  "com.docker.compose.service=" + service.name};
    }
    std::string filters;
    for (const std::string& label : labels)
        filters += " --filter " + shell_word_of("label=" + label);
    return fmt::format("uname -n\ndocker ps --no-trunc --filter status=running{} --format {}\n",
                       filters, shell_word_of("{{.ID}} " + name + " {{.Status}}"));
}

/// The container to use: a healthy one, if there is one, else the first by name.
std::optional<std::string> chosen_container(const TaskName& task, const DockerHost& host,
                                            const std::string& listed) {
    std::istringstream lines(listed);
    std::string node, line;
    std::getline(lines, node);
    if (!task.node.empty() && task.node != node && task.node != host.name) return std::nullopt;
    std::vector<std::array<std::string, 3>> found; ///< "1" if it is not healthy, name, ID
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string id, name;
        words >> id >> name;
        const std::string number = task.service.swarm
                                       ? fmt::format("_{}.{}.", task.service.name, task.slot)
                                       : fmt::format("-{}", task.slot);
        if (!task.slot.empty() &&
            (task.service.swarm ? name.find(number) == name.npos : !name.ends_with(number)))
            continue;
        const bool healthy =
            line.find("(unhealthy)") == line.npos && line.find("(health: starting)") == line.npos;
        found.push_back({healthy ? "" : "1", name, id});
    }
    if (found.empty()) return std::nullopt;
    return (*std::min_element(found.begin(), found.end()))[2];
}

std::string task_label(const TaskName& task) {
    return task.service.full_name() + (task.slot.empty() ? "" : "." + task.slot) +
           (task.node.empty() ? "" : "@" + task.node);
}

/// Asks all hosts at the same time, so that one that is down delays nothing.
/// @throws Error if the service runs on none of them
Running find_running(const Context& context, const PriorState& prior, const TaskName& task) {
    std::vector<DockerHost> hosts;
    if (task.service.swarm)
        hosts = swarm_members(prior, task.service.hosts);
    else
        hosts = {docker_host("", task.service.hosts.as_map().front().value)};
    const StopOnSignal signal;
    std::stop_source stop;
    const std::stop_callback on_signal(signal.token(), [&stop] { stop.request_stop(); });
    HostShells shells(context, prior, stop.get_token());
    const std::string script = containers_script(task.service);
    std::mutex mutex;
    std::optional<Running> found;
    std::vector<std::string> unread;
    {
        std::vector<std::jthread> threads;
        for (const DockerHost& host : hosts)
            threads.emplace_back([&] {
                try {
                    const auto container =
                        chosen_container(task, host, shells.output_of(host.connection, script));
                    const std::lock_guard lock(mutex);
                    if (!container || found) return;
                    found = Running{host, *container};
                    stop.request_stop();
                } catch (const Error& error) {
                    const std::lock_guard lock(mutex);
                    unread.push_back(fmt::format("{}: {}", host.name, error.message));
                } catch (const Interrupted&) {
                }
            });
    }
    if (found) return *found;
    if (stop_requested()) throw Interrupted();
    Error error(unread.size() == hosts.size() ? ErrorKind::unreachable : ErrorKind::failed,
                fmt::format("no container of {} runs", task_label(task)));
    std::sort(unread.begin(), unread.end());
    for (const std::string& one : unread) error.with_note(one);
    throw error.with_hint("`hadeploy status` shows the services");
}

} // namespace

int run_exec(Context& context) {
    context.project.load();
    PriorState prior;
    {
        const auto store = context.project.open_store(Store::Mode::read_only);
        prior = load_prior_state(*store);
    }
    const TaskName task = task_named(context.args.name, recorded_services(prior));
    const Running running = find_running(context, prior, task);
    std::vector<RecordedResource> rows;
    for (const auto& [address, row] : prior.recorded) rows.push_back(row);
    const std::vector<Machine> machines = recorded_machines(
        rows, context.project.root(), {{running.host.name, {"", running.host.connection}}});
    const auto machine = std::find_if(machines.begin(), machines.end(), [&](const Machine& m) {
        return same_place(m.login.connection, running.host.connection);
    });
    const bool terminal = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
    std::string command;
    if (machine->login.connection.text("user") != "root")
        command = terminal ? "sudo " : "sudo -n "; // with a terminal, it can ask for the password
    command += fmt::format("docker exec -i{} {}", terminal ? "t" : "", running.container);
    std::vector<std::string> words = context.args.words;
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
    if (words.empty()) words = {"sh"};
    for (const std::string& word : words) command += " " + shell_word_of(word);
    std::vector<std::string> options{"-o", "LogLevel=ERROR"};
    if (terminal) options.emplace_back("-t");
    become_ssh(*machine, write_ssh_config(context.project, machines), options, {command});
}

} // namespace hadeploy::cli
