#pragma once

#include "provider_api/schema.h"

#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

/// OpenSSL's objects with owners, and texts in the place of its streams.
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

/// An error with what OpenSSL says of it.
Error tls_error(std::string message);
/// @throws Error(failed) unless `good`
void tls_check(bool good, std::string_view doing);

/// @throws Error(failed) naming the attribute that the text comes from, never quoting it
Key key_from_pem(const std::string& pem, std::string_view attribute);
Certificate certificate_from_pem(const std::string& pem, std::string_view attribute);
CertRequest request_from_pem(const std::string& pem, std::string_view attribute);

std::string to_pem(const Key& key); ///< PKCS #8, not encrypted
std::string to_pem(const Certificate& certificate);
std::string to_pem(const CertRequest& request);
std::string public_pem(const Key& key);

/// The digest that a key signs with; nullptr for one that brings its own.
const EVP_MD* digest_of(const Key& key);

// --- what certificates and requests for them are made of ---

Attribute subject_attribute();
Attribute dns_names_attribute();
Attribute ip_addresses_attribute();
/// Host names and addresses that are none are reported.
void check_names(const Value& config, Diagnostics& diagnostics);
/// Of the attribute `subject`. @throws Error(failed)
void set_subject(X509_NAME* name, const Value& subject);
/// The extension with all `dns_names` and `ip_addresses`; nullptr where there are none.
std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>
alternative_names(const Value& config);

} // namespace hadeploy::local
