#include "providers/local/tls.h"

#include "core/secrecy.h"
#include "core/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace hadeploy::local {

namespace {
using Bio = std::unique_ptr<BIO, FreedBy<BIO_free_all>>;

/// The fields of a subject: our name, and OpenSSL's.
struct Field {
    const char* name;
    const char* object;
    const char* doc;
};
constexpr std::array<Field, 7> kFields{
    {{"common_name", "CN", "Common name (CN) of the subject: a host or an authority."},
     {"organization", "O", ""},
     {"organizational_unit", "OU", ""},
     {"country", "C", "Two letters."},
     {"province", "ST", ""},
     {"locality", "L", ""},
     {"email", "emailAddress", ""}}};

Bio reader(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template<class Write>
std::string written(Write write) {
    const Bio bio(BIO_new(BIO_s_mem()));
    tls_check(bio != nullptr && write(bio.get()) == 1, "write PEM");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

/// Prevents OpenSSL's passphrase prompt on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

Error no_pem(std::string_view attribute, std::string_view what) {
    return tls_error(fmt::format("{} is not {} in PEM", attribute, what));
}

bool is_host_name(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(2);
    return !name.empty() && name.size() <= 253 && name.front() != '.' && name.back() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' ||
                      c == '_';
           });
}

/// 4 or 16 bytes; "" if it is not an address.
std::string address_bytes(const std::string& text) {
    std::string bytes(16, '\0');
    if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes.substr(0, 4);
    return ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 ? bytes : "";
}

void add_name(GENERAL_NAMES* names, int type, const std::string& bytes) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    tls_check(name != nullptr && value != nullptr &&
                  ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1,
              "add an alternative name");
    GENERAL_NAME_set0_value(name, type, value); // takes ownership of the value
    tls_check(sk_GENERAL_NAME_push(names, name) > 0, "add an alternative name");
}
} // namespace

Error tls_error(std::string message) {
    Error error(ErrorKind::failed, std::move(message));
    char text[256];
    while (const unsigned long code = ERR_get_error()) {
        ERR_error_string_n(code, text, sizeof text);
        if (error.notes.size() < 3) error.with_note(text);
    }
    return error;
}

void tls_check(bool good, std::string_view doing) {
    if (!good) throw tls_error(fmt::format("OpenSSL cannot {}", doing));
}

Key key_from_pem(const std::string& pem, std::string_view attribute) {
    Key key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_passphrase, nullptr));
    if (!key) throw no_pem(attribute, "a private key without a passphrase");
    return key;
}

Certificate certificate_from_pem(const std::string& pem, std::string_view attribute) {
    Certificate certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
    if (!certificate) throw no_pem(attribute, "a certificate");
    return certificate;
}

CertRequest request_from_pem(const std::string& pem, std::string_view attribute) {
    CertRequest request(PEM_read_bio_X509_REQ(reader(pem).get(), nullptr, nullptr, nullptr));
    if (!request) throw no_pem(attribute, "a certificate request");
    return request;
}

std::string to_pem(const Key& key) {
    return written([&](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
}
std::string to_pem(const Certificate& certificate) {
    return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}
std::string to_pem(const CertRequest& request) {
    return written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}
std::string public_pem(const Key& key) {
    return written([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); });
}

const EVP_MD* digest_of(const Key& key) {
    const int type = EVP_PKEY_get_base_id(key.get());
    if (type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448) return nullptr;
    return type == EVP_PKEY_EC && EVP_PKEY_get_bits(key.get()) > 256 ? EVP_sha384() : EVP_sha256();
}

Attribute subject_attribute() {
    std::vector<Attribute> fields;
    for (const Field& f : kFields)
        fields.push_back({.name = f.name, .type = TypeKind::string, .doc = f.doc});
    return {.name = "subject",
            .type = object_of(std::move(fields)),
            .doc = "Subject of the certificate.",
            .replaces = true};
}

Attribute dns_names_attribute() {
    return {.name = "dns_names",
            .type = list_of(TypeKind::string),
            .doc = "Host names in the certificate; `*.example.org` covers all subdomains.",
            .replaces = true};
}

Attribute ip_addresses_attribute() {
    return {.name = "ip_addresses",
            .type = list_of(TypeKind::string),
            .doc = "IP addresses in the certificate, IPv4 or IPv6.",
            .replaces = true};
}

void check_names(const Value& config, Diagnostics& diagnostics) {
    const auto each = [&](const char* attribute, auto good, const char* what) {
        const Value& list = config[attribute];
        if (!list.is_list()) return;
        for (const Value& v : list.as_list())
            if (v.is_string() && !good(v.as_string()))
                diagnostics.add(fmt::format("{}: {} is not {}", attribute, quoted(v), what),
                                v.loc().known() ? v.loc() : list.loc());
    };
    each(
        "dns_names", [](const std::string& s) { return is_host_name(s); }, "a host name");
    each(
        "ip_addresses", [](const std::string& s) { return !address_bytes(s).empty(); },
        "an IP address");
}

void set_subject(X509_NAME* name, const Value& subject) {
    for (const Field& f : kFields) {
        const Value& v = subject[f.name];
        if (!v.is_string()) continue;
        const std::string& text = v.as_string();
        const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
        if (X509_NAME_add_entry_by_txt(name, f.object, MBSTRING_UTF8, bytes,
                                       static_cast<int>(text.size()), -1, 0) != 1)
            throw tls_error(
                fmt::format("subject: {} is not a valid {}", quoted(subject, text), f.name));
    }
}

std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>
alternative_names(const Value& config) {
    const std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>> names(GENERAL_NAMES_new());
    const Value& hosts = config["dns_names"];
    const Value& addresses = config["ip_addresses"];
    if (hosts.is_list())
        for (const Value& v : hosts.as_list()) add_name(names.get(), GEN_DNS, v.as_string());
    if (addresses.is_list())
        for (const Value& v : addresses.as_list())
            add_name(names.get(), GEN_IPADD, address_bytes(v.as_string()));
    if (sk_GENERAL_NAME_num(names.get()) == 0) return nullptr;
    std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>> extension(
        X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get()));
    tls_check(extension != nullptr, "add the alternative names");
    return extension;
}

} // namespace hadeploy::local
