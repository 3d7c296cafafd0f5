#include "cli/watch/webhook.h"

#include "core/error.h"
#include "core/http.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kMostWaiting = 100; ///< messages
constexpr int kAttempts = 4;
constexpr std::chrono::seconds kFirstPause{1}, kTimeout{10}, kConnectTimeout{5};
constexpr std::size_t kMostAnswer = 64 << 10;

/// The problem of a response; "" if it reports success. Quotes neither the URL nor the body, which
/// may contain a token.
std::string problem_of(const http::Answer& answer) {
    if (answer.status >= 200 && answer.status < 300) return "";
    if (answer.status != 0) return fmt::format("HTTP status {}", answer.status);
    if (answer.end == http::Answer::End::timeout) return "no answer in time";
    return answer.problem.empty() ? "no answer" : answer.problem;
}

/// Whether a retry would get the same response.
bool is_final(const http::Answer& answer) {
    constexpr long too_many = 429;
    return answer.status >= 300 && answer.status < 500 && answer.status != too_many;
}
} // namespace

bool is_http_url(std::string_view text) {
    const bool scheme = text.starts_with("http://") || text.starts_with("https://");
    return scheme && text.find_first_of(" \t\r\n\"<>\\") == text.npos &&
           !http::authority_of(text).empty() && !http::authority_of(text).starts_with(':');
}

Webhook::Webhook(std::string url, std::function<void(const std::string&)> complain)
    : url_(std::move(url)), complain_(std::move(complain)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Webhook::~Webhook() = default;

void Webhook::post(std::string json) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMostWaiting) queue_.pop_front();
    queue_.push_back(std::move(json));
    changed_.notify_all();
}

void Webhook::finish(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [this] { return queue_.empty() && !busy_; });
}

void Webhook::work(const std::stop_token& stop) {
    bool complained = false;
    for (;;) {
        std::string json;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
            json = std::move(queue_.front());
            queue_.pop_front();
            busy_ = true;
        }
        const std::string problem = deliver(json, stop);
        if (!problem.empty() && !complained && !stop.stop_requested())
            complain_("the webhook did not accept a message: " + problem);
        complained = !problem.empty();
        const std::lock_guard lock(mutex_);
        busy_ = false;
        changed_.notify_all();
    }
}

std::string Webhook::deliver(const std::string& json, const std::stop_token& stop) {
    std::string problem;
    auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(kFirstPause);
    for (int attempt = 0; attempt < kAttempts && !stop.stop_requested(); ++attempt) {
        if (attempt > 0) {
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any ended;
            ended.wait_for(lock, stop, pause, [] { return false; });
            pause *= 2;
        }
        try {
            const http::Answer answer =
                http::send({.url = url_,
                            .secret_url = true,
                            .method = "POST",
                            .headers = {{.name = "Content-Type", .value = "application/json"}},
                            .body = json,
                            .timeout = kTimeout,
                            .connect_timeout = kConnectTimeout,
                            .most_redirects = 0,
                            .most_bytes = kMostAnswer,
                            .stop = stop});
            problem = problem_of(answer);
            if (problem.empty() || is_final(answer)) return problem;
        } catch (const Error& error) {
            return error.message;
        } catch (const Interrupted&) {
            return "stopped";
        }
    }
    return problem;
}

} // namespace hadeploy::cli
