#!/bin/sh
# The perl program must not contain single quotes, because it is itself in single quotes. HTTP/1.0,
# so that the daemon closes the connection and does not use chunked encoding.
# the logins of docker.registry_login, whatever sudo sets HOME to
DOCKER_CONFIG=~root/.docker
export DOCKER_CONFIG
docker_up() {
    pid= comm=
    { read -r pid </run/docker.pid || [ -n "$pid" ]; } 2>/dev/null || return 1
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null || return 1
    [ "$comm" = dockerd ]
}
# shellcheck disable=SC2016 # a perl program
docker_perl='use strict; use Socket;
    # Sends METHOD, path, body; returns status, server and body of the response.
    sub ask {
        my ($method, $path, $body) = @_;
        $SIG{ALRM} = sub { die "Docker did not answer in time\n" };
        alarm 120;
        my $s;
        socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un("/run/docker.sock"))
            or die "cannot reach Docker at /run/docker.sock: $!\n";
        my $length = length $body;
        my $type = $length ? "Content-Type: application/json\r\nContent-Length: $length\r\n" : "";
        syswrite $s, "$method $path HTTP/1.0\r\nHost: docker\r\n$type\r\n$body";
        my ($head, $answer) = split /\r\n\r\n/, do { local $/; <$s> }, 2;
        alarm 0;
        my ($status) = $head =~ /^HTTP\S+ (\d+)/ or die "Docker did not answer $path\n";
        my ($server) = $head =~ /^Server: *([^\r]*)/m;
        return ($status, $server, $answer);
    }'
docker_http() {
    perl -e "$docker_perl"'
        my ($method, $errors) = (shift, shift);
        my $body = $method eq "POST" ? do { local $/; <STDIN> } : "";
        for my $path (@ARGV) {
            my ($status, $server, $answer) = ask($method, $path, $body);
            if ($errors eq "fail" && $status != 200) {
                my ($message) = $answer =~ /"message":"((?:[^"\\]|\\.)*)"/;
                $path =~ s/\?.*//;
                die "hadeploy: Docker answers $path with an error: " . ($message || "status $status") . "\n";
            }
            printf "reply %d %d %s\n%s\n", $status, length $answer, $server, $answer;
        }' "$@"
}
# Scripts look for members such as `"State":"running"` in a response without parsing it: Docker
# writes JSON without spaces, and a quote within a string is escaped, so nothing else can match. IDs
# and numbers are cut out in the same way. The docker command would read the JSON, but it has to be
# started for each request, and loops ask every second.
docker_get() { docker_http GET print "$@" </dev/null; }
docker_read() { docker_http GET fail "$@" </dev/null; }
docker_post() { docker_http POST print "$@"; }
docker_again() {
    began_again=$(seconds)
    until said=$("$@" 2>&1 >/dev/null </dev/null); do
        case $said in
        *DeadlineExceeded*|*'deadline exceeded'*|*'out of sequence'*|*'code = Unavailable'*|*'does not have a leader'*) ;;
        *) printf '%s\n' "$said" >&2; return 1;;
        esac
        ! late "$began_again" 180 || { printf '%s\n' "$said" >&2; return 1; }
        sleep 2
    done
    [ -z "$said" ] || printf '%s\n' "$said" >&2
}
