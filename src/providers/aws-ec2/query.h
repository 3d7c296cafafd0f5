#pragma once

#include "core/value.h"
#include "providers/aws-ec2/signature.h"

#include <atomic>
#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <pugixml.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Requests in AWS's Query protocol (form parameters, XML responses) and in REST with JSON.
namespace hadeploy::aws {

/// The parameters of a request, in the order in which they were added.
class Params {
  public:
    Params& add(std::string name, std::string value);
    /// Only for bool itself, not for types that convert to it, such as string literals.
    template<std::same_as<bool> Flag>
    Params& add(std::string name, Flag value) {
        return add(std::move(name), std::string(value ? "true" : "false"));
    }
    /// NAME.1, NAME.2, ...
    Params& list(std::string_view name, const std::vector<std::string>& values);
    /// NAME.1.Key and NAME.1.Value, NAME.2.Key, ...
    Params& pairs(std::string_view name, const std::map<std::string, std::string>& values);
    /// Filter.N.Name and Filter.N.Value.1, ...
    Params& filter(std::string_view name, const std::vector<std::string>& values);
    [[nodiscard]] const auto& all() const { return all_; }

  private:
    std::vector<std::pair<std::string, std::string>> all_;
    int filters_ = 0;
};

/// A service, and its names for lists and pages.
struct Service {
    std::string_view name; ///< in host names, signatures and permissions
    std::string_view version;
    const char* variable; ///< environment variable of the endpoint: "AWS_ENDPOINT_URL_EC2"
    const char* element = "member"; ///< element of a list in a response; "": depends on the list
    const char* marker = "Marker";  ///< parameter of a request for the next page
    const char* next_marker = "NextMarker"; ///< element of a response that has a next page
};
inline constexpr Service kEc2{.name = "ec2",
                              .version = "2016-11-15",
                              .variable = "AWS_ENDPOINT_URL_EC2",
                              .element = "item",
                              .marker = "NextToken",
                              .next_marker = "nextToken"};
inline constexpr Service kSts{
    .name = "sts", .version = "2011-06-15", .variable = "AWS_ENDPOINT_URL_STS"};
inline constexpr Service kElb{.name = "elasticloadbalancing",
                              .version = "2015-12-01",
                              .variable = "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"};
/// Classic load balancers, at the same address.
inline constexpr Service kClassicElb{.name = "elasticloadbalancing",
                                     .version = "2012-06-01",
                                     .variable = "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING"};
inline constexpr Service kRds{.name = "rds",
                              .version = "2014-10-31",
                              .variable = "AWS_ENDPOINT_URL_RDS",
                              .element = "",
                              .next_marker = "Marker"};
inline constexpr Service kScaling{.name = "autoscaling",
                                  .version = "2011-01-01",
                                  .variable = "AWS_ENDPOINT_URL_AUTO_SCALING",
                                  .marker = "NextToken",
                                  .next_marker = "NextToken"};
inline constexpr Service kEfs{
    .name = "elasticfilesystem", .version = "2015-02-01", .variable = "AWS_ENDPOINT_URL_EFS"};

/// A request to a service whose protocol is REST with JSON.
struct RestRequest {
    std::string method = "GET";
    std::string path; ///< contains only characters that need no encoding
    std::vector<std::pair<std::string, std::string>> query = {};
    Value body = {}; ///< null: none
};

/// An error response, a malformed response, or no response.
struct ServiceError : std::exception {
    /// Number of attempts for transient errors, and for errors that a retry rarely fixes: an
    /// address that never responded, or a response that is not from AWS.
    static constexpr int kAttempts = 8, kFewAttempts = 3;

    std::string action; ///< "ec2:RunInstances"
    std::string code;   ///< "InvalidGroup.NotFound"; "" without a response
    std::string message;
    std::string request_id;
    long status = 0; ///< HTTP status; 0 without a response
    /// The request may have taken effect despite the error.
    bool may_have_worked = false;
    int attempts = kAttempts; ///< how often such a request is sent before it fails

    [[nodiscard]] bool is(std::initializer_list<std::string_view> codes) const;
    [[nodiscard]] bool is_throttling() const;
    const char* what() const noexcept override { return message.c_str(); }
};

/// The code and the message of an error response, in any of the XML and JSON formats of the
/// services. Any other body gives no code.
/// @param type  the header X-Amzn-ErrorType, which some JSON responses have instead of a code
ServiceError parse_refusal(std::string_view body, long status, std::string_view type = {});

/// The error for a response that lacks a part. It does not mean that an object does not exist.
/// @param action  "ec2:DescribeVpcs"
/// @param what    "the response has no <vpcSet>"
ServiceError wrong_answer(std::string action, std::string what);

/// While this object exists, `notice` receives the reason for each retry on this thread.
class RetryNotice {
  public:
    using Notice = std::function<void(std::string_view)>;
    explicit RetryNotice(Notice notice);
    ~RetryNotice();
    RetryNotice(const RetryNotice&) = delete;
    RetryNotice& operator=(const RetryNotice&) = delete;

  private:
    Notice notice_, before_;
};

/// Limits the request rate to AWS's limit for an account, so that other users of the account are
/// not throttled: a token bucket of `burst` requests, refilled with `rate` requests per second.
class RateLimit {
  public:
    using Clock = std::chrono::steady_clock;
    RateLimit(double burst, double rate) : burst_(burst), rate_(rate), left_(burst) {}
    /// Takes one request from the bucket and returns how long to wait before sending it.
    std::chrono::milliseconds take(Clock::time_point now);

  private:
    const double burst_, rate_;
    double left_; ///< tokens; below 0: the number of requests that wait
    Clock::time_point filled_ = {};
    std::mutex mutex_;
};

/// Sends the requests of one service in one region.
class Client {
  public:
    /// Returns the credentials for a request; with `renew`, new ones.
    using Sign = std::function<Credentials(bool renew)>;

    /// @param stop  ends reads, and the pauses between attempts of all requests
    Client(Service service, std::string url, std::string region, Sign credentials,
           std::stop_token stop = {});

    /// Sends a request and returns the response, whose root is `<ACTIONResponse>`. Throttled
    /// requests are retried. After a lost response or a server error, a request is retried only if
    /// it is `repeatable`: sending it twice does no harm.
    /// @throws ServiceError, Interrupted
    std::shared_ptr<pugi::xml_document> call(std::string_view action, const Params& params,
                                             bool repeatable);
    /// As call(), for REST. An empty response gives null.
    Value rest(std::string_view action, const RestRequest& request, bool repeatable);
    /// Requests all pages and passes each element of the list `set` to `take`. Every response must
    /// have the list, even if it is empty.
    /// @throws ServiceError, Interrupted
    void each(std::string_view action, const Params& params, const char* set,
              const std::function<void(const pugi::xml_node&)>& take);
    /// Sends requests without a signature, for AssumeRoleWithWebIdentity.
    void without_signature() { signed_ = false; }

  private:
    /// Parses a response body. Returns "", or the problem with it: "the response is not valid
    /// JSON".
    using Parse = std::function<std::string(const std::string& body)>;
    /// Sends a request, with retries.
    void send(std::string_view action, const Signable& message, bool repeatable,
              const Parse& parse);
    void once(std::string_view action, const Signable& message, bool renew, const Parse& parse);
    [[nodiscard]] http::Request request(const Signable& message, bool renew);
    ServiceError refusal(const http::Answer& answer);
    [[nodiscard]] std::string name_of(std::string_view action) const;

    Service service_;
    std::string url_, region_;
    Sign credentials_;
    std::stop_token stop_;
    bool signed_ = true;
    std::atomic<bool> answered_ =
        false; ///< whether the service has ever responded, so its address is right
    std::atomic<std::int64_t> skew_ = 0; ///< seconds by which AWS's clock is ahead
    RateLimit reads_{100, 20}, changes_{50, 5};
};

/// Sleeps, at most until a stop.
/// @throws Interrupted
void pause_for(std::chrono::milliseconds time, const std::stop_token& stop);

/// The root element of a response.
inline pugi::xml_node root_of(const pugi::xml_document& document) {
    return document.document_element();
}

/// The contents of a response: its `<ACTIONResult>`, or the root for EC2, whose responses have no
/// such element.
pugi::xml_node result_of(const pugi::xml_document& document);

} // namespace hadeploy::aws
