#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace hadeploy::cli {

/// Whether the text is an http or https URL with a host.
bool is_http_url(std::string_view text);

/// Sends messages to a URL from a thread, so that a slow receiver delays nothing. A message is
/// tried a few times with growing pauses. The URL may contain a token, so no message and no log
/// contains the URL.
class Webhook {
  public:
    /// @param complain  called by the thread when a message could not be delivered, at most once
    ///                  until a later message is delivered
    Webhook(std::string url, std::function<void(const std::string&)> complain);
    ~Webhook();
    Webhook(const Webhook&) = delete;
    Webhook& operator=(const Webhook&) = delete;

    /// Queues a JSON document. If too many wait, the oldest is dropped.
    void post(std::string json);
    /// Waits until the queue is empty, or for at most this time.
    void finish(std::chrono::milliseconds longest);

  private:
    void work(const std::stop_token& stop);
    /// @returns why it was not delivered; "" if it was
    std::string deliver(const std::string& json, const std::stop_token& stop);

    const std::string url_;
    const std::function<void(const std::string&)> complain_;
    std::mutex mutex_; ///< guards queue_ and busy_
    std::condition_variable_any changed_;
    std::deque<std::string> queue_;
    bool busy_ = false;
    std::jthread thread_; ///< last, so that it ends first
};

} // namespace hadeploy::cli
