package usage

// panels is among how many panels the users of a model are divided. A panel learns
// from its own users only, and has one vote, however much they send: see [jury].
const panels = 8

// jury finds what the panels of a model say together. No single vote can move the
// verdict further than to its neighbours: it is the median. Its zero value is an
// empty one.
//
// Who has taught nothing himself trusts the panels only so far. Two votes of doubt,
// around what is known without them, are then among the others: a single panel moves
// his verdict no further than to them, three that agree move it anywhere.
type jury struct {
	votes [panels + 2]float64 // in order
	n     int
}

func (j *jury) add(vote float64) {
	i := j.n
	for ; i > 0 && j.votes[i-1] > vote; i-- {
		j.votes[i] = j.votes[i-1]
	}
	j.votes[i] = vote
	j.n++
}

// doubt adds two votes at a factor around what is known without the panels.
func (j *jury) doubt(known, factor float64) {
	j.add(known / factor)
	j.add(known * factor)
}

// verdict returns the median, where that is a range what in it is nearest to what
// is known without the panels, and that itself where nobody has voted.
func (j *jury) verdict(known float64) float64 {
	if j.n == 0 {
		return known
	}
	return min(max(known, j.votes[(j.n-1)/2]), j.votes[j.n/2])
}
