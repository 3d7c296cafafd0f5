#!/bin/sh
# Sets $numbers to the numbers of the lines of the block in $text. Variables: begin, end (the marker
# lines). A begin line without an end line is not a block.
block_numbers() {
    numbers=$(begin=$begin end=$end awk '
        BEGIN { begin = ENVIRON["begin"]; end = ENVIRON["end"] }
        $0 == begin { first = NR }
        first && $0 == end { for (; first <= NR; first++) print first; first = 0 }' "$text")
}
