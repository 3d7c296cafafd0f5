#include "cli/commands.h"
#include "cli/machines.h"
#include "cli/render/plan_json.h"
#include "cli/render/text.h"
#include "cli/services/docker_hosts.h"
#include "cli/services/log_lines.h"
#include "cli/services/services.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

/// The reader of standard output has closed its end, as `head` does.
struct ReaderGone {};

bool reader_is_gone() {
    pollfd out{STDOUT_FILENO, 0, 0};
    return ::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/// Prints lines of several logs. Thread-safe.
class LogPrinter {
  public:
    LogPrinter(const Context& context, const TaskName& task) : context_(context) {
        if (!task.slot.empty()) slot_ = task.slot + "@";
        if (!task.node.empty()) node_ = "@" + task.node;
    }
    /// @throws ReaderGone
    void print(const LogStream& stream, const LogLine& line) {
        if (!line.label.ends_with(node_)) return;
        if (!slot_.empty() && line.label.find("." + slot_) == std::string::npos &&
            line.label.find("-" + slot_) == std::string::npos)
            return;
        const std::lock_guard lock(mutex_);
        context_.print(context_.args.json ? json(stream, line) : text(line));
        if (reader_is_gone()) throw ReaderGone();
    }
    void note(const std::string& text) {
        const std::lock_guard lock(mutex_);
        context_.say("note: " + text + "\n");
    }

  private:
    std::string text(const LogLine& line) {
        width_ = std::max(width_, columns_of(line.label));
        return fmt::format("{}{} | {}\n", context_.args.timestamps ? line.time + " " : "",
                           pad(line.label, width_), line.message);
    }
    static std::string json(const LogStream& stream, const LogLine& line) {
        const std::size_t at = line.label.rfind('@');
        return json_line("info", "log", line.message, now_ms(),
                         {{"service", stream.service},
                          {"task", line.label.substr(0, at)},
                          {"node", at == std::string::npos ? "" : line.label.substr(at + 1)},
                          {"time", line.time}}) +
               "\n";
    }

    const Context& context_;
    std::mutex mutex_;
    std::size_t width_ = 0;
    std::string slot_, node_;
};

/// Logs that are read together, through the first of the hosts that responds.
struct LogSource {
    std::vector<DockerHost> hosts;
    std::vector<LogStream> streams;

    [[nodiscard]] std::vector<LogStream*> open_streams() {
        std::vector<LogStream*> out;
        for (LogStream& stream : streams)
            if (!stream.ended) out.push_back(&stream);
        return out;
    }
    [[nodiscard]] std::size_t lines() const {
        std::size_t sum = 0;
        for (const LogStream& stream : streams) sum += stream.lines;
        return sum;
    }
};

/// Reads logs, and continues with the next host when one fails.
class LogRun {
  public:
    LogRun(const Context& context, HostShells& shells, LogPrinter& printer)
        : context_(context), shells_(shells), printer_(printer) {
        const Args& args = context.args;
        if (!args.since.empty()) since_ = "--since=" + args.since;
        if (args.tail) tail_ = fmt::format("--tail={}", *args.tail);
    }

    /// @returns whether all logs are complete
    /// @throws Error if a log cannot be read from any host; Interrupted, ReaderGone
    bool read(LogSource& source) {
        std::vector<Error> failures; // since the last line
        for (std::size_t next = 0; !source.open_streams().empty(); ++next) {
            if (failures.size() == source.hosts.size()) throw Error(failures);
            const DockerHost& host = source.hosts[next % source.hosts.size()];
            const std::size_t before = source.lines();
            const auto failed = [&](Error error) {
                if (source.lines() > before) failures.clear();
                failures.push_back(std::move(error));
                if (failures.size() < source.hosts.size()) printer_.note(failures.back().message);
            };
            try {
                read_from(host, source);
            } catch (const Error& error) {
                failed(error);
                continue;
            }
            settle(source);
            if (const auto open = source.open_streams(); !open.empty())
                failed(Error(ErrorKind::failed,
                             fmt::format("the log of {} cannot be read from {}: {}",
                                         open.front()->service, host.name, open.front()->trouble)));
        }
        return complete_;
    }

  private:
    void read_from(const DockerHost& host, LogSource& source) {
        const std::vector<LogStream*> open = source.open_streams();
        LogReader reader(open, [&](const LogStream& stream, const LogLine& line) {
            printer_.print(stream, line);
        });
        const std::string script = logs_script(open, context_.args.follow, since_, tail_);
        shells_.run(host.connection, script, [&](bool err, std::string_view piece) {
            if (!err) reader.feed(piece);
        });
    }

    /// Without --follow, a log that ended with an error after some lines is shown only once: the
    /// other managers cannot reach the tasks of a lost node either.
    void settle(LogSource& source) {
        if (context_.args.follow) return;
        for (LogStream* stream : source.open_streams()) {
            if (stream->lines == 0) continue;
            stream->ended = true;
            complete_ = false;
            printer_.note(fmt::format("the log of {} may be incomplete: {}", stream->service,
                                      stream->trouble));
        }
    }

    const Context& context_;
    HostShells& shells_;
    LogPrinter& printer_;
    std::string since_, tail_;
    std::atomic<bool> complete_ = true;
};

LogStream stream_of_service(const Context& context, const Service& service) {
    const std::string name = shell_word_of(service.full_name());
    const std::string follow = context.args.follow ? " --follow" : "";
    // `docker service logs` refuses to label the lines of a service with a terminal
    return {
        .command = fmt::format(
            "form=--no-task-ids\n"
            "tty=$(docker service inspect --format '{{{{.Spec.TaskTemplate.ContainerSpec.TTY}}}}' "
            "{0} 2>/dev/null)\n"
            "[ \"$tty\" != true ] || form=--raw\n"
            "exec docker service logs $form --timestamps{1} $since $tail {0}",
            name, follow),
        .service = service.full_name(),
        .label = ""};
}

/// The containers of a service of a compose project.
std::vector<LogStream> streams_of_containers(const Context& context, HostShells& shells,
                                             const Service& service, const DockerHost& host) {
    const std::string listed = shells.output_of(
        host.connection,
        fmt::format("docker ps -a --filter {} --filter {} --format '{{{{.Names}}}}'",
                    shell_word_of("label=com.docker.compose.project=" + service.stack),
                    shell_word_of("label=com.docker.compose.service=" + service.name)));
    std::vector<std::string> names = split_lines(listed);
    std::sort(names.begin(), names.end());
    std::vector<LogStream> out;
    for (const std::string& name : names)
        if (!name.empty())
            out.push_back({.command = fmt::format("exec docker logs --timestamps{} $since $tail {}",
                                                  context.args.follow ? " --follow" : "",
                                                  shell_word_of(name)),
                           .service = service.full_name(),
                           .label = fmt::format("{}@{}", plain_line(name), host.name)});
    return out;
}

/// One source for each swarm and for each host with a compose project.
std::vector<LogSource> sources_of(const Context& context, HostShells& shells,
                                  const std::vector<Service>& services) {
    std::vector<LogSource> out;
    for (const Service& service : services) {
        std::vector<DockerHost> hosts;
        for (const Entry& e : service.hosts.as_map()) hosts.push_back(docker_host(e.key, e.value));
        if (hosts.empty()) continue;
        std::vector<LogStream> streams;
        if (service.swarm)
            streams.push_back(stream_of_service(context, service));
        else
            streams = streams_of_containers(context, shells, service, hosts.front());
        const auto same = std::find_if(out.begin(), out.end(), [&](const LogSource& source) {
            return same_place(source.hosts.front().connection, hosts.front().connection);
        });
        if (same == out.end())
            out.push_back({std::move(hosts), std::move(streams)});
        else
            same->streams.insert(same->streams.end(), streams.begin(), streams.end());
    }
    return out;
}

/// Follows all sources until Ctrl-C. The first error ends the others.
bool follow_all(LogRun& run, std::vector<LogSource>& sources, std::stop_source& stop) {
    std::mutex mutex;
    std::exception_ptr wrong;
    {
        std::vector<std::jthread> threads;
        for (LogSource& source : sources)
            threads.emplace_back([&] {
                try {
                    run.read(source);
                } catch (...) {
                    const std::lock_guard lock(mutex);
                    if (!wrong) wrong = std::current_exception();
                    stop.request_stop();
                }
            });
    }
    if (wrong) std::rethrow_exception(wrong);
    return true;
}

bool read_all(const Context& context, LogRun& run, std::vector<LogSource>& sources,
              std::stop_source& stop) {
    if (context.args.follow) return follow_all(run, sources, stop);
    bool complete = true;
    for (LogSource& source : sources) complete = run.read(source) && complete;
    return complete;
}

} // namespace

int run_logs(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const PriorState prior = load_prior_state(*store);
    std::vector<Service> services = recorded_services(prior);
    TaskName task;
    if (!context.args.name.empty() || services.empty()) {
        task = task_named(context.args.name, services);
        services = {task.service};
    }
    const Asking nothing_runs; // a signal needs no answer
    const StopOnSignal signal;
    std::stop_source stop;
    const std::stop_callback on_signal(signal.token(), [&stop] { stop.request_stop(); });
    HostShells shells(context, prior, stop.get_token());
    LogPrinter printer(context, task);
    try {
        LogRun run(context, shells, printer);
        std::vector<LogSource> sources = sources_of(context, shells, services);
        return read_all(context, run, sources, stop) ? 0 : 1;
    } catch (const Interrupted&) {
        return 130;
    } catch (const ReaderGone&) {
        return 0;
    }
}

} // namespace hadeploy::cli
