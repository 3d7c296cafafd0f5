#!/bin/sh
# Variables: socket, backend, server, seconds. The server counts as down until its checks have succeeded.
perl -e "$haproxy_perl"'
    my ($seconds) = @ARGV;
    my $began = time;
    my $row = {servers()}->{$server}
        or die "hadeploy: the running configuration of HAProxy has no server $backend/$server\n";
    set_state("state drain", $row->{checked} ? "health down" : (), "state ready") if $row->{out};
    while ($seconds > 0) {
        $row = {servers()}->{$server} or die "hadeploy: HAProxy has lost the server $backend/$server\n";
        last if takes_requests($row);
        my $check = join " ", grep { $_ } @$row{qw(check_status last_chk)};
        die "hadeploy: the server $backend/$server is $row->{status} after $seconds s"
            . ($check ? " ($check)" : "") . "\n" if time - $began >= $seconds;
        select undef, undef, undef, 0.5;
    }' "$socket" "$backend" "$server" "$seconds"
