#!/bin/sh
# A JSON parser for perl programs after $docker_perl. `get PATH` returns Docker's response as perl
# hashes and lists, or dies with Docker's message if the response is an error. Numbers stay strings;
# true and false are 1 and "".
#
# hadeploy cannot read these responses itself: the programs decide on the host, every second, even
# while the connection is lost. perl-base, which every host has, comes without JSON::PP; python3 and
# jq may be missing; and the templates of the docker command know neither ServiceStatus nor the
# filter for tasks of the current version.
# shellcheck disable=SC2016 # a perl program
docker_perl=$docker_perl'
    sub json {
        my $t = shift;
        $$t =~ /\G\s*/gc;
        if ($$t =~ /\G\{/gc) {
            my %map;
            while ($$t =~ /\G[\s,]*"((?:[^"\\]++|\\.)*+)"\s*:/gc) { my $key = $1; $map{$key} = json($t) }
            $$t =~ /\G\s*\}/gc or die "Docker answered with something other than JSON\n";
            return \%map;
        }
        if ($$t =~ /\G\[/gc) {
            my @list;
            until ($$t =~ /\G[\s,]*\]/gc) { $$t =~ /\G[\s,]*/gc; push @list, json($t) }
            return \@list;
        }
        if ($$t =~ /\G"((?:[^"\\]++|\\.)*+)"/gc) { my $s = $1; $s =~ s/\\n/ /g; $s =~ s/\\(["\\\/])/$1/g; return $s }
        return 1 if $$t =~ /\Gtrue/gc;
        return "" if $$t =~ /\Gfalse/gc;
        return undef if $$t =~ /\Gnull/gc;
        return $1 if $$t =~ /\G(-?[0-9][-+.eE0-9]*)/gc;
        die "Docker answered with something other than JSON\n";
    }
    sub get {
        my ($status, $server, $body) = ask("GET", shift, "");
        my $answer = json(\$body);
        die(($answer->{message} // "status $status") . "\n") unless $status == 200;
        return $answer;
    }'
