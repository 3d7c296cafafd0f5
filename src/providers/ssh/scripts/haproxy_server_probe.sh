#!/bin/sh
# Variables: socket, backend, server. Prints whether the server is in service ("in", "out"), and its status.
if [ ! -S "$socket" ]; then
    if command -v haproxy >/dev/null; then echo stopped; else echo none; fi
    exit 0
fi
perl -e "$haproxy_perl"'
    my %all = servers();
    my $row = $all{$server};
    print $row ? ($row->{out} ? "out" : "in") . " $row->{status}\n" : "none\n";' "$socket" "$backend" "$server"
