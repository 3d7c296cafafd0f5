#include "providers/aws-ec2/ec2_type.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

#include <fmt/format.h>
#include <sstream>

namespace hadeploy::aws {

namespace {

/// The ASCII characters except letters and digits.
constexpr std::string_view kPrintable = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A public key without its comment: "ssh-ed25519 AAAA...".
std::string bare_key(const std::string& line) {
    std::istringstream words(line);
    std::string kind, data;
    words >> kind >> data;
    return kind + " " + data;
}

/// The type in a public key's data, which is a sequence of fields, each preceded by its length (RFC
/// 4253, section 6.6); "" if the data is truncated.
std::string kind_in(const std::string& data) {
    std::string rest, kind;
    try {
        rest = base64_decode(data);
    } catch (const Error&) {
        return {};
    }
    for (int field = 0; !rest.empty(); ++field) {
        if (rest.size() < 4) return {};
        std::size_t size = 0;
        for (const unsigned char byte : rest.substr(0, 4)) size = size << 8 | byte;
        rest.erase(0, 4);
        if (size > rest.size()) return {};
        if (field == 0) kind = rest.substr(0, size);
        rest.erase(0, size);
    }
    return kind;
}

/// The message never shows the value, which can be a private key.
void check_public_key(const Value& key, Diagnostics& problems) {
    if (!key.is_string()) return;
    const std::string& text = key.as_string();
    const auto wrong = [&](std::string message, const char* hint) {
        problems.add(std::move(message), key.loc()).with_hint(hint);
    };
    constexpr const char* form =
        "one line, \"ssh-ed25519 AAAA... comment\": the file that ends in .pub";
    // a file in OpenSSH's format begins with "openssh-key-v1", here in base64
    if (text.find("PRIVATE KEY") != text.npos || text.find("b3BlbnNzaC1rZXktdjE") != text.npos)
        return wrong("this is a private key, not a public one",
                     "use the public key: `ssh-keygen -y -f KEY` prints it");
    std::istringstream words(text);
    std::string kind, data;
    words >> kind >> data;
    if (kind.starts_with("ecdsa-") || kind.starts_with("sk-") || kind == "ssh-dss")
        return wrong(fmt::format("EC2 does not accept keys of type {}", in_quotes(kind, 40)),
                     "use ed25519 or RSA: `ssh-keygen -t ed25519`");
    if (kind != "ssh-ed25519" && kind != "ssh-rsa")
        return wrong("this is not a public key in OpenSSH's format", form);
    if (kind_in(data) != kind) wrong("the public key is truncated or has a typing error", form);
}

class KeyPair final : public Ec2Type {
  public:
    KeyPair();
    void check_own(const Value& config, Diagnostics& problems) const override {
        check_text(config["name"],
                   {.noun = "the name of a key pair", .most = 255, .others = kPrintable}, problems);
        check_public_key(config["public_key"], problems);
    }
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || config["region"].is_unknown() ||
            config["profile"].is_unknown())
            return {};
        return {fmt::format("aws key pair {}{}", config.text("name"), scope_of(config))};
    }
    Value observed(Region&, const Item& item, const Value& config) const override {
        const std::string key = item.text("publicKey");
        Value out = Value::map(
            {{"name", item.required("keyName")}, {"fingerprint", item.text("keyFingerprint")}});
        if (key.empty()) return out; // AWS does not return the keys of old pairs
        const bool same = bare_key(key) == bare_key(config.text("public_key"));
        return out.with("public_key", same ? config["public_key"] : Value(bare_key(key)));
    }
    std::string conflict(Region& region, const Value& config) const override {
        if (!config["name"].is_string()) return {};
        std::string found;
        region.each("DescribeKeyPairs", Params().filter("key-name", {config.text("name")}),
                    "keySet", [&](const pugi::xml_node& item) {
                        found = fmt::format("the key pair {}", item.child_value("keyPairId"));
                    });
        return found;
    }
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("KeyName", change.after.text("name"))
            .add("PublicKeyMaterial", base64_encode(change.after.text("public_key")));
        const auto answer = region.change("ImportKeyPair", params, false);
        return root_of(*answer).child_value("keyPairId");
    }
    /// Deletes by ID, because a different pair can have the name by now.
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("DeleteKeyPair", Params().add("KeyPairId", id), true);
    }
};

KeyPair::KeyPair()
    : Ec2Type({.noun = "key pair",
               .describe = "DescribeKeyPairs",
               .set = "keySet",
               .id = "keyPairId",
               .id_filter = "key-pair-id",
               .tagged = "key-pair",
               .option = "IncludePublicKey"}) {
    name = "aws.key_pair";
    summary = "A public key that EC2 installs in new instances";
    doc = "Imports a public key, for example that of an `ssh.key`. The private key never leaves "
          "this machine.\n\n"
          "Detected and repaired: a removed pair is imported again; a different key with the same "
          "name is replaced. Destroy removes it from EC2; instances keep the key that they have.";
    import_id = "the key pair ID (key-...)";
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
         .doc = "Fingerprint, as shown by EC2.",
         .computed = true,
         .open = true},
    });
}

} // namespace

std::unique_ptr<ResourceType> key_pair_type() {
    return std::make_unique<KeyPair>();
}

} // namespace hadeploy::aws
