#pragma once

#include "providers/aws-ec2/aws_type.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::aws {

/// How RDS names a kind of object.
struct RdsNames {
    const char* noun;           ///< for messages: "DB subnet group"
    const char* describe;       ///< "DescribeDBSubnetGroups"
    const char* create;         ///< "CreateDBSubnetGroup"
    const char* set;            ///< "DBSubnetGroups"
    const char* id;             ///< "DBSubnetGroupName"; the ID is the name
    const char* arn;            ///< "DBSubnetGroupArn"
    const char* id_filter = ""; ///< for its name: "db-instance-id"; "": RDS has no filter
};

/// A type whose objects RDS keeps. Their ID is their name, unique in the region. They are listed,
/// 100 a request. Databases are listed with their tags; the tags of each other object need a
/// request, but AWS allows an account only 50 groups of a kind.
class RdsType : public AwsType {
  public:
    explicit RdsType(RdsNames n)
        : AwsType(kRds, {.noun = n.noun, .describe = n.describe, .id = n.id}), names_(n) {}

    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override;
    std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const override;
    [[nodiscard]] Params creation_tags(const Tags& tags) const override;
    void retag(Region& region, const std::string& id, const Tags& set,
               const std::vector<std::string>& gone) const override;

  protected:
    /// The object that has a name.
    [[nodiscard]] std::optional<Item> named(Region& region, const std::string& name) const;
    /// Sends a create request with a name. An existing object with this name must have the
    /// identity, which shows that an earlier attempt created it.
    std::string create_named(Region& region, const Change& change, Params params,
                             const std::string& name) const;
    void check_name(const Value& name, std::size_t most, Diagnostics& problems) const;

  private:
    std::vector<Item> listed(Region& region, const std::vector<std::string>& ids) const;
    bool add_tags(Region& region, Item& item) const;

    const RdsNames names_;
};

/// A group of settings that databases share. A replacement creates the new group first, under a
/// different name while the old group exists, so that databases can change to the new group in
/// place.
class RdsGroup : public RdsType {
  public:
    explicit RdsGroup(RdsNames n);

    /// Two generations can have the same name, so the name is not a claim.
    std::vector<std::string> exclusive(const Value& config) const override;
    std::string conflict(Region& region, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params tags) const override;

  protected:
    /// The parameters of a create request, except the name and the tags.
    virtual void specify(Region& region, Params& params, const Value& config) const = 0;
    /// The `name` to compare: the config's, if the object has it for its generation.
    [[nodiscard]] std::string observed_name(const Item& item, const Value& config) const;
};

/// Checks a name of RDS: lower-case letters, digits and single dashes, a letter first.
void check_rds_name(const Value& name, const std::string& noun, std::size_t most,
                    Diagnostics& problems);

} // namespace hadeploy::aws
