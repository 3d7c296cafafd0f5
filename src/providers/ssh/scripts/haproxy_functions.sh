#!/bin/sh
# The perl program must not contain single quotes, because it is itself in single quotes. It begins with
# the arguments SOCKET BACKEND SERVER.
# shellcheck disable=SC2016 # a perl program
haproxy_perl='use strict; use Socket;
    my ($socket, $backend, $server) = splice @ARGV, 0, 3;
    # Sends commands, separated by ";", and returns the answer.
    sub ask {
        my ($commands) = @_;
        local $SIG{ALRM} = sub { die "hadeploy: HAProxy does not answer at $socket\n" };
        alarm 10;
        my $s;
        socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un($socket))
            or die "hadeploy: cannot reach HAProxy at $socket: $!\n";
        syswrite $s, "$commands\n";
        my $answer = do { local $/; <$s> } // "";
        alarm 0;
        die "hadeploy: the socket $socket does not allow changes; it needs `level admin`\n"
            if $answer =~ /Permission denied/;
        return $answer;
    }
    # The statistics of the servers in the backend, by name. "out": the state is maint or drain. "checked":
    # HAProxy checks the server, even if only after maint.
    sub servers {
        my ($head, @lines) = split /\n/, ask("show stat");
        $head =~ s/^# //;
        my @fields = split /,/, $head;
        my %all;
        for my $line (@lines) {
            my %row;
            @row{@fields} = split /,/, $line, -1;
            next if ($row{pxname} // "") ne $backend || $row{svname} =~ /^(FRONTEND|BACKEND)$/;
            $all{$row{svname}} = \%row;
        }
        for (split /\n/, ask("show servers state $backend")) {
            my ($name, $admin, $check) = (split / /)[3, 6, 13];
            @{$all{$name}}{qw(out checked)} = ($admin & 9, $check & 4) if defined $check && $all{$name};
        }
        return %all;
    }
    sub takes_requests { return $_[0]{status} =~ /^(UP|no check)/ }
    sub set_state {
        my $answer = ask(join ";", map { "set server $backend/$server $_" } @_);
        die "hadeploy: HAProxy refused: $answer\n" if $answer =~ /[Uu]nknown|[Nn]o such/;
    }'
