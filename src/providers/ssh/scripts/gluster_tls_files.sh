#!/bin/sh
# On a host with a brick: without these files a brick runs, but no client can use it. Variables:
# certificates (kCertificates).
read -r name </proc/sys/kernel/hostname
for file in pem key ca; do
    [ -s "$certificates.$file" ] || {
        echo "$certificates.$file is missing on $name; with \`tls\` each host needs its certificate (.pem), key (.key) and authority (.ca): write them with host.file" >&2
        exit 1
    }
done
if [ -n "$(find -L "$certificates.key" -perm /077)" ]; then
    echo "other users can read $certificates.key on $name; set its mode to 0600" >&2
    exit 1
fi
