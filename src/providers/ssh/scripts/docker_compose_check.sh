#!/bin/sh
# Requests a page until the response is right. Variables: address, port, path (of the page), url (for
# messages), expected (status), body (text in the response, or ""), attempts, interval, patience (seconds).
# HTTP/1.0, so that the response is not chunked.
answers() {
    # the text may be a secret, so it is not an argument
    why=$(body=$body perl -e 'use strict; use IO::Socket::INET;
        my ($address, $port, $path, $url, $expected, $attempts, $interval, $patience) = @ARGV;
        my $body = $ENV{body};
        sub answer {
            local $SIG{ALRM} = sub { die "does not answer within $patience s\n" };
            alarm $patience;
            my $s = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port)
                or die "cannot be reached: $!\n";
            print $s "GET $path HTTP/1.0\r\nHost: $address:$port\r\nUser-Agent: hadeploy\r\n\r\n";
            my ($answer, $n) = ("", 1);
            while ($n && length($answer) < 1048576) { $n = sysread $s, $answer, 65536, length $answer }
            return $answer;
        }
        my $why;
        for my $i (1 .. $attempts) {
            my $answer = eval { answer() };
            $why = $@;
            alarm 0;
            if (defined $answer) {
                my ($head, $text) = split /\r?\n\r?\n/, $answer, 2;
                my ($status) = ($head // "") =~ m{^HTTP/\S+ (\d+)};
                $text //= "";
                exit 0 if defined $status && $status == $expected && index($text, $body) >= 0;
                my ($first) = $text =~ /^\s*([^\r\n]{0,60})/;
                $why = !defined $status ? "does not answer with HTTP\n"
                     : $status != $expected ? "answers with status $status instead of $expected\n"
                     : "answers \"$first\", without \"$body\"\n";
            }
            sleep $interval if $i < $attempts;
        }
        chomp $why;
        print "$url $why ($attempts ", ($attempts == 1 ? "attempt" : "attempts"), ")";
        exit 1;' "$address" "$port" "$path" "$url" "$expected" "$attempts" "$interval" "$patience") && return 0
    names=$(docker ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}}')
    for container in $names; do docker logs --tail 6 "$container" >&2 2>&1 || :; done
    return 1
}
enter_project
answers || give_up
