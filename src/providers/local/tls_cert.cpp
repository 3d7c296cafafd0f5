#include "core/hash.h"
#include "provider_api/units.h"
#include "providers/local/local_type.h"
#include "providers/local/tls.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace hadeploy::local {

namespace {
/// The uses of a certificate: our name and OpenSSL's name.
struct Use {
    const char* name;
    const char* value;
    bool extended;
};
constexpr std::array<Use, 13> kUses{{{"digital_signature", "digitalSignature", false},
                                     {"content_commitment", "nonRepudiation", false},
                                     {"key_encipherment", "keyEncipherment", false},
                                     {"data_encipherment", "dataEncipherment", false},
                                     {"key_agreement", "keyAgreement", false},
                                     {"cert_signing", "keyCertSign", false},
                                     {"crl_signing", "cRLSign", false},
                                     {"server_auth", "serverAuth", true},
                                     {"client_auth", "clientAuth", true},
                                     {"code_signing", "codeSigning", true},
                                     {"email_protection", "emailProtection", true},
                                     {"timestamping", "timeStamping", true},
                                     {"ocsp_signing", "OCSPSigning", true}}};
constexpr std::int64_t kYearMs = 365LL * 24 * 3600 * 1000;

std::string time_text(std::time_t time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time));
}

std::optional<std::time_t> time_of(const std::string& text) {
    std::tm utc = {};
    const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return ::timegm(&utc);
}

void add_extension(X509* certificate, X509V3_CTX* context, int kind, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, context, kind, value.c_str()));
    tls_check(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
              "extend a certificate");
}

/// The (extended) key usage in OpenSSL's configuration syntax; "" for none.
std::string uses(const Value& config, bool extended) {
    const bool authority = config.flag("is_ca_certificate");
    const Value::List chosen = config["allowed_uses"].is_list() ? config["allowed_uses"].as_list()
                               : authority
                                   ? Value::List{"cert_signing", "crl_signing"}
                                   : Value::List{"digital_signature", "server_auth", "client_auth"};
    std::string out;
    for (const Use& use : kUses)
        if (use.extended == extended &&
            std::find(chosen.begin(), chosen.end(), Value(use.name)) != chosen.end())
            out += (out.empty() ? "" : ",") + std::string(use.value);
    return out;
}

void set_serial(X509* certificate) {
    std::string bytes = random_bytes(16);
    bytes[0] = static_cast<char>((bytes[0] & 0x3F) | 0x40); // positive, and of constant length
    const std::unique_ptr<BIGNUM, FreedBy<BN_free>> number(
        BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr));
    tls_check(number != nullptr &&
                  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
              "set the serial number of a certificate");
}

/// Sets validity, serial number and uses, then signs. `issuer` is nullptr if it signs itself.
Value sign(const Certificate& certificate, const Value& config, X509* issuer, const Key& key) {
    X509* x = certificate.get();
    const std::time_t start = std::time(nullptr);
    const std::time_t end = start + config.integer("validity", kYearMs) / 1000;
    set_serial(x);
    tls_check(X509_set_version(x, X509_VERSION_3) == 1 &&
                  ASN1_TIME_set(X509_getm_notBefore(x), start) != nullptr &&
                  ASN1_TIME_set(X509_getm_notAfter(x), end) != nullptr &&
                  X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x)) == 1,
              "fill in a certificate");
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer ? issuer : x, x, nullptr, nullptr, 0);
    const bool authority = config.flag("is_ca_certificate");
    add_extension(x, &context, NID_basic_constraints,
                  authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (const std::string key_uses = uses(config, false); !key_uses.empty())
        add_extension(x, &context, NID_key_usage, "critical," + key_uses);
    if (const std::string more = uses(config, true); !more.empty())
        add_extension(x, &context, NID_ext_key_usage, more);
    add_extension(x, &context, NID_subject_key_identifier, "hash");
    if (issuer != nullptr) add_extension(x, &context, NID_authority_key_identifier, "keyid");
    tls_check(X509_sign(x, key.get(), digest_of(key)) > 0, "sign a certificate");
    return Value::map({{"cert_pem", to_pem(certificate)},
                       {"validity_start_time", time_text(start)},
                       {"validity_end_time", time_text(end)}});
}

Attribute key_attribute(const char* attribute, const char* doc) {
    return {.name = attribute,
            .type = TypeKind::string,
            .doc = doc,
            .required = true,
            .secret = true,
            .replaces = true};
}

Schema certificate_attributes() {
    Attribute allowed{.name = "allowed_uses",
                      .type = list_of(TypeKind::string),
                      .doc =
                          "Uses of the certificate. Defaults to cert_signing and crl_signing for "
                          "an authority, and to digital_signature, server_auth and client_auth "
                          "for others.",
                      .replaces = true};
    for (const Use& use : kUses) allowed.one_of.emplace_back(use.name);
    return {{.name = "validity",
             .type = TypeKind::duration,
             .doc = "How long the certificate is valid, from its creation.",
             .replaces = true,
             .default_value = Value(kYearMs),
             .min = 60'000,
             .max = 100 * kYearMs},
            {.name = "early_renewal",
             .type = TypeKind::duration,
             .doc = "How long before the expiry a plan replaces the certificate.",
             .operational = true,
             .default_value = Value(0),
             .min = 0},
            {.name = "is_ca_certificate",
             .type = TypeKind::boolean,
             .doc = "Whether it is the certificate of an authority, which may sign others.",
             .replaces = true,
             .default_value = Value(false)},
            std::move(allowed),
            {.name = "cert_pem",
             .type = TypeKind::string,
             .doc = "The certificate in PEM.",
             .computed = true,
             .open = true},
            {.name = "validity_start_time",
             .type = TypeKind::string,
             .doc = "Start of the validity, in UTC: 2026-01-31T12:00:00Z.",
             .computed = true,
             .open = true},
            {.name = "validity_end_time",
             .type = TypeKind::string,
             .doc = "End of the validity.",
             .computed = true,
             .open = true}};
}

/// The common part of both kinds of certificates.
class CertificateType : public KeptType {
  public:
    CertificateType() { provider = "local"; } // not "state": its validity depends on the clock
    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_names(config, diagnostics);
        const Value& early = config["early_renewal"];
        const Value& validity = config["validity"];
        if (early.is_integer() && validity.is_integer() &&
            early.as_integer() >= validity.as_integer())
            diagnostics.add(
                "early_renewal has to be shorter than validity, or every plan would replace the "
                "certificate",
                early.loc().known() ? early.loc() : config.loc());
    }

  protected:
    std::string replace_reason(const Value& config, const Value& recorded) const override {
        const auto end = time_of(recorded.text("validity_end_time"));
        if (!end) return {};
        const std::time_t now = std::time(nullptr);
        const std::int64_t early = config.integer("early_renewal");
        if (now >= *end) return "it expired at " + time_text(*end);
        if (now < *end - early / 1000) return {};
        return fmt::format("it expires at {}, and early_renewal is {}", time_text(*end),
                           show_duration(early));
    }
};

class SelfSigned final : public CertificateType {
  public:
    SelfSigned() {
        name = "tls.self_signed_cert";
        summary = "A self-signed certificate: for an authority, or for tests.";
        doc = "It is kept in the state. Any change replaces it. A plan also replaces it after its "
              "expiry or within `early_renewal` before its expiry, and reports this reason.\n\n"
              "Destroy removes it from the state.";
        example = "ca:\n"
                  "  type: tls.self_signed_cert\n"
                  "  private_key_pem: ${ca_key.private_key_pem}\n"
                  "  subject: {common_name: Our authority}\n"
                  "  is_ca_certificate: true\n"
                  "  validity: 3650d\n"
                  "  early_renewal: 90d\n";
        schema = joined({key_attribute("private_key_pem", "The key of the certificate."),
                         subject_attribute(), dns_names_attribute(), ip_addresses_attribute()},
                        certificate_attributes());
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        CertificateType::check(config, diagnostics);
        if (config.flag("is_ca_certificate") && config["subject"]["common_name"].is_null() &&
            !config["subject"].is_unknown())
            diagnostics.add("an authority needs a name: subject: {common_name: ...}", config.loc());
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const Value& config = change.after;
        const Key key = key_from_pem(config.text("private_key_pem"), "private_key_pem");
        const Certificate certificate(X509_new());
        tls_check(certificate != nullptr && X509_set_pubkey(certificate.get(), key.get()) == 1,
                  "create a certificate");
        set_subject(X509_get_subject_name(certificate.get()), config["subject"]);
        if (const auto names = alternative_names(config))
            tls_check(X509_add_ext(certificate.get(), names.get(), -1) == 1,
                      "add the alternative names");
        return sign(certificate, config, nullptr, key);
    }
};

class Request final : public KeptType {
  public:
    Request() {
        name = "tls.cert_request";
        summary = "A certificate signing request (CSR).";
        doc = "It is kept in the state. Any change replaces it.\n\n"
              "Destroy removes it from the state.";
        example = "web:\n"
                  "  type: tls.cert_request\n"
                  "  private_key_pem: ${web_key.private_key_pem}\n"
                  "  subject: {common_name: www.example.org}\n"
                  "  dns_names: [www.example.org, example.org]\n";
        schema = {key_attribute("private_key_pem", "The key of the requested certificate."),
                  subject_attribute(),
                  dns_names_attribute(),
                  ip_addresses_attribute(),
                  {.name = "cert_request_pem",
                   .type = TypeKind::string,
                   .doc = "The request in PEM.",
                   .computed = true,
                   .open = true}};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_names(config, diagnostics);
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const Value& config = change.after;
        const Key key = key_from_pem(config.text("private_key_pem"), "private_key_pem");
        const CertRequest request(X509_REQ_new());
        X509_REQ* r = request.get();
        tls_check(r != nullptr && X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 &&
                      X509_REQ_set_pubkey(r, key.get()) == 1,
                  "create a certificate request");
        set_subject(X509_REQ_get_subject_name(r), config["subject"]);
        if (const auto names = alternative_names(config)) {
            const std::unique_ptr<STACK_OF(X509_EXTENSION), FreedBy<free_list>> list(
                sk_X509_EXTENSION_new_null());
            tls_check(list != nullptr && sk_X509_EXTENSION_push(list.get(), names.get()) > 0 &&
                          X509_REQ_add_extensions(r, list.get()) == 1,
                      "add the alternative names");
        }
        tls_check(X509_REQ_sign(r, key.get(), digest_of(key)) > 0, "sign a certificate request");
        return Value::map({{"cert_request_pem", to_pem(request)}});
    }

  private:
    /// Frees only the list: its elements have other owners.
    static void free_list(STACK_OF(X509_EXTENSION) * list) { sk_X509_EXTENSION_free(list); }
};

class LocallySigned final : public CertificateType {
  public:
    LocallySigned() {
        name = "tls.locally_signed_cert";
        summary = "A certificate signed by an authority in this configuration.";
        doc = "Subject and names come from the request. It is kept in the state. Any change, "
              "including one of the authority, replaces it. A plan also replaces it after its "
              "expiry or within `early_renewal` before its expiry, and reports this reason.\n\n"
              "Destroy removes it from the state.";
        example = "web:\n"
                  "  type: tls.locally_signed_cert\n"
                  "  cert_request_pem: ${web_request.cert_request_pem}\n"
                  "  ca_private_key_pem: ${ca_key.private_key_pem}\n"
                  "  ca_cert_pem: ${ca.cert_pem}\n"
                  "  validity: 90d\n"
                  "  early_renewal: 30d\n";
        schema = joined({{.name = "cert_request_pem",
                          .type = TypeKind::string,
                          .doc = "The certificate request.",
                          .required = true,
                          .replaces = true},
                         key_attribute("ca_private_key_pem", "The authority's key."),
                         {.name = "ca_cert_pem",
                          .type = TypeKind::string,
                          .doc = "The authority's certificate.",
                          .required = true,
                          .replaces = true}},
                        certificate_attributes());
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const Value& config = change.after;
        const CertRequest request =
            request_from_pem(config.text("cert_request_pem"), "cert_request_pem");
        const Key key = key_from_pem(config.text("ca_private_key_pem"), "ca_private_key_pem");
        const Certificate authority =
            certificate_from_pem(config.text("ca_cert_pem"), "ca_cert_pem");
        if (X509_check_private_key(authority.get(), key.get()) != 1)
            throw tls_error("ca_private_key_pem is not the key of ca_cert_pem");
        EVP_PKEY* asker = X509_REQ_get0_pubkey(request.get());
        if (asker == nullptr || X509_REQ_verify(request.get(), asker) != 1)
            throw tls_error("cert_request_pem is not signed with its own key");
        const Certificate certificate(X509_new());
        X509* x = certificate.get();
        tls_check(x != nullptr && X509_set_pubkey(x, asker) == 1 &&
                      X509_set_subject_name(x, X509_REQ_get_subject_name(request.get())) == 1,
                  "create a certificate");
        copy_names(request.get(), x);
        return sign(certificate, config, authority.get(), key);
    }

  private:
    static void free_all(STACK_OF(X509_EXTENSION) * list) {
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    }
    /// Copies only the names: the authority decides the uses.
    static void copy_names(X509_REQ* request, X509* certificate) {
        const std::unique_ptr<STACK_OF(X509_EXTENSION), FreedBy<free_all>> asked(
            X509_REQ_get_extensions(request));
        const int at = X509v3_get_ext_by_NID(asked.get(), NID_subject_alt_name, -1);
        if (at < 0) return;
        tls_check(X509_add_ext(certificate, X509v3_get_ext(asked.get(), at), -1) == 1,
                  "add the alternative names");
    }
};
} // namespace

std::unique_ptr<ResourceType> cert_request_type() {
    return std::make_unique<Request>();
}
std::unique_ptr<ResourceType> self_signed_cert_type() {
    return std::make_unique<SelfSigned>();
}
std::unique_ptr<ResourceType> locally_signed_cert_type() {
    return std::make_unique<LocallySigned>();
}

} // namespace hadeploy::local
