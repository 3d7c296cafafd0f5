#pragma once

#include "providers/aws-ec2/aws_type.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace hadeploy::aws {

/// The objects of one region. A read sends one request for all objects of a type, and so does a
/// poll. A stop ends all waiting: incomplete changes fail, and the next apply continues them.
class RegionEndpoint final : public OpenEndpoint {
  public:
    RegionEndpoint(const Value& settings, ProviderContext context)
        : region_(settings, std::move(context)) {}

    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& notice) override;
    void apply(std::span<const Change> changes, ChangeSink& sink) override;
    std::chrono::milliseconds poll(std::span<const Change> waiting, ChangeSink& sink) override;

  private:
    using Clock = std::chrono::steady_clock;
    /// A change that AWS completes by itself.
    struct Wait {
        std::string id;
        Clock::time_point since = Clock::now();
        bool still_used = false; ///< other objects still use it: the removal is retried
        std::string what = {};   ///< for messages
    };
    using Indices = std::vector<std::size_t>;

    void read_type(const AwsType& type, std::span<const ReadRequest> requests, const Indices& which,
                   std::vector<Observation>& out);
    Observation observation(const AwsType& type, const ReadRequest& request, const Item* item);
    void begin(std::size_t index, const Change& change, ChangeSink& sink);
    std::string made(const AwsType& type, const Change& change);
    void begin_removal(std::size_t index, const Change& change, ChangeSink& sink);
    /// @returns whether the object is gone, or is being removed
    bool try_removal(const AwsType& type, const Change& change, Wait& wait);
    void poll_type(const AwsType& type, std::span<const Change> waiting, const Indices& which,
                   ChangeSink& sink);
    void fail_poll(const AwsType& type, const Change& change, std::size_t index,
                   const ServiceError& error, ChangeSink& sink);
    void fail_wait(const Change& change, std::size_t index, Error error, ChangeSink& sink);
    std::optional<std::string> waits_for(const Change& change);
    void look_at(const AwsType& type, const Change& change, std::size_t index, const Item* item,
                 ChangeSink& sink);
    Value attributes_of(const AwsType& type, const Item& item, const Value& config,
                        const Value& recorded);
    Item seen(const AwsType& type, const std::string& id);
    void retag(const AwsType& type, const Item& item, const Change& change);
    Wait& wait_of(const Change& change);

    Region region_;
    std::atomic<bool> warned_ = false; ///< about requests without encryption
    std::mutex mutex_;
    std::map<std::string, Wait> waits_; ///< by identity
};

} // namespace hadeploy::aws
