#include "providers/aws-ec2/credentials.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/process.h"
#include "core/text.h"
#include "core/value_json.h"
#include "provider_api/prerequisites.h"
#include "providers/aws-ec2/addresses.h"
#include "providers/aws-ec2/checks.h"
#include "providers/aws-ec2/query.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace hadeploy::aws {

namespace {

using std::chrono::milliseconds;
constexpr std::int64_t kRenewBefore = 300; ///< seconds before they expire
constexpr std::size_t kMostTokenBytes = 64 * 1024;
constexpr int kMostProfiles = 5; ///< length limit of a chain of source_profile

/// Seconds of "2026-01-31T12:00:00Z"; 0 for anything else.
std::int64_t instant(const std::string& text) {
    std::tm utc{};
    if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr) return 0;
    return ::timegm(&utc);
}

/// @throws Error(failed) if a value must not be part of a request
Credentials usable(Credentials found, const std::string& from) {
    require_token(found.access_key, "the access key of " + from);
    require_token(found.secret_key, "the secret key of " + from);
    require_token(found.session_token, "the session token of " + from);
    return found;
}

/// The credentials in a JSON response of a service or a process.
Credentials from_json_text(const std::string& text, const char* token, const std::string& from) {
    Credentials found;
    try {
        const Value answer = from_foreign_json(text);
        found = {answer.text(answer.has("AccessKeyID") ? "AccessKeyID" : "AccessKeyId"),
                 answer.text("SecretAccessKey"), answer.text(token),
                 instant(answer.text("Expiration"))};
    } catch (const Error&) { // its message could show a part of a key
    }
    if (found.access_key.empty() || found.secret_key.empty())
        throw Error(ErrorKind::failed, fmt::format("{} returned no credentials", from));
    return usable(std::move(found), from);
}

http::Answer ask(std::string method, std::string url, std::vector<http::Header> headers) {
    std::optional<std::string> body;
    if (method == "PUT") body.emplace(); // so that its length is sent
    return http::send({.url = std::move(url),
                       .method = std::move(method),
                       .headers = std::move(headers),
                       .body = std::move(body),
                       .timeout = milliseconds(2'000),
                       .connect_timeout = milliseconds(1'000),
                       .proxy = false});
}

bool is_complete(const http::Answer& answer) {
    return answer.end == http::Answer::End::complete && answer.status == 200;
}

/// A shell-like split: words in quotes stay whole.
std::vector<std::string> words_of(const std::string& command) {
    std::vector<std::string> out;
    std::string word;
    char quote = 0;
    bool any = false;
    for (const char c : command) {
        if (quote != 0 ? c == quote : c == '"' || c == '\'') {
            quote = quote != 0 ? '\0' : c;
            any = true;
        } else if (quote == 0 && std::isspace(static_cast<unsigned char>(c))) {
            if (any || !word.empty()) out.push_back(std::move(word));
            word.clear();
            any = false;
        } else {
            word += c;
        }
    }
    if (any || !word.empty()) out.push_back(std::move(word));
    return out;
}

Credentials from_sts(const pugi::xml_document& answer, const std::string& action) {
    const pugi::xml_node given =
        root_of(answer).child((action + "Result").c_str()).child("Credentials");
    Credentials found{given.child_value("AccessKeyId"), given.child_value("SecretAccessKey"),
                      given.child_value("SessionToken"), instant(given.child_value("Expiration"))};
    if (found.access_key.empty() || found.secret_key.empty())
        throw wrong_answer("sts:" + action, "the response has no credentials");
    return usable(std::move(found), "sts:" + action);
}

/// The value of a setting; "" if it is not set.
std::string setting(const Profile& profile, const char* key) {
    const auto it = profile.find(key);
    return it == profile.end() ? std::string() : it->second.value;
}

/// The keys of a profile; empty if the profile has none.
/// @throws Error(failed) if only one of the two keys is set
Credentials keys_of(const std::string& name, const Profile& profile) {
    const auto key = profile.find("aws_access_key_id"),
               secret = profile.find("aws_secret_access_key");
    if ((key == profile.end()) != (secret == profile.end())) {
        const bool lacks_secret = secret == profile.end();
        throw Error(ErrorKind::failed,
                    fmt::format("{}: the AWS profile {} has {}, but no {}",
                                (lacks_secret ? key : secret)->second.place, in_quotes(name),
                                lacks_secret ? "aws_access_key_id" : "aws_secret_access_key",
                                lacks_secret ? "aws_secret_access_key" : "aws_access_key_id"))
            .with_hint("add it to the same profile");
    }
    for (const char* part : {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"})
        if (const auto it = profile.find(part); it != profile.end())
            require_token(it->second.value, it->second.place + ": " + part);
    return {setting(profile, "aws_access_key_id"), setting(profile, "aws_secret_access_key"),
            setting(profile, "aws_session_token")};
}

/// The URL of the container's credential service. As in AWS's own tools, plain HTTP is only allowed
/// to this machine and to the services of ECS and EKS.
std::string container_url(const std::function<std::string(const std::string&)>& env) {
    const char* name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    std::string url = env(name);
    if (!url.empty() && !url.starts_with('/'))
        throw Error(ErrorKind::failed, fmt::format("{} does not begin with /", name))
            .with_hint("for a complete URL, set AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!url.empty())
        url = "http://169.254.170.2" + url;
    else
        url = env(name = "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (url.empty()) return url;
    require_safe_url(url, name,
                     "use https://: credentials without encryption are accepted only from this "
                     "machine and from the services of ECS and EKS");
    return url;
}

} // namespace

CredentialChain::CredentialChain(Access access)
    : access_(std::move(access)), profiles_(Profiles::load(access_.environment)) {}

std::string CredentialChain::profile_name() const {
    if (!access_.profile.empty()) return access_.profile;
    const std::string given = access_.environment("AWS_PROFILE");
    return given.empty() ? "default" : given;
}

Credentials CredentialChain::get(bool renew) {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = now_ms() / 1000;
    const bool fresh = last_ && (last_->expires == 0 || last_->expires - kRenewBefore > now);
    if (!fresh || renew) {
        Credentials found = find();
        if (access_.assume_role.is_map()) found = assume(found, access_.assume_role);
        last_ = std::move(found);
    }
    return *last_;
}

Credentials CredentialChain::find() {
    if (!access_.profile.empty()) {
        if (auto found = from_profile(access_.profile, 0)) return *found;
        throw Error(ErrorKind::failed, fmt::format("the AWS profile {} has no credentials",
                                                   in_quotes(access_.profile)))
            .with_hint("add them to ~/.aws/credentials or ~/.aws/config, for example with `aws "
                       "configure --profile`");
    }
    if (auto found = from_environment()) return *found;
    const std::string named = access_.environment("AWS_PROFILE");
    if (auto found = from_profile(profile_name(), 0)) return *found;
    if (!named.empty())
        throw Error(
            ErrorKind::failed,
            fmt::format("the AWS profile {} of AWS_PROFILE has no credentials", in_quotes(named)));
    if (auto found = from_container()) return *found;
    if (auto found = from_instance()) return *found;
    throw Error(ErrorKind::failed, "there are no AWS credentials")
        .with_hint(fmt::format("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
                               "or `profile` under `providers: {{aws: ...}}`{}",
                               kSeeDoctor))
        .with_note("searched: the environment, ~/.aws, and the credential services of a "
                   "container and an instance");
}

std::optional<Credentials> CredentialChain::from_environment() {
    const auto& env = access_.environment;
    const std::string key = env("AWS_ACCESS_KEY_ID"), secret = env("AWS_SECRET_ACCESS_KEY");
    if (key.empty() != secret.empty())
        throw Error(ErrorKind::failed,
                    fmt::format("{} is set, but {} is not",
                                key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                                key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"))
            .with_hint("set both, or neither");
    if (!key.empty()) {
        source_ = "AWS_ACCESS_KEY_ID";
        for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
            require_token(env(name), name);
        return Credentials{key, secret, env("AWS_SESSION_TOKEN")};
    }
    const std::string file = env("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (file.empty()) return std::nullopt;
    if (env("AWS_ROLE_ARN").empty())
        throw Error(ErrorKind::failed,
                    "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    source_ = "AWS_WEB_IDENTITY_TOKEN_FILE";
    return from_web_identity(file, env("AWS_ROLE_ARN"), env("AWS_ROLE_SESSION_NAME"));
}

std::optional<Credentials> CredentialChain::from_profile(const std::string& name, int depth) {
    const Profile* profile = profiles_.find(name);
    if (profile == nullptr && name == "default") return std::nullopt;
    if (profile == nullptr)
        throw Error(ErrorKind::failed, fmt::format("there is no AWS profile {}", in_quotes(name)))
            .with_hint("profiles are in ~/.aws/config and ~/.aws/credentials");
    if (depth == kMostProfiles)
        throw Error(ErrorKind::failed,
                    fmt::format("the source_profile of the AWS profile {} leads back to itself",
                                in_quotes(name)));
    source_ = fmt::format("the profile {}", name);
    const Credentials own = keys_of(name, *profile);
    if (profile->contains("role_arn")) return from_role(name, *profile, depth);
    if (!own.access_key.empty()) return own;
    if (const std::string command = setting(*profile, "credential_process"); !command.empty())
        return from_process(command);
    return std::nullopt;
}

std::optional<Credentials> CredentialChain::from_role(const std::string& name,
                                                      const Profile& profile, int depth) {
    const std::string role = setting(profile, "role_arn");
    const std::string session = setting(profile, "role_session_name");
    if (const std::string file = setting(profile, "web_identity_token_file"); !file.empty())
        return from_web_identity(file, role, session);
    std::optional<Credentials> source;
    const std::string from = setting(profile, "source_profile"),
                      service = lower_case(setting(profile, "credential_source"));
    const Credentials own = keys_of(name, profile);
    if (from == name && !own.access_key.empty())
        source = own;
    else if (!from.empty())
        source = from_profile(from, depth + 1);
    else if (service == "environment")
        source = from_environment();
    else if (service == "ecscontainer")
        source = from_container();
    else if (service == "ec2instancemetadata")
        source = from_instance();
    if (!source)
        throw Error(ErrorKind::failed,
                    fmt::format("the AWS profile {} has a role_arn, but its source_profile or "
                                "credential_source has no credentials",
                                in_quotes(name)));
    source_ = fmt::format("the profile {}", name);
    return assume(*source, Value::map({{"role", role},
                                       {"session", session},
                                       {"external_id", setting(profile, "external_id")}}));
}

Credentials CredentialChain::from_process(const std::string& command) {
    const ProcessResult done = run_process(
        {.argv = words_of(command), .stop = access_.stop, .timeout = milliseconds(60'000)});
    if (done.status != 0)
        throw Error(ErrorKind::failed,
                    fmt::format("the credential_process of {} failed with exit status {}", source_,
                                done.status));
    return from_json_text(done.out, "SessionToken", "the credential_process of " + source_);
}

std::optional<Credentials> CredentialChain::from_container() {
    const auto& env = access_.environment;
    const std::string url = container_url(env);
    if (url.empty()) return std::nullopt;
    std::string token = env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    std::string from = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    if (const std::string file = env(from + "_FILE"); !file.empty()) {
        token = read_file(file, kMostTokenBytes);
        from = "the file of " + from + "_FILE";
    }
    require_header(token, from);
    std::vector<http::Header> headers;
    if (!token.empty())
        headers.push_back({.name = "Authorization", .value = token, .secret = true});
    const http::Answer answer = ask("GET", url, headers);
    if (!is_complete(answer))
        throw Error(ErrorKind::failed,
                    "the container's service for AWS credentials is not responding");
    source_ = "the container";
    return from_json_text(answer.body, "Token", "the container's service");
}

std::optional<std::string> CredentialChain::metadata(const std::string& path) {
    const auto& env = access_.environment;
    if (lower_case(env("AWS_EC2_METADATA_DISABLED")) == "true") return std::nullopt;
    constexpr const char* name = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    std::string base = env(name);
    if (base.empty()) base = "http://169.254.169.254";
    while (base.ends_with('/')) base.pop_back();
    require_safe_url(base, name, "use https://, or the address of the metadata service");
    const http::Answer token =
        ask("PUT", base + "/latest/api/token",
            {{.name = "X-aws-ec2-metadata-token-ttl-seconds", .value = "300"}});
    if (!is_complete(token)) return std::nullopt;
    require_token(token.body, "the token of the instance's metadata service");
    const http::Answer answer =
        ask("GET", base + path,
            {{.name = "X-aws-ec2-metadata-token", .value = token.body, .secret = true}});
    if (!is_complete(answer)) return std::nullopt;
    return answer.body;
}

std::optional<Credentials> CredentialChain::from_instance() {
    const std::string path = "/latest/meta-data/iam/security-credentials/";
    const auto role = metadata(path);
    if (!role || role->empty()) return std::nullopt;
    const auto given = metadata(path + role->substr(0, role->find('\n')));
    if (!given) return std::nullopt;
    source_ = "the instance's role";
    return from_json_text(*given, "Token", "the instance's metadata service");
}

Credentials CredentialChain::from_web_identity(const std::string& file, const std::string& role,
                                               const std::string& session) {
    std::string token = read_file(file, kMostTokenBytes);
    while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())))
        token.pop_back();
    const std::string where = region();
    Client sts(kSts, endpoint_of(kSts, where), where, {}, access_.stop);
    sts.without_signature();
    Params params;
    params.add("RoleArn", role)
        .add("RoleSessionName", session.empty() ? std::string("hadeploy") : session)
        .add("WebIdentityToken", token);
    try {
        return from_sts(*sts.call("AssumeRoleWithWebIdentity", params, true),
                        "AssumeRoleWithWebIdentity");
    } catch (const ServiceError& error) {
        throw Error(ErrorKind::failed,
                    fmt::format("the role {} cannot be assumed with the token in {}: {}", role,
                                file, error.message));
    }
}

Credentials CredentialChain::assume(const Credentials& with, const Value& role) {
    const std::string where = region();
    Client sts(
        kSts, endpoint_of(kSts, where), where, [&](bool) { return with; }, access_.stop);
    Params params;
    const std::string session = role.text("session");
    params.add("RoleArn", role.text("role"))
        .add("RoleSessionName", session.empty() ? std::string("hadeploy") : session);
    if (!role.text("external_id").empty()) params.add("ExternalId", role.text("external_id"));
    if (role["duration"].is_integer())
        params.add("DurationSeconds", std::to_string(role.integer("duration") / 1000));
    try {
        return from_sts(*sts.call("AssumeRole", params, true), "AssumeRole");
    } catch (const ServiceError& error) {
        throw Error(ErrorKind::failed, fmt::format("the role {} cannot be assumed: {}",
                                                   role.text("role"), error.message))
            .with_hint(fmt::format("the role's trust policy has to allow sts:AssumeRole for the "
                                   "credentials of {}",
                                   source_));
    }
}

/// "" if there is none.
std::pair<std::string, std::string> CredentialChain::region_and_source() {
    if (!access_.region.empty()) return {access_.region, "`region`"};
    for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
        if (std::string given = access_.environment(name); !given.empty()) return {given, name};
    if (const Profile* profile = profiles_.find(profile_name()))
        if (const auto it = profile->find("region"); it != profile->end())
            return {it->second.value, it->second.place};
    if (const auto here = metadata("/latest/meta-data/placement/region"); here && !here->empty())
        return {*here, "the instance's metadata service"};
    return {};
}

std::string CredentialChain::region() {
    const auto [found, source] = region_and_source();
    if (found.empty())
        throw Error(ErrorKind::failed, "no AWS region is set")
            .with_hint("set `region` under `providers: {aws: ...}` or at the resource, or "
                       "AWS_REGION");
    if (!is_region(found))
        throw Error(ErrorKind::failed,
                    fmt::format("{} has {}, which is not an AWS region", source, in_quotes(found)))
            .with_hint("for example eu-central-1: lower-case letters, digits and dashes");
    return found;
}

std::pair<std::string, std::string>
CredentialChain::endpoint_and_source(const Service& service) const {
    if (!access_.endpoint.empty()) return {access_.endpoint, "`endpoint`"};
    if (lower_case(access_.environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) == "true") return {};
    for (const std::string& name : {std::string(service.variable), std::string("AWS_ENDPOINT_URL")})
        if (std::string given = access_.environment(name); !given.empty()) return {given, name};
    if (const Profile* profile = profiles_.find(profile_name()))
        if (const auto it = profile->find("endpoint_url"); it != profile->end())
            return {it->second.value, it->second.place + ": endpoint_url"};
    return {};
}

std::string CredentialChain::endpoint_of(const Service& service, const std::string& region) const {
    const auto [url, source] = endpoint_and_source(service);
    if (url.empty())
        return fmt::format("https://{}.{}.amazonaws.com{}", service.name, region,
                           region.starts_with("cn-") ? ".cn" : "");
    if (const std::string problem = url_problem(url); !problem.empty())
        throw Error(ErrorKind::failed, fmt::format("{} {}", source, problem))
            .with_hint("for example http://127.0.0.1:5000");
    return url;
}

} // namespace hadeploy::aws
