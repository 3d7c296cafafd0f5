#include "core/hash.h"
#include "providers/local/local_type.h"
#include "providers/local/tls.h"

#include <fmt/format.h>
#include <openssl/core_names.h>

namespace hadeploy::local {

namespace {
/// A length-prefixed `string` of SSH's wire format (RFC 4251, section 5).
std::string field(std::string_view bytes) {
    std::string out;
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(bytes.size() >> shift & 0xFF);
    return out.append(bytes);
}

/// A non-negative `mpint` (RFC 4251, section 5): a zero byte precedes a set highest bit.
std::string number_field(const Key& key, const char* parameter) {
    BIGNUM* number = nullptr;
    tls_check(EVP_PKEY_get_bn_param(key.get(), parameter, &number) == 1, "read a key");
    const std::unique_ptr<BIGNUM, FreedBy<BN_free>> owner(number);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    if (!bytes.empty() && (static_cast<unsigned char>(bytes.front()) & 0x80u) != 0)
        bytes.insert(bytes.begin(), '\0');
    return field(bytes);
}

std::string octets_field(const Key& key, const char* parameter) {
    std::size_t size = 0;
    tls_check(EVP_PKEY_get_octet_string_param(key.get(), parameter, nullptr, 0, &size) == 1,
              "read a key");
    std::string bytes(size, '\0');
    auto* data = reinterpret_cast<unsigned char*>(bytes.data());
    tls_check(EVP_PKEY_get_octet_string_param(key.get(), parameter, data, size, &size) == 1,
              "read a key");
    return field(bytes);
}

/// A line of authorized_keys: the type and the base64 of type and key.
std::string openssh_line(const Key& key, const Value& config) {
    std::string type, blob;
    if (config.text("algorithm") == "RSA") {
        type = "ssh-rsa";
        blob = field(type) + number_field(key, OSSL_PKEY_PARAM_RSA_E) +
               number_field(key, OSSL_PKEY_PARAM_RSA_N);
    } else if (config.text("algorithm") == "ECDSA") {
        const std::string curve = "nistp" + config.text("ecdsa_curve").substr(1);
        type = "ecdsa-sha2-" + curve;
        blob = field(type) + field(curve) + octets_field(key, OSSL_PKEY_PARAM_PUB_KEY);
    } else {
        type = "ssh-ed25519";
        blob = field(type) + octets_field(key, OSSL_PKEY_PARAM_PUB_KEY);
    }
    return type + " " + base64_encode(blob);
}

Key generate(const Value& config) {
    const std::string algorithm = config.text("algorithm");
    EVP_PKEY* key = nullptr;
    if (algorithm == "RSA") {
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA",
                                static_cast<std::size_t>(config.integer("rsa_bits", 3072)));
    } else if (algorithm == "ECDSA") {
        const std::string curve = "P-" + config.text("ecdsa_curve").substr(1);
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.c_str());
    } else {
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    }
    tls_check(key != nullptr, fmt::format("generate an {} key", algorithm));
    return Key(key);
}

class PrivateKey final : public KeptType {
  public:
    PrivateKey() {
        name = "tls.private_key";
        summary = "A private key, for certificates or for SSH.";
        doc =
            "It is generated once and then kept in the state, encrypted; it is never displayed. A "
            "change of any attribute replaces it.\n\n"
            "Destroy removes it from the state.";
        example = "ca_key:\n"
                  "  type: tls.private_key\n"
                  "  algorithm: ECDSA\n"
                  "  ecdsa_curve: P384\n";
        schema = {{.name = "algorithm",
                   .type = TypeKind::string,
                   .doc = "Algorithm of the key. Browsers do not accept ED25519 certificates.",
                   .replaces = true,
                   .default_value = Value("ECDSA"),
                   .one_of = {"ECDSA", "ED25519", "RSA"}},
                  {.name = "ecdsa_curve",
                   .type = TypeKind::string,
                   .doc = "Curve of an ECDSA key.",
                   .replaces = true,
                   .default_value = Value("P256"),
                   .one_of = {"P256", "P384", "P521"}},
                  {.name = "rsa_bits",
                   .type = TypeKind::integer,
                   .doc = "Length of an RSA key, in bits.",
                   .replaces = true,
                   .default_value = Value(3072),
                   .min = 2048,
                   .max = 8192},
                  keepers_attribute(),
                  {.name = "private_key_pem",
                   .type = TypeKind::string,
                   .doc = "The private key in PEM (PKCS #8).",
                   .computed = true,
                   .secret = true},
                  {.name = "public_key_pem",
                   .type = TypeKind::string,
                   .doc = "The public key in PEM.",
                   .computed = true,
                   .open = true},
                  {.name = "public_key_openssh",
                   .type = TypeKind::string,
                   .doc = "The public key as a line of authorized_keys.",
                   .computed = true,
                   .open = true}};
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const Key key = generate(change.after);
        return Value::map({{"private_key_pem", Value(to_pem(key)).as_secret()},
                           {"public_key_pem", public_pem(key)},
                           {"public_key_openssh", openssh_line(key, change.after)}});
    }
};
} // namespace

std::unique_ptr<ResourceType> private_key_type() {
    return std::make_unique<PrivateKey>();
}

} // namespace hadeploy::local
