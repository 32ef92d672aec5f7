package redis

import "sync"

// pending numbers the calls of a store, and knows the lowest number whose
// answer is not known yet: no charge below it can still be wanted. The zero
// value is ready for use and safe for concurrent use.
type pending struct {
	mu       sync.Mutex
	last     uint64 // the number given out last; the first is 1
	answered []bool // of the numbers above last - len(answered)
}

// begin returns a new number, which is pending until end.
func (p *pending) begin() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.answered = append(p.answered, false)
	return p.last
}

// skip returns a new number that is not pending, for what is no charge.
func (p *pending) skip() uint64 {
	n := p.begin()
	p.end(n)
	return n
}

// end notes that nothing more is to come of number n.
func (p *pending) end(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.last - uint64(len(p.answered)) + 1
	if n < first {
		return
	}
	p.answered[n-first] = true
	done := 0
	for done < len(p.answered) && p.answered[done] {
		done++
	}
	p.answered = p.answered[done:]
}

// lowest returns the lowest pending number, or the next one to be given out.
func (p *pending) lowest() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last - uint64(len(p.answered)) + 1
}
