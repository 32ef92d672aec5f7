package request

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

// waitingMax is how many members of an object may wait for the end of the body; clients send few
// that nobody has classified.
const waitingMax = 64

// waiting is a member that is decided about at the end of the body. Only there is it known whose
// rules apply, by the model's name, and whether a stream is asked for.
type waiting struct {
	member.Reader
	name      string
	start     int // of the name's quotes
	value     jsonscan.Extent
	before    int // where the member before ends; 0: it is the first
	next      int // where the name of the next member begins; 0: it is the last
	isLeftOut bool
}

// waitingList is the members of one object that wait, in order.
type waitingList []waiting

// begin notes where a member begins, which may be the one behind a member that waits.
func (l waitingList) begin(start int) {
	if n := len(l); n > 0 && l[n-1].next == 0 {
		l[n-1].next = start
	}
}

// wait passes over a member until the end of the body.
func (p *parse) wait(l *waitingList, w waiting, name []byte) {
	if len(*l) == waitingMax {
		p.reject(failure.InvalidRequest("",
			"the body has more than %d members that are not known here, or null: leave them "+
				"out", waitingMax))
		p.Skip()
		return
	}
	w.name = string(name)
	if w.value = p.Value(); !p.Bad {
		*l = append(*l, w)
	}
}

// finishWaiting decides about all that waits.
func (p *parse) finishWaiting() {
	if len(p.members) == 0 && len(p.inner) == 0 && p.held == 0 {
		return
	}
	var rules FieldRules
	if p.options.Models != nil {
		rules = p.options.Models.FieldRules(p.r.Model)
	}
	for i, name := range heldNames {
		if p.held&(1<<i) != 0 && !rules.allows(name) {
			p.refuseHeldBack(name)
		}
	}
	var told dropped
	for _, list := range [...]waitingList{p.members, p.inner} {
		for i := range list {
			p.decide(&list[i], rules, &told)
		}
	}
	var isEmpty bool
	p.r.at.cuts, isEmpty = p.members.cuts(nil)
	p.r.at.empty = p.r.at.empty || isEmpty
	p.r.at.options.cuts, isEmpty = p.inner.cuts(nil)
	p.r.at.options.isEmpty = p.r.at.options.isEmpty || isEmpty
	p.r.Dropped = told.String()
}

// decide decides about a member. It is sent and counts as input, because nobody knows what it does;
// or it is left out; or the request is refused.
func (p *parse) decide(w *waiting, rules FieldRules, told *dropped) {
	switch {
	case p.err != nil:
	case p.Text[w.value.Start] == 'n' && w.Reader != member.ReadUnknown:
		w.isLeftOut = true // as if it had not been there
	case w.isHarmless(p.Text, p.r.Stream):
	case rules.allows(w.name):
		p.price(w)
	case w.Reader == member.ReadUnknown && rules.RefuseUnknown:
		p.reject(unknownMember(w.name))
	case w.Reader >= member.ReadPriority:
		p.refuseWaiting(w)
	default:
		w.isLeftOut = true
		told.add(w.name)
	}
}

// isHarmless reports whether the member may be sent as it is, whatever the rules are.
func (w *waiting) isHarmless(b []byte, stream bool) bool {
	value := w.value.Of(b)
	switch w.Reader {
	case member.ReadPriority:
		v, ok := parseInteger(value)
		return ok && v == 0
	case member.ReadBackground:
		return value[0] == 'f'
	case member.ReadSilencing:
		return !stream || value[0] == 't' || string(value) == "1"
	}
	return false
}

// price counts the text of a member that is passed on although nobody knows where it ends.
func (p *parse) price(w *waiting) {
	p.At = w.value.Start
	if w.Reader == member.ReadEmbeds {
		p.in.Images += 1 + embeds(w.value.Len())
		return
	}
	p.shared()
}

// cuts appends what to cut out of a body, so that it has none of the members that are left out:
// each with the comma behind it, and those at the end of the object with the comma before them. It
// reports whether no member stays.
func (l waitingList) cuts(list []jsonscan.Extent) (cut []jsonscan.Extent, isEmpty bool) {
	for i := range l {
		w := &l[i]
		switch {
		case !w.isLeftOut:
		case w.next != 0:
			list = append(list, jsonscan.Extent{Start: w.start, End: w.next})
		default:
			first := i // of those at the end
			for ; first > 0 && l[first-1].isLeftOut && l[first-1].next == l[first].start; first-- {
				list = list[:len(list)-1]
			}
			from := l[first].before
			if isEmpty = from == 0; isEmpty {
				from = l[first].start
			}
			list = append(list, jsonscan.Extent{Start: from, End: w.value.End})
		}
	}
	return list, isEmpty
}
