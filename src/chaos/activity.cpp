#include "chaos/activity.h"

#include "chaos/http.h"
#include "chaos/tcp.h"
#include "core/log.h"
#include "core/process.h"
#include "core/text.h"
#include "core/value_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>
#include <thread>

namespace hadeploy::chaos {

namespace {

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        out += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
}

/// "a=1&b=two"
std::string form(const Value& arguments) {
    std::string out;
    for (const Entry& e : arguments.as_map())
        out += fmt::format("{}{}={}", out.empty() ? "" : "&", percent_encoded(e.key),
                           percent_encoded(display(e.value)));
    return out;
}

ActivityResult http_result(const Value& provider, Ms timeout, const std::stop_token& stop) {
    http::Request request = request_to(provider.text("url"), timeout);
    request.method = provider.text("method");
    request.insecure = !provider.flag("verify_tls", true);
    request.stop = stop;
    request.most_redirects = 10;
    if (const Value& headers = provider["headers"]; headers.is_map())
        for (const Entry& e : headers.as_map())
            request.headers.push_back({e.key, display(e.value)});
    const Value& arguments = provider["arguments"];
    if (arguments.is_map() && request.method == "GET" && !arguments.as_map().empty()) {
        request.url += request.url.find('?') == std::string::npos ? '?' : '&';
        request.url += form(arguments);
    } else if (arguments.is_map() && request.method != "GET") {
        request.body = form(arguments);
        request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    } else if (arguments.is_string()) {
        request.body = arguments.as_string();
    }
    const http::Answer answer = http::send(request);
    if (answer.end == http::Answer::End::timeout)
        throw Error(ErrorKind::unreachable,
                    fmt::format("no response within {} ms", timeout.count()));
    if (answer.end != http::Answer::End::complete)
        throw Error(ErrorKind::unreachable,
                    answer.problem.empty() ? "no complete response" : answer.problem);
    Value::Map headers;
    Value body(answer.body);
    for (const auto& [name, value] : answer.headers) {
        headers.push_back({name, Value(value)});
        if (name == "content-type" && value.starts_with("application/json")) {
            try {
                body = from_foreign_json(answer.body);
            } catch (const Error&) { // stays a text
            }
        }
    }
    const auto status = static_cast<std::int64_t>(answer.status);
    return {Value::map({{"status", status},
                        {"headers", Value::map(std::move(headers))},
                        {"body", std::move(body)}}),
            fmt::format("HTTP {}", status),
            {}};
}

ActivityResult tcp_result(const Value& provider, Ms timeout) {
    const std::string problem = connect_problem(
        provider.text("host"), static_cast<std::uint16_t>(provider.integer("port")), timeout);
    return {Value(problem.empty()), problem.empty() ? "connected" : "not connected", problem};
}

/// Without the characters that a terminal interprets.
std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = first_code_point(text.substr(at));
        out += c.valid && !is_invisible(c) ? text.substr(at, c.size) : "?";
        at += c.size;
    }
    return out;
}

/// The end of a program's output, for a report: in one line, without secrets.
std::string shown_end(const std::string& output) {
    static const re2::RE2 kBreak(R"(\s*\n\s*)");
    std::string text = log::redacted(end_of_output(output, 3));
    re2::RE2::GlobalReplace(&text, kBreak, "; ");
    return printable(text);
}

ActivityResult process_result(const Value& provider, const std::filesystem::path& directory,
                              Ms timeout, const std::stop_token& stop,
                              const std::function<void(std::string)>& on_line) {
    ProcessSpec spec{
        .argv = command_line(provider), .directory = directory, .stop = stop, .timeout = timeout};
    if (on_line)
        spec.on_line = [&](std::string_view line) { on_line(printable(log::redacted(line))); };
    const ProcessResult done = run_process(spec);
    return {Value::map({{"status", done.status}, {"stdout", done.out}, {"stderr", done.err}}),
            fmt::format("exit status {}", done.status),
            done.status == 0 ? "" : shown_end(done.err)};
}

} // namespace

std::vector<std::string> command_line(const Value& provider) {
    const std::string path = provider.text("path");
    const Value& arguments = provider["arguments"];
    if (arguments.is_string())
        return {"sh", "-c", fmt::format("exec {} {}", path, arguments.as_string())};
    std::vector<std::string> out{path};
    if (arguments.is_list())
        for (const Value& a : arguments.as_list()) out.push_back(display(a));
    if (arguments.is_map())
        for (const Entry& e : arguments.as_map()) {
            out.push_back(e.key);
            if (!e.value.is_null() && !display(e.value).empty()) out.push_back(display(e.value));
        }
    return out;
}

std::vector<std::string> swarm_problems(const Snapshot& snapshot, std::string_view check) {
    std::vector<std::string> out;
    if (check.empty() || check == "nodes") out = node_problems(snapshot);
    if (check.empty() || check == "services")
        for (std::string& problem : service_problems(snapshot)) out.push_back(std::move(problem));
    if (!check.empty() && check != "quorum") return out;
    std::size_t managers = 0, up = 0;
    for (const ClusterNode& n : snapshot.nodes) {
        if (n.is_manager()) ++managers;
        if (n.is_manager() && n.is_up()) ++up;
    }
    if (up < managers / 2 + 1)
        out.push_back(fmt::format("no quorum: {} of {} managers are up", up, managers));
    return out;
}

ActivityResult ActivityRunner::run(const Activity& activity, const std::stop_token& stop,
                                   const std::function<void(std::string)>& on_line) {
    const Value& provider = activity.provider;
    const std::string type = provider.text("type");
    const std::int64_t given = provider["timeout"].is_integer() ? provider.integer("timeout") : 0;
    const Ms usual = type == "process" ? patience_ : timeout_;
    const Ms timeout = given > 0 ? Ms(given) : usual;
    if (type == "http") return http_result(provider, timeout, stop);
    if (type == "tcp") return tcp_result(provider, timeout);
    if (type == "process") return process_result(provider, directory_, timeout, stop, on_line);
    return check_cluster(provider, stop);
}

ActivityResult ActivityRunner::check_cluster(const Value& provider, const std::stop_token& stop) {
    const std::string check = provider.text("check");
    std::vector<std::string> problems;
    if (provider.text("probe") != "gluster") {
        problems = swarm_problems(cluster_.look(), check);
    } else if (gluster_ == nullptr) {
        throw Error(ErrorKind::failed, "there is no Gluster pool in the state");
    } else {
        // Gluster also lists a file that is being written as an entry to heal.
        constexpr int kLooks = 5;
        for (int look = 0; look < kLooks; ++look) {
            if (look > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
            problems = gluster_->problems(check);
            if (problems.empty() || stop.stop_requested()) break;
        }
    }
    return {Value(problems.empty()), problems.empty() ? "as it should be" : "not as it should be",
            fmt::format("{}", fmt::join(problems, "; "))};
}

} // namespace hadeploy::chaos
