#!/bin/sh
# Prints the login as a digest, so that the password stays on the host. Variables: key (the server in Docker's
# file), ca (the path of the certificate, or "").
file=~root/.docker/config.json
if [ -f "$file" ]; then
    # There is no JSON parser in every Debian: this looks for the strings at three paths.
    # shellcheck disable=SC2016 # a perl program
    entry=$(perl -e 'use strict;
        my $want = shift;
        my $text = do { local $/; <STDIN> };
        my (@path, $key, $last);
        while ($text =~ /\G\s*(?:"((?:[^"\\]|\\.)*)"|([{}\[\]:,])|([^\s{}\[\]:,"]+))/gc) {
            if (!defined $2) {
                $last = $1;
                next if !defined $key || !defined $1 || $1 eq "";
                my $at = join "\n", @path, $key;
                print "auth $1\n" if $at eq "\nauths\n$want\nauth";
                print "token\n" if $at eq "\nauths\n$want\nidentitytoken";
                print "store $1\n" if $at eq "\ncredsStore" || $at eq "\ncredHelpers\n$want";
            } elsif ($2 eq "{" || $2 eq "[") {
                push @path, defined $key ? $key : "";
                undef $key;
            } else {
                pop @path if $2 eq "}" || $2 eq "]";
                $key = $2 eq ":" ? $last : undef;
            }
        }
        die "it is not JSON\n" if @path || $text =~ /\G\s*\S/gc;' "$key" <"$file") ||
        { echo "$file cannot be read" >&2; exit 1; }
    auth=
    while read -r kind value; do
        case $kind in auth) auth=$value ;; ?*) echo "$kind $value" ;; esac
    done <<END
$entry
END
    if [ -n "$auth" ]; then
        user=$(printf %s "$auth" | base64 -d 2>/dev/null)
        echo "user ${user%%:*}"
        echo "sha256 $(printf %s "$auth" | sha256sum)"
        echo "stat $(stat -c '%u %a' "$file")"
    fi
fi
[ -z "$ca" ] || [ ! -f "$ca" ] || echo "ca $(sha256sum <"$ca")"
