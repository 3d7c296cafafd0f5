#pragma once

#include "core/value.h"
#include "providers/aws-ec2/signature.h"

#include <atomic>
#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <pugixml.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Requests in AWS's Query protocol (parameters in a form, XML back) and in REST with JSON.
namespace hadeploy::aws {

/// The parameters of a request, in the order of their addition.
class Params {
  public:
    Params& add(std::string name, std::string value);
    /// Not for what converts to bool, such as a literal text.
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

/// A service, and how it writes lists and their pages.
struct Service {
    std::string_view name; ///< in names of hosts, signatures and permissions
    std::string_view version;
    const char* variable;                   ///< of its endpoint: "AWS_ENDPOINT_URL_EC2"
    const char* element = "member";         ///< of a list in an answer
    const char* marker = "Marker";          ///< of a page, in the request for it
    const char* next_marker = "NextMarker"; ///< in the answer before it
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

inline constexpr Service kEfs{
    .name = "elasticfilesystem", .version = "2015-02-01", .variable = "AWS_ENDPOINT_URL_EFS"};

/// A request to a service whose protocol is REST with JSON.
struct RestRequest {
    std::string method = "GET";
    std::string path; ///< of characters that need no encoding
    std::vector<std::pair<std::string, std::string>> query = {};
    Value body = {}; ///< null: none
};

/// The answer of a service that refused a request, an answer of another form, or the lack of one.
struct ServiceError : std::exception {
    /// Attempts at what is temporary, and at what another attempt rarely helps: an address that
    /// never answered, an answer of something else than AWS.
    static constexpr int kAttempts = 8, kFewAttempts = 3;

    std::string action; ///< "ec2:RunInstances"
    std::string code;   ///< "InvalidGroup.NotFound"; "" without an answer
    std::string message;
    std::string request_id;
    long status = 0; ///< of HTTP; 0 without an answer
    /// The request may have had its effect all the same.
    bool may_have_worked = false;
    int attempts = kAttempts; ///< how often such a request is sent before it fails

    [[nodiscard]] bool is(std::initializer_list<std::string_view> codes) const;
    [[nodiscard]] bool is_throttling() const;
    const char* what() const noexcept override { return message.c_str(); }
};

/// The code and the message of a refusal, in one of the forms of XML or JSON that the services
/// have. Any other body gives no code.
/// @param type  the header X-Amzn-ErrorType, which some answers in JSON have instead of a code
ServiceError parse_refusal(std::string_view body, long status, std::string_view type = {});

/// An answer that lacks a part, which does not mean that an object does not exist.
/// @param action  "ec2:DescribeVpcs"
/// @param what    "the answer has no <vpcSet>"
ServiceError wrong_answer(std::string action, std::string what);

/// While it lives, `notice` receives why a request of this thread is sent again.
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

/// Limits requests to what AWS allows an account, so that others are not throttled: a bucket of
/// `burst` requests, to which `rate` a second are added.
class RateLimit {
  public:
    using Clock = std::chrono::steady_clock;
    RateLimit(double burst, double rate) : burst_(burst), rate_(rate), left_(burst) {}
    /// Takes one request, and returns how long to wait before it is sent.
    std::chrono::milliseconds take(Clock::time_point now);

  private:
    const double burst_, rate_;
    double left_; ///< below 0: promised
    Clock::time_point filled_ = {};
    std::mutex mutex_;
};

/// Sends the requests of one service in one region.
class Client {
  public:
    /// The credentials for a request; with `renew`, others than before.
    using Sign = std::function<Credentials(bool renew)>;

    /// @param stop  ends reads, and the pauses between attempts of all requests
    Client(Service service, std::string url, std::string region, Sign credentials,
           std::stop_token stop = {});

    /// Sends a request and returns the answer, whose root is `<ACTIONResponse>`. Throttling is
    /// waited out. A lost answer and an error of the server are tried again too, if `repeatable`
    /// says that a repetition does no harm.
    /// @throws ServiceError, Interrupted
    std::shared_ptr<pugi::xml_document> call(std::string_view action, const Params& params,
                                             bool repeatable);
    /// The same for REST; the answer is null if it is empty.
    Value rest(std::string_view action, const RestRequest& request, bool repeatable);
    /// Sends a request until the last page, and passes each element of the list `set`, which every
    /// answer must have, if empty.
    /// @throws ServiceError, Interrupted
    void each(std::string_view action, const Params& params, const char* set,
              const std::function<void(const pugi::xml_node&)>& take);
    /// Requests without a signature: AssumeRoleWithWebIdentity.
    void without_signature() { signed_ = false; }

  private:
    /// Parses the body of an answer; returns what it is instead of that, "" if it is that.
    using Parse = std::function<std::string(const std::string& body)>;
    /// Sends a request, also again.
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
    std::atomic<bool> answered_ = false; ///< by the service: its address is right
    std::atomic<std::int64_t> skew_ = 0; ///< seconds by which AWS's clock is ahead
    RateLimit reads_{100, 20}, changes_{50, 5};
};

/// Sleeps, at most until a stop.
/// @throws Interrupted
void pause_for(std::chrono::milliseconds time, const std::stop_token& stop);

/// The root element of an answer.
inline pugi::xml_node root_of(const pugi::xml_document& document) {
    return document.document_element();
}

/// The contents of an answer: its `<ACTIONResult>`, or its root for EC2, which has none.
pugi::xml_node result_of(const pugi::xml_document& document);

} // namespace hadeploy::aws
