#include "providers/libvirt/xml.h"

#include "core/error.h"

#include <fmt/format.h>
#include <sstream>

namespace hadeploy::libvirt {

namespace {
constexpr const char* kNamespace = "urn:hadeploy:object";
}

pugi::xml_node add(pugi::xml_node parent, const char* name, XmlAttributes attributes,
                   std::string_view text) {
    pugi::xml_node node = parent.append_child(name);
    for (const auto& [key, value] : attributes)
        node.append_attribute(key).set_value(std::string(value).c_str());
    if (!text.empty()) node.text().set(std::string(text).c_str());
    return node;
}

std::string to_text(const pugi::xml_node& node) {
    std::ostringstream out;
    node.print(out, "  ", pugi::format_indent | pugi::format_no_declaration);
    return out.str();
}

pugi::xml_document parse_xml(const std::string& text) {
    pugi::xml_document document;
    const pugi::xml_parse_result result = document.load_string(text.c_str());
    if (!result)
        throw Error(ErrorKind::failed,
                    fmt::format("libvirt sent malformed XML: {}", result.description()));
    return document;
}

void add_metadata(pugi::xml_node object, std::string_view project, std::string_view address,
                  XmlAttributes extra) {
    pugi::xml_node node =
        add(add(object, "metadata"), "hadeploy:object",
            {{"xmlns:hadeploy", kNamespace}, {"project", project}, {"address", address}});
    for (const auto& [key, value] : extra)
        node.append_attribute(key).set_value(std::string(value).c_str());
}

std::string metadata(pugi::xml_node object, const char* attribute) {
    return object.child("metadata").child("hadeploy:object").attribute(attribute).value();
}

} // namespace hadeploy::libvirt
