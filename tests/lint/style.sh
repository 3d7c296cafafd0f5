#!/usr/bin/env bash
# Checks the sources with clang-format, and how messages quote values. Exit status 77: clang-format is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mapfile -t sources < <(find src state services tests \( -name node_modules -o -name .hadeploy \) -prune -o \
    \( -name '*.cpp' -o -name '*.h' \) -print)
((${#sources[@]} > 200)) || { echo "the sources were not found" >&2; exit 1; }
command -v clang-format >/dev/null || { echo "clang-format is missing" >&2; exit 77; }
clang-format --dry-run --Werror "${sources[@]}"
if grep -rnE 'in_quotes\([^;]*(as_string\(\)|call\.text\()' src --include='*.cpp'; then
    echo "use quoted() for values in messages: it redacts secrets" >&2
    exit 1
fi
echo "${#sources[@]} sources"
