#pragma once

#include <initializer_list>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace hadeploy::libvirt {

using XmlAttributes = std::initializer_list<std::pair<const char*, std::string_view>>;

/// Appends `<name attributes...>text</name>`.
pugi::xml_node add(pugi::xml_node parent, const char* name, XmlAttributes attributes = {},
                   std::string_view text = "");

/// The indented text of a document or node.
std::string to_text(const pugi::xml_node& node);

/// @throws Error if it is not well-formed
pugi::xml_document parse_xml(const std::string& text);

/// Adds `<metadata>` with the owner of the object. `extra` are further attributes.
void add_metadata(pugi::xml_node object, std::string_view project, std::string_view address,
                  XmlAttributes extra = {});
/// The value of an attribute from add_metadata(); "" if there is none.
std::string metadata(pugi::xml_node object, const char* attribute);

} // namespace hadeploy::libvirt
