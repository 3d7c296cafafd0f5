#pragma once

#include "provider_api/schema.h"

#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

/// Owning handles for OpenSSL objects, and PEM strings instead of OpenSSL's streams.
namespace hadeploy::local {

template<auto Free>
struct FreedBy {
    template<class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using CertRequest = std::unique_ptr<X509_REQ, FreedBy<X509_REQ_free>>;

/// An error with OpenSSL's reason for it.
Error tls_error(std::string message);
/// @throws Error(failed) "OpenSSL cannot `doing`" unless `good`
void tls_check(bool good, std::string_view doing);

/// @throws Error(failed) that names the attribute with the PEM string, but does not quote the
/// string
Key key_from_pem(const std::string& pem, std::string_view attribute);
Certificate certificate_from_pem(const std::string& pem, std::string_view attribute);
CertRequest request_from_pem(const std::string& pem, std::string_view attribute);

std::string to_pem(const Key& key); ///< PKCS #8, not encrypted
std::string to_pem(const Certificate& certificate);
std::string to_pem(const CertRequest& request);
std::string public_pem(const Key& key);

/// The digest to sign with; nullptr for algorithms with a built-in digest (Ed25519).
const EVP_MD* digest_of(const Key& key);

// --- the common parts of certificates and certificate requests ---

Attribute subject_attribute();
Attribute dns_names_attribute();
Attribute ip_addresses_attribute();
/// Reports invalid host names and addresses.
void check_names(const Value& config, Diagnostics& diagnostics);
/// Copies the attribute `subject` into `name`. @throws Error(failed)
void set_subject(X509_NAME* name, const Value& subject);
/// The subjectAltName extension with `dns_names` and `ip_addresses`; nullptr if there are none.
std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>
alternative_names(const Value& config);

} // namespace hadeploy::local
