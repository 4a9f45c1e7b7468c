#!/usr/bin/perl
# Makes lines of words from a generator of its own, indexes, sorts and joins them, and drops two thirds
# of each generation: hashes of arrays of strings, where nearly every value is a malloc or a realloc.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my $state = 1;

sub next_below {
  my ($limit) = @_;
  $state = ($state * 1103515245 + 12345) & 0x7fffffff;
  return ($state >> 8) % $limit;
}

my %kept;
my $checksum = "";
for my $round (1 .. 2) {
  my %lines_of;
  for my $line_number (1 .. 9000) {
    my $line = join " ", map { "w" . next_below(5000) x (1 + next_below(4)) } 1 .. 4 + next_below(12);
    push @{$lines_of{$_}}, "$line_number: $line" for split / /, $line;
  }
  my @words = sort { @{$lines_of{$b}} <=> @{$lines_of{$a}} || $a cmp $b } keys %lines_of;
  my $text = join "\n", map { my $lines = join ",", @{$lines_of{$_}}; $lines =~ s/w(\d)/$1w/g; $lines } @words;
  $checksum = sha256_hex($checksum, $text);
  $kept{"$round-$_"} = $lines_of{$words[$_]} for grep { $_ % 3 == 0 } 0 .. $#words;
}
my $lines_count = 0;
$lines_count += @$_ for values %kept;
print "$checksum $lines_count lines\n";
