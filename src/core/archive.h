#pragma once

#include "core/lazy_library.h"

#include <archive.h>
#include <archive_entry.h>

/// libarchive's functions under their own names. The library is loaded on the first call.
namespace hadeploy {

inline constexpr LateLibrary libarchive{"libarchive.so.13", "libarchive13"};

#define HADEPLOY_ARCHIVE(name) inline const Late<libarchive, decltype(::name)> name{#name};
HADEPLOY_ARCHIVE(archive_entry_filetype)
HADEPLOY_ARCHIVE(archive_entry_free)
HADEPLOY_ARCHIVE(archive_entry_hardlink)
HADEPLOY_ARCHIVE(archive_entry_new)
HADEPLOY_ARCHIVE(archive_entry_pathname)
HADEPLOY_ARCHIVE(archive_entry_set_filetype)
HADEPLOY_ARCHIVE(archive_entry_set_mtime)
HADEPLOY_ARCHIVE(archive_entry_set_pathname)
HADEPLOY_ARCHIVE(archive_entry_set_perm)
HADEPLOY_ARCHIVE(archive_entry_set_size)
HADEPLOY_ARCHIVE(archive_entry_set_symlink)
HADEPLOY_ARCHIVE(archive_entry_size)
HADEPLOY_ARCHIVE(archive_error_string)
HADEPLOY_ARCHIVE(archive_read_data)
HADEPLOY_ARCHIVE(archive_read_free)
HADEPLOY_ARCHIVE(archive_read_new)
HADEPLOY_ARCHIVE(archive_read_next_header)
HADEPLOY_ARCHIVE(archive_read_open_filename)
HADEPLOY_ARCHIVE(archive_read_support_filter_all)
HADEPLOY_ARCHIVE(archive_read_support_format_tar)
HADEPLOY_ARCHIVE(archive_write_close)
HADEPLOY_ARCHIVE(archive_write_data)
HADEPLOY_ARCHIVE(archive_write_free)
HADEPLOY_ARCHIVE(archive_write_header)
HADEPLOY_ARCHIVE(archive_write_new)
HADEPLOY_ARCHIVE(archive_write_open)
HADEPLOY_ARCHIVE(archive_write_set_bytes_in_last_block)
HADEPLOY_ARCHIVE(archive_write_set_format_gnutar)
HADEPLOY_ARCHIVE(archive_write_set_format_iso9660)
HADEPLOY_ARCHIVE(archive_write_set_format_pax_restricted)
HADEPLOY_ARCHIVE(archive_write_set_options)
#undef HADEPLOY_ARCHIVE

} // namespace hadeploy
