#include "providers/aws-ec2/query.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/text.h"
#include "providers/aws-ec2/counters.h"

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <fmt/format.h>
#include <random>

namespace hadeploy::aws {

namespace {

using std::chrono::milliseconds;
constexpr int kAttempts = 8;
constexpr milliseconds kLongestPause{20'000};
constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

/// The pauses that AWS recommends: up to 1, 2, 4, ... seconds, chosen at random.
milliseconds backoff(int attempt) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    const milliseconds most = std::min(kLongestPause, milliseconds(1000 << std::min(attempt, 5)));
    std::uniform_int_distribution<std::int64_t> any(50, most.count());
    return milliseconds(any(random));
}

std::string header_of(const http::Answer& answer, std::string_view name) {
    for (const auto& [key, value] : answer.headers)
        if (key == name) return value;
    return {};
}

/// The time of a server: "Tue, 15 Nov 1994 08:12:31 GMT".
std::int64_t seconds_of(const std::string& date) {
    std::tm utc{};
    const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S", &utc);
    return end == nullptr ? 0 : ::timegm(&utc);
}

std::string without_default_port(std::string_view url) {
    std::string host = http::authority_of(url);
    const std::string_view port = url.starts_with("https:") ? ":443" : ":80";
    if (host.ends_with(port)) host.resize(host.size() - port.size());
    return host;
}

std::string path_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t slash = url.find('/', scheme == url.npos ? 0 : scheme + 3);
    return slash == url.npos ? "/" : std::string(url.substr(slash));
}

} // namespace

Params& Params::add(std::string name, std::string value) {
    all_.emplace_back(std::move(name), std::move(value));
    return *this;
}

Params& Params::list(std::string_view name, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
        add(fmt::format("{}.{}", name, i + 1), values[i]);
    return *this;
}

Params& Params::filter(std::string_view name, const std::vector<std::string>& values) {
    const std::string prefix = fmt::format("Filter.{}", ++filters_);
    add(prefix + ".Name", std::string(name));
    return list(prefix + ".Value", values);
}

bool ServiceError::is(std::initializer_list<std::string_view> codes) const {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool ServiceError::is_throttling() const {
    return is({"RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled",
               "RequestThrottledException", "EC2ThrottledException", "TooManyRequestsException",
               "SlowDown"});
}

ServiceError parse_refusal(std::string_view body, long status) {
    ServiceError out;
    out.status = status;
    pugi::xml_document document;
    if (document.load_buffer(body.data(), body.size())) {
        const pugi::xml_node root = document.document_element();
        const pugi::xml_node error =
            root.child("Errors") ? root.child("Errors").child("Error") : root.child("Error");
        out.code = error.child_value("Code");
        out.message = error.child_value("Message");
        out.request_id =
            root.child(root.child("RequestID") ? "RequestID" : "RequestId").child_value();
    }
    if (out.code.empty()) out.message = fmt::format("the service answered with HTTP {}", status);
    return out;
}

milliseconds RateLimit::take(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const double since = std::chrono::duration<double>(now - filled_).count();
    left_ = filled_ == Clock::time_point{} ? burst_ : std::min(burst_, left_ + since * rate_);
    filled_ = now;
    left_ -= 1;
    return left_ >= 0 ? milliseconds(0)
                      : milliseconds(static_cast<std::int64_t>(-left_ / rate_ * 1000));
}

void pause_for(milliseconds time, const std::stop_token& stop) {
    if (time.count() <= 0) return;
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    if (stop.stop_requested()) throw Interrupted();
}

Client::Client(Service service, std::string url, std::string region, Sign credentials)
    : service_(service), url_(std::move(url)), region_(std::move(region)),
      credentials_(std::move(credentials)) {}

std::shared_ptr<pugi::xml_document> Client::once(std::string_view action, const std::string& body,
                                                 bool renew, const std::stop_token& stop) {
    http::Request request{.url = url_,
                          .method = "POST",
                          .body = body,
                          .secret_body = true,
                          .timeout = milliseconds(90'000),
                          .connect_timeout = milliseconds(10'000),
                          .stop = stop};
    const std::string host = without_default_port(url_);
    request.headers = {{.name = "Host", .value = host},
                       {.name = "Content-Type", .value = std::string(kFormType)}};
    if (signed_) {
        const Signable signable{
            .path = path_of(url_),
            .headers = {{"content-type", std::string(kFormType)}, {"host", host}},
            .body = body};
        for (http::Header& header : signature(signable, credentials_(renew), region_, service_.name,
                                              now_ms() / 1000 + skew_))
            request.headers.push_back(std::move(header));
    }
    const http::Answer answer = http::send(request);
    if (answer.end == http::Answer::End::complete && answer.status >= 200 && answer.status < 300) {
        auto document = std::make_shared<pugi::xml_document>();
        if (document->load_buffer(answer.body.data(), answer.body.size())) return document;
    }
    ServiceError error;
    if (answer.end == http::Answer::End::complete && answer.status >= 300) {
        error = parse_refusal(answer.body, answer.status);
        error.may_have_worked = error.code.empty() || answer.status >= 500;
        if (const std::int64_t theirs = seconds_of(header_of(answer, "date")); theirs != 0)
            if (error.is({"RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
                          "InvalidSignatureException"}))
                skew_ = theirs - now_ms() / 1000;
    } else {
        error.message = answer.end == http::Answer::End::complete
                            ? "the answer is not XML"
                            : fmt::format("{} did not answer: {}", host, answer.problem);
        error.may_have_worked = answer.connected;
    }
    error.action = fmt::format("{}:{}", service_.name, action);
    throw error;
}

std::shared_ptr<pugi::xml_document> Client::call(std::string_view action, const Params& params,
                                                 bool repeatable, std::stop_token stop) {
    std::string body = fmt::format("Action={}&Version={}", action, service_.version);
    for (const auto& [name, value] : params.all())
        body += fmt::format("&{}={}", percent_encoded(name), percent_encoded(value));
    const bool reads = action.starts_with("Describe") || action.starts_with("Get");
    ++(reads ? counters().reads : counters().changes);
    bool renew = false, renewed = false;
    for (int attempt = 0;; ++attempt) {
        pause_for((reads ? reads_ : changes_).take(RateLimit::Clock::now()), stop);
        try {
            return once(action, body, renew, stop);
        } catch (const ServiceError& error) {
            renew = false;
            // its clock or new credentials make one more attempt worth while
            const bool expired = error.is({"ExpiredToken", "ExpiredTokenException",
                                           "RequestExpired", "RequestTimeTooSkewed"}) ||
                                 (error.is({"SignatureDoesNotMatch"}) && std::abs(skew_) > 60);
            if (expired && !renewed) {
                renew = renewed = true;
                continue;
            }
            const bool again =
                error.is_throttling() ||
                (error.code.empty() && error.status == 0 && !error.may_have_worked) ||
                (repeatable && error.may_have_worked);
            if (!again || attempt + 1 >= kAttempts) throw;
        }
        pause_for(backoff(attempt), stop);
    }
}

void Client::each(std::string_view action, const Params& params, const char* set,
                  const std::function<void(const pugi::xml_node&)>& take, std::stop_token stop) {
    std::string next;
    do {
        Params page = params;
        if (!next.empty()) page.add("NextToken", next);
        const auto answer = call(action, page, true, stop);
        for (const pugi::xml_node& item : root_of(*answer).child(set).children("item")) take(item);
        next = root_of(*answer).child_value("nextToken");
    } while (!next.empty());
}

} // namespace hadeploy::aws
