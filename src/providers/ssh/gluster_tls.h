#pragma once

#include "core/error.h"
#include "core/value.h"

#include <map>
#include <string>
#include <string_view>

/// TLS between the bricks of a Gluster volume and its clients: `tls` of gluster.volume.
namespace hadeploy::ssh::gluster {

/// Path prefix of the certificate (.pem), key (.key) and authority (.ca) on a host. Set explicitly,
/// because the default is OpenSSL's directory, which differs between distributions.
inline constexpr std::string_view kCertificates = "/etc/ssl/glusterfs";

/// Reports options in `options` that `tls` sets.
void check_tls(const Value& config, Diagnostics& diagnostics);
/// The certificate names that may mount the volume: the names of the hosts, unless `options` sets
/// auth.ssl-allow. Empty without TLS.
Value tls_names(const Value& config);
/// The options that `tls` sets, as words for `gluster volume set`; "" without TLS.
std::string tls_settings(const Value& config);
/// The options to reset when TLS is turned off, as words.
std::string tls_options();
/// Whether the volume file of glusterd has TLS as we set it. If the spec sets client.ssl or
/// server.ssl in `options`, returns the `tls` of the spec.
bool seen_tls(const std::map<std::string, std::string>& info, const Value& config);

} // namespace hadeploy::ssh::gluster
