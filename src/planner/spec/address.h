#pragma once

#include "core/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// The kind of thing that an address refers to.
enum class AddressForm { none, resource, module };

/// Form of a resource address: `web`, `web["a"]`, `web[0]`, `module.cluster.web["a"]`; of a module:
/// `module.cluster`.
AddressForm form_of_address(const std::string& text);

/// Resolves an address from the command line. Returns the text unchanged if it names an address in
/// `known`, or a block or module that contains such an address. Otherwise returns the only such
/// address that is equal except for the quotes of keys, which a shell removes: `r[a]` is `r["a"]`,
/// `r["0"]` may be `r[0]`. Returns the text unchanged if there is no match.
std::string resolve_address(const std::string& text, const std::vector<std::string>& known);

/// Adds the quotes that a shell may have removed to an address that does not exist yet: `r[a]`
/// becomes `r["a"]`; `r[0]` stays as it is.
std::string quoted_keys(const std::string& text);

/// An address quoted for a shell: `'r["a"]'`.
std::string shell_word(const std::string& address);
/// One part of an address.
struct AddressPart {
    std::string name;     ///< "module.NAME", or the name of a resource
    std::string key;      ///< key of for_each, or the index in digits; "" if there is none
    bool indexed = false; ///< the key is an index
};

/// The parts of an address, modules first; empty if the text is not an address.
std::vector<AddressPart> parts_of_address(const std::string& text);

/// A usage error about an address that does not match any address in `known`. The hint names the
/// closest known address (or a module or block that contains one); if none is close, the hint is
/// `otherwise`. If the address names a block or module, the hint names the first resource in it,
/// quoted for a shell.
Error unknown_address(std::string message, const std::string& address,
                      const std::vector<std::string>& known, std::string otherwise);

/// Whether an address is `name` or within it: an instance of that block, or a resource of that
/// module.
bool within(const std::string& address, const std::string& name);

/// The address under which a generation is recorded while another generation of the resource is in
/// use: `address#generation`.
std::string generation_address(const std::string& address, std::int64_t generation);

/// The address for a read of the place where an object is to be created: "web#0". No object has
/// generation 0.
std::string new_place_address(const std::string& address);
/// The resource of a generation address; any other address is returned unchanged.
std::string resource_address(const std::string& address);

} // namespace hadeploy
