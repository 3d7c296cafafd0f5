#include "bench/generator.h"

#include "chaos/http.h"
#include "core/text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::bench {

namespace {

using Clock = std::chrono::steady_clock;

/// More requests than this are not sent at the same time, because each needs a descriptor.
constexpr std::size_t kMostPending = 900;
constexpr std::size_t kMostBody = 1u << 20; ///< of a response with a replica's name
constexpr std::size_t kMostNames = 200;
constexpr std::size_t kMostNameLength = 100;
constexpr auto kStopInterval = std::chrono::milliseconds(50);

/// Text from a server, for display.
std::string displayable(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size() && out.size() < kMostNameLength;) {
        const CodePoint c = first_code_point(text.substr(at));
        out += c.valid && !is_invisible(c) ? text.substr(at, c.size) : "?";
        at += c.size;
    }
    return out;
}

/// The index of a name, which is added if it is new. Too many names share the last one.
std::uint32_t index_in(std::vector<std::string>& names, std::string_view name) {
    const auto find = [&](std::string_view wanted) {
        return static_cast<std::uint32_t>(std::find(names.begin(), names.end(), wanted) -
                                          names.begin());
    };
    const std::uint32_t index = find(name);
    if (index < names.size()) return index;
    if (names.size() == kMostNames) names.emplace_back("(others)");
    if (names.size() > kMostNames) return kMostNames;
    names.emplace_back(name);
    return index;
}

std::string problem_of(const http::Answer& answer) {
    switch (answer.end) {
    case http::Answer::End::timeout: return "timeout";
    case http::Answer::End::too_large: return "the response is too large";
    default: return answer.problem.empty() ? "no complete response" : answer.problem;
    }
}

/// The name of the replica in a response; "" if it has none.
std::string replica_of(const http::Answer& answer, const Load& load) {
    if (!load.replica_key.empty()) {
        const auto json = nlohmann::json::parse(answer.body, nullptr, false);
        if (!json.is_object()) return "";
        const auto found = json.find(load.replica_key);
        if (found == json.end() || found->is_structured() || found->is_null()) return "";
        return displayable(found->is_string() ? found->get<std::string>() : found->dump());
    }
    const std::string wanted = lower_case(load.replica_header);
    for (const auto& [name, value] : answer.headers)
        if (name == wanted) return displayable(value);
    return "";
}

class Generator {
  public:
    Generator(const Load& load, const std::stop_token& stop,
              const std::function<void(std::size_t)>& progress)
        : load_(load), stop_(stop), progress_(progress) {}

    Recording run() {
        if (load_.rate)
            run_open();
        else
            run_closed();
        for (const Sample& s : out_.samples) out_.length = std::max(out_.length, s.done);
        if (stop_.stop_requested()) {
            out_.interrupted = true;
            out_.length = std::max(out_.length, now());
        }
        return std::move(out_);
    }

  private:
    void run_closed() {
        const auto clients = std::min<std::int64_t>(load_.concurrency, load_.requests);
        for (std::int64_t i = 0; i < clients; ++i) send_next();
        while (transfers_.pending() > 0 && !stop_.stop_requested())
            turn(Clock::now() + kStopInterval);
        out_.cut_off = sent_ < load_.requests && !stop_.stop_requested();
    }

    /// Sends the next request of a client that is free.
    void send_next() {
        if (sent_ >= load_.requests || now() >= load_.duration || stop_.stop_requested()) return;
        const Us at = now();
        send({.intended = at, .sent = at});
    }

    void run_open() {
        const double step = 1e6 / *load_.rate;
        const auto due = [&] { return Us(std::llround(step * static_cast<double>(sent_))); };
        while (!stop_.stop_requested()) {
            const bool sending = due() < load_.duration;
            if (!sending && transfers_.pending() == 0) return;
            if (sending && due() <= now()) {
                send({.intended = due(), .sent = now()});
                transfers_.work();
                continue;
            }
            const auto poll = Clock::now() + kStopInterval;
            turn(sending ? std::min(poll, begin_ + due()) : poll);
        }
    }

    /// Receives, and waits until the given time at most.
    void turn(Clock::time_point end) {
        transfers_.wait_until(end);
        transfers_.work();
        if (now() < next_progress_) return;
        next_progress_ = now() + std::chrono::seconds(1);
        if (progress_) progress_(out_.samples.size());
    }

    void send(Sample sample) {
        const auto number = static_cast<std::size_t>(sent_++);
        if (transfers_.pending() >= kMostPending) {
            sample.done = now();
            sample.problem = index_in(out_.problems, "not sent: too many requests are pending");
            out_.samples.push_back(sample);
            return;
        }
        http::Request request =
            chaos::request_to(load_.urls[number % load_.urls.size()], load_.timeout);
        request.method = load_.method;
        request.body = load_.body;
        request.keep_alive = load_.keep_alive;
        for (const auto& [name, value] : load_.headers) request.headers.push_back({name, value});
        if (!load_.keep_alive) request.headers.push_back({"Connection", "close"});
        if (load_.replica_key.empty())
            request.sink = [](std::string_view, std::int64_t) { return true; }; // only counts
        else
            request.most_bytes = kMostBody;
        transfers_.add(std::move(request),
                       [this, sample](const http::Answer& answer) { finish(sample, answer); });
    }

    void finish(Sample sample, const http::Answer& answer) {
        sample.done = now();
        sample.reused = answer.reused;
        if (answer.end == http::Answer::End::complete)
            sample.status = static_cast<int>(answer.status);
        else
            sample.problem = index_in(out_.problems, problem_of(answer));
        if (const std::string name = replica_of(answer, load_); !name.empty())
            sample.replica = index_in(out_.replicas, name);
        out_.samples.push_back(sample);
        if (!load_.rate) send_next();
    }

    [[nodiscard]] Us now() const { return std::chrono::duration_cast<Us>(Clock::now() - begin_); }

    const Load& load_;
    const std::stop_token& stop_;
    const std::function<void(std::size_t)>& progress_;
    const Clock::time_point begin_ = Clock::now();
    http::Transfers transfers_;
    Recording out_;
    std::int64_t sent_ = 0;
    Us next_progress_ = std::chrono::seconds(1);
};

} // namespace

Recording generate(const Load& load, const std::stop_token& stop,
                   const std::function<void(std::size_t)>& progress) {
    return Generator(load, stop, progress).run();
}

} // namespace hadeploy::bench
