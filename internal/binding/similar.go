package binding

import "strings"

// Similar returns the candidate that word was most likely meant to be, the first
// of equals: one of which at most a third is written differently, or the only one
// that begins as word does, or word as it. "" when there is none.
func Similar(word string, candidates []string) string {
	best, least := "", max(len(word)/3, 1)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < min(least, len(word)) {
			best, least = c, d
		}
	}
	if best == "" {
		best = onlyBeginning(word, candidates)
	}
	return best
}

// beginningBytes is how much of a word must agree to tell what is meant.
const beginningBytes = 3

// onlyBeginning returns the candidate of which word is the beginning, or that is
// the beginning of word, if there is one only.
func onlyBeginning(word string, candidates []string) (found string) {
	for _, c := range candidates {
		switch {
		case min(len(word), len(c)) < beginningBytes:
		case !strings.HasPrefix(c, word) && !strings.HasPrefix(word, c):
		case found != "":
			return ""
		default:
			found = c
		}
	}
	return found
}

// comparedBytes bounds the work on a key that some file made very long.
const comparedBytes = 128

// distance is how many bytes must be added, removed, changed, or exchanged with
// the next one, to make b of a (optimal string alignment).
func distance(a, b string) int {
	a, b = a[:min(len(a), comparedBytes)], b[:min(len(b), comparedBytes)]
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
