#include "chaos/read_writes.h"

#include "chaos/http.h"
#include "core/error.h"
#include "core/text.h"

#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <nlohmann/json.hpp>

namespace hadeploy::chaos {

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

/// Requests one page of IDs. Returns its `next`; null at the end.
Json take_page(const std::string& url, std::chrono::milliseconds timeout,
               const std::stop_token& stop, std::set<std::string>& ids) {
    http::Request request = request_to(url, timeout);
    request.stop = stop;
    const http::Answer answer = http::send(request);
    const auto refuse = [&](const std::string& why) {
        return Error(ErrorKind::unreachable, fmt::format("{}: {}", url, why));
    };
    if (answer.end == http::Answer::End::too_large)
        throw refuse(fmt::format("more than {} MiB", request.most_bytes >> 20));
    if (answer.end != http::Answer::End::complete) throw refuse(answer.problem);
    if (answer.status != 200) throw refuse(fmt::format("HTTP {}", answer.status));
    const Json body = Json::parse(answer.body, nullptr, false);
    const Json* list = body.is_object() && body.contains("writes") ? &body["writes"] : &body;
    if (!list->is_array()) throw refuse("not a list of writes: " + in_quotes(answer.body, 60));
    for (const Json& item : *list) {
        const Json* id = item.is_object() && item.contains("id") ? &item["id"] : &item;
        if (!id->is_string()) throw refuse("a write without an id: " + in_quotes(item.dump(), 60));
        ids.insert(id->get<std::string>());
    }
    return body.is_object() ? body.value("next", Json()) : Json();
}

std::set<std::string> read_all(const std::string& url, std::chrono::milliseconds timeout,
                               Clock::time_point deadline, const std::stop_token& stop) {
    std::set<std::string> ids;
    const char separator = url.find('?') == std::string::npos ? '?' : '&';
    std::string page = url;
    while (true) {
        const Json next = take_page(page, timeout, stop, ids);
        if (next.is_null()) return ids;
        if (stop.stop_requested()) throw Interrupted();
        const std::string after = next.is_string() ? next.get<std::string>() : next.dump();
        std::string following = fmt::format("{}{}after={}", url, separator, after);
        if (following == page || Clock::now() > deadline)
            throw Error(ErrorKind::unreachable, page + ": its pages do not end");
        page = std::move(following);
    }
}

} // namespace

std::set<std::string> read_writes(const std::vector<std::string>& urls, const std::string& path,
                                  std::chrono::milliseconds timeout,
                                  std::chrono::milliseconds patience, const std::stop_token& stop) {
    const Clock::time_point deadline = Clock::now() + patience;
    std::mutex mutex;
    std::condition_variable_any pause;
    while (true) {
        Error failure(ErrorKind::unreachable, "no URL returned the writes at the end");
        for (const std::string& url : urls) {
            try {
                return read_all(join_url(url, path), timeout, deadline, stop);
            } catch (const Error& error) {
                failure.with_note(error.message);
            }
        }
        if (Clock::now() >= deadline) throw failure;
        std::unique_lock lock(mutex);
        pause.wait_for(lock, stop, std::chrono::milliseconds(200), [] { return false; });
        if (stop.stop_requested()) throw Interrupted();
    }
}

} // namespace hadeploy::chaos
