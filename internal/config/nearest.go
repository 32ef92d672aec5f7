package config

// nearest returns the candidate with the smallest edit distance to word, the
// first of equals; "" when there is none.
func nearest(word string, candidates []string) string {
	best, least := "", int(^uint(0)>>1)
	for _, c := range candidates {
		if d := distance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// similar returns the nearest candidate if it is near enough to be what was
// meant: at most half of it differs.
func similar(word string, candidates []string) string {
	if near := nearest(word, candidates); 2*distance(word, near) <= max(len(word), len(near))+1 {
		return near
	}
	return ""
}

// comparedBytes bounds the work on a key that some file made very long.
const comparedBytes = 128

// distance is the Levenshtein distance between two words, in bytes.
func distance(a, b string) int {
	a, b = a[:min(len(a), comparedBytes)], b[:min(len(b), comparedBytes)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
