#include "providers/aws-ec2/aws_type.h"

#include "core/hash.h"

#include <fmt/format.h>
#include <sstream>

namespace hadeploy::aws {

namespace {

/// A public key without its comment: "ssh-ed25519 AAAA...".
std::string bare_key(const std::string& line) {
    std::istringstream words(line);
    std::string kind, data;
    words >> kind >> data;
    return kind + " " + data;
}

class KeyPair final : public AwsType {
  public:
    KeyPair();
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || config["region"].is_unknown()) return {};
        return {fmt::format("aws key pair {} {}", config.text("name"), config.text("region"))};
    }
    Value observed(Region&, const Item& item, const Value& config) const override {
        const std::string key = item.text("publicKey");
        Value out = Value::map(
            {{"name", item.text("keyName")}, {"fingerprint", item.text("keyFingerprint")}});
        if (key.empty()) return out; // AWS forgets the keys of old pairs
        const bool same = bare_key(key) == bare_key(config.text("public_key"));
        return out.with("public_key", same ? config["public_key"] : Value(bare_key(key)));
    }
    std::string conflict(Region& region, const Value& config) const override {
        if (!config["name"].is_string()) return {};
        std::string id;
        region.each("DescribeKeyPairs", Params().filter("key-name", {config.text("name")}),
                    "keySet",
                    [&](const pugi::xml_node& item) { id = item.child_value("keyPairId"); });
        return id.empty() ? id : "the key pair " + id;
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("KeyName", change.after.text("name"))
            .add("PublicKeyMaterial", base64_encode(change.after.text("public_key")));
        const auto answer = region.change("ImportKeyPair", params, false);
        return root_of(*answer).child_value("keyPairId");
    }
    /// By its ID: meanwhile another pair can have the name.
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("DeleteKeyPair", Params().add("KeyPairId", id), true);
    }
};

KeyPair::KeyPair()
    : AwsType({.noun = "key pair",
               .describe = "DescribeKeyPairs",
               .set = "keySet",
               .id = "keyPairId",
               .id_filter = "key-pair-id",
               .tagged = "key-pair",
               .option = "IncludePublicKey"}) {
    name = "aws.key_pair";
    summary = "A public key that EC2 puts into new instances";
    doc =
        "Imports a public key, for example that of an `ssh.key`. The private key never leaves this "
        "machine.\n\n"
        "Detected and repaired: a removed pair is imported again; another key of the same name is "
        "replaced. Destroy removes it from EC2; instances keep the key that they have.";
    import_id = "the ID of the key pair (key-...)";
    example = "login:\n"
              "  type: aws.key_pair\n"
              "  name: ha-web\n"
              "  public_key: ${operator.public_key}\n";
    schema = with_common({
        {.name = "name",
         .type = TypeKind::string,
         .doc = "Name in EC2, unique in the region.",
         .required = true,
         .replaces = true},
        {.name = "public_key",
         .type = TypeKind::line,
         .doc = "The key in OpenSSH's format, ed25519 or RSA. Its comment is not compared.",
         .required = true,
         .replaces = true},
        {.name = "fingerprint",
         .type = TypeKind::string,
         .doc = "Fingerprint that EC2 shows.",
         .computed = true,
         .open = true},
    });
}

} // namespace

std::unique_ptr<ResourceType> key_pair_type() {
    return std::make_unique<KeyPair>();
}

} // namespace hadeploy::aws
