#include "providers/aws-ec2/region.h"

#include "core/http.h"
#include "providers/aws-ec2/addresses.h"

#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

Access access_of(const Value& settings, const ProviderContext& context) {
    return {.environment = context.environment,
            .region = settings.text("region"),
            .profile = settings.text("profile"),
            .endpoint = settings.text("endpoint"),
            .assume_role = settings["assume_role"],
            .stop = context.stop};
}

std::map<std::string, std::string> tags_of(const Value& settings) {
    std::map<std::string, std::string> out;
    if (settings["tags"].is_map())
        for (const Entry& e : settings["tags"].as_map()) out[e.key] = e.value.as_string();
    return out;
}

/// Whether AWS raises this limit on request. The limits within one object or request are fixed.
bool is_quota(const ServiceError& error) {
    return (error.code.ends_with("LimitExceeded") || error.code.ends_with("QuotaExceeded") ||
            error.code.ends_with("QuotaExceededFault") || error.code.starts_with("TooMany")) &&
           !error.is_throttling() &&
           !error.is({"TagLimitExceeded", "FilterLimitExceeded", "TooManyTags", "TooManyActions"});
}

} // namespace

Region::Region(const Value& settings, ProviderContext context)
    : context_(std::move(context)), chain_(access_of(settings, context_)), name_(chain_.region()),
      tags_(tags_of(settings)), ec2_(client(kEc2)), sts_(client(kSts)), elb_(client(kElb)),
      classic_elb_(client(kClassicElb)), efs_(client(kEfs)), rds_(client(kRds)),
      scaling_(client(kScaling)) {}

Client Region::client(const Service& service) {
    return {service, chain_.endpoint_of(service, name_), name_,
            [this](bool renew) { return chain_.get(renew); }, context_.stop};
}

std::string Region::unencrypted() const {
    for (const Service* service : {&kEc2, &kSts, &kElb, &kClassicElb, &kEfs, &kRds, &kScaling})
        if (const std::string url = chain_.endpoint_of(*service, name_); leaves_unencrypted(url))
            return http::authority_of(url);
    return {};
}

std::shared_ptr<pugi::xml_document> Region::read(std::string_view action, const Params& params) {
    return ec2_.call(action, params, true);
}

void Region::each(std::string_view action, const Params& params, const char* set,
                  const std::function<void(const pugi::xml_node&)>& take) {
    ec2_.each(action, params, set, take);
}

std::shared_ptr<pugi::xml_document> Region::change(std::string_view action, const Params& params,
                                                   bool repeatable) {
    return ec2_.call(action, params, repeatable);
}

void Region::ask_identity() {
    const std::lock_guard lock(mutex_);
    if (!account_.empty()) return;
    const auto answer = sts_.call("GetCallerIdentity", {}, true);
    const pugi::xml_node result = result_of(*answer);
    const std::string account = result.child_value("Account");
    if (account.empty())
        throw wrong_answer("sts:GetCallerIdentity", "the response has no <Account>");
    caller_ = result.child_value("Arn");
    account_ = account;
}

std::string Region::account() {
    ask_identity();
    return account_;
}

std::string Region::caller() {
    ask_identity();
    return caller_;
}

Error Region::refused(const ServiceError& e) {
    const bool silent = e.code.empty() && e.status == 0;
    const std::string what = fmt::format("{} in {}: {}{}", e.action, name_,
                                         silent ? "no response from " : "", e.message);
    if (e.is({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})) {
        std::string who;
        try {
            who = caller();
        } catch (const std::exception&) { // not even permitted to ask for its identity
            who = chain_.source();
        }
        return Error(ErrorKind::failed,
                     fmt::format("missing permission: {} in {}", e.action, name_))
            .with_hint(fmt::format("grant {} to {} in an IAM policy", e.action, who));
    }
    if (e.is({"AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch",
              "UnrecognizedClientException", "MissingAuthenticationToken"}))
        return Error(ErrorKind::failed,
                     fmt::format("AWS rejected the credentials from {}", chain_.source()))
            .with_hint("check that the access key is correct and that the secret key belongs to it")
            .with_note(fmt::format("{}: {}", e.code, e.message));
    if (e.is({"ExpiredToken", "ExpiredTokenException", "RequestExpired"}))
        return Error(ErrorKind::failed,
                     fmt::format("the credentials from {} have expired", chain_.source()))
            .with_hint("log in again; if the credentials are new, check this machine's clock");
    if (e.is({"OptInRequired", "Blocked", "PendingVerification"}))
        return Error(ErrorKind::failed,
                     fmt::format("the account cannot use {} yet: {}", name_, e.message))
            .with_hint("enable the region, or complete the registration, in the AWS console");
    if (is_quota(e))
        return Error(ErrorKind::failed, what)
            .with_hint("request a higher quota from AWS (Service Quotas), or remove unused "
                       "objects");
    if (e.is({"TargetGroupAssociationLimit"}))
        return Error(ErrorKind::failed, what)
            .with_hint("a target group can serve only one load balancer: create one for each");
    if (e.is({"CertificateNotFound", "UnsupportedCertificate"}))
        return Error(ErrorKind::failed, what)
            .with_hint(fmt::format("use a certificate that was issued by or imported into AWS "
                                   "Certificate Manager in {}",
                                   name_));
    if (e.is({"InvalidSubnet"}) && e.action.starts_with(kElb.name))
        return Error(ErrorKind::failed, what)
            .with_hint("an internet-facing load balancer needs an aws.internet_gateway in its VPC: "
                       "list it in `depends_on`, or set `scheme: internal`");
    if (e.is({"InsufficientInstanceCapacity", "InsufficientHostCapacity", "Unsupported"}))
        return Error(ErrorKind::failed, what)
            .with_hint("choose a different instance type or availability zone");
    if (e.is({"InsufficientDBInstanceCapacity", "ProvisionedIopsNotAvailableInAZFault"}))
        return Error(ErrorKind::failed, what)
            .with_hint("choose a different class, or a DB subnet group in other availability "
                       "zones");
    if (e.code.empty() && e.attempts < ServiceError::kAttempts) {
        const std::string hint = silent ? "check the network, the region, `endpoint` and "
                                          "AWS_ENDPOINT_URL"
                                        : "the response is not from AWS: check proxies, "
                                          "`endpoint` and AWS_ENDPOINT_URL";
        return Error(silent ? ErrorKind::unreachable : ErrorKind::failed, what).with_hint(hint);
    }
    if (e.is_throttling() || e.status >= 500 || e.code.empty())
        return Error(silent ? ErrorKind::unreachable : ErrorKind::failed, what).as_transient();
    return Error(ErrorKind::failed, fmt::format("{} ({})", what, e.code));
}

} // namespace hadeploy::aws
